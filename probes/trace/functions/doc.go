// SPDX-License-Identifier: Apache-2.0

// Package functions is the catalogue of what this kernel can trace: its functions with their signatures, its tracepoints, the
// names of its drop reasons and of its addresses.
//
// Words: a Function is a kernel function or an event. An event is a tracepoint, named "group:name". A name can be traced when
// the kernel lists it as one that can be attached to, exactly once, and does not forbid probes on it.
//
// A Catalog keeps the kernel's type information as it lies (5 to 9 MB), and 24 bytes and a name for each function; signatures
// are written when somebody asks. With the 58,000 names of a 6.18 kernel it takes 11 MiB, and 21 while it is loaded, in 0.06 s; a kernel
// that lists its functions takes as long again for that. Names of addresses are read when the first one is asked for: 0.06 s, 3 MiB.
//
// A file system of the kernel that is mounted nowhere is mounted for the time of Load, attached to no directory: hooktop leaves
// nothing behind, and the operator need not mount tracefs for it.
package functions
