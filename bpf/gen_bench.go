// SPDX-License-Identifier: Apache-2.0

package bpf

// For the benchmark only: see bench/plane.bpf.c.
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -cflags "-O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -mcpu=v3 -nostdinc -fno-strict-aliasing" -target bpfel -no-global-types Bench bench/plane.bpf.c
