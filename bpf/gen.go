// SPDX-License-Identifier: Apache-2.0

// Package bpf holds hooktop's kernel programs (C), and the Go bindings and objects that bpf2go makes of them. Only
// bpf/kern uses it.
//
// The objects are committed, little-endian, and the same for every host: `go generate ./bpf/...` with clang-14 gives the
// same bytes again. The programs need no kernel or libbpf headers (include/compat.h).
package bpf

//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -cflags "-O2 -g -Wall -Wextra -Werror -mcpu=v3 -nostdinc -fno-strict-aliasing" -target bpfel -type flow_key -type flow_entry -type counter -type dev_count -type malformed -type stat -type policy_event -type tunnel_kind -type tunnel_inner -type tunnel_error Xdp xdp/pipeline.bpf.c
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -cflags "-O2 -g -Wall -Wextra -Werror -mcpu=v3 -nostdinc -fno-strict-aliasing" -target bpfel -no-global-types Tc tc/pipeline.bpf.c
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -cflags "-O2 -g -Wall -Wextra -Werror -mcpu=v3 -nostdinc -fno-strict-aliasing" -target bpfel -type trace_event -type trace_stack -type trace_term_kind Trace trace/trace.bpf.c
