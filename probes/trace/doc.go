// SPDX-License-Identifier: Apache-2.0

// Package trace runs live traces of the kernel: functions and tracepoints that one packet passes, in the order of time.
//
// Words: a Session is one trace, from the attach to the reason why it stopped. A journey is the events of one packet, followed
// by the address of its sk_buff whatever becomes of its headers; clones and copies travel along. The means is how functions
// are hooked, best first: kprobe.multi, single kprobes, tracepoints. A Filter is what a packet must be like to be followed; it
// is asked at each event of an sk_buff that has no journey. A preset is a set of functions with a name, and a twin of
// tracepoints for kernels where no function can be hooked.
//
// Life cycle: New → Run: attach, read the rings, stop at a limit or by Stop, detach, count. State and View may be asked from
// any goroutine meanwhile and after.
//
// Nothing is lost silently: what was traced is shown, refused by the filter, or counted in TraceSession.Lost by stage.
package trace
