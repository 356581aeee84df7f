// SPDX-License-Identifier: Apache-2.0

// Package functions is the catalogue of what this kernel can trace: its functions with their signatures, its tracepoints, the
// names of its drop reasons and of its addresses.
//
// Words: a Function is a kernel function or an event. An event is a tracepoint, named "group:name". A name can be traced when
// the kernel lists it as one that can be attached to, exactly once, and does not forbid probes on it.
//
// A Catalog keeps the kernel's type information as it lies (5 to 9 MB) and 20 bytes and a name for each function; signatures
// are written when somebody asks. Load takes some 0.1 s, most of it the kernel's for listing its functions; names of
// addresses are read when the first one is asked for.
package functions
