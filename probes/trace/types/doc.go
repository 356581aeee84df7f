// SPDX-License-Identifier: Apache-2.0

// Package types reads the kernel's type information (BTF, Documentation/bpf/btf.rst) where it lies: it keeps the blob and the
// place of each type in it, and builds a signature or an enum only when somebody asks. To decode a kernel's 126,000 types into
// objects costs 360 ms and 40 MiB; to walk over them 10 ms and half a megabyte beside the blob. Programs are still loaded
// through bpf/kern, whose library decodes the few types that a program names.
//
// Words: a Set is one blob; a module's blob continues the numbers of vmlinux, its base. An ID is a type's number, as in BTF.
package types
