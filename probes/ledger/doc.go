// SPDX-License-Identifier: Apache-2.0

// Package ledger keeps the book of where packets die, from the network card to the socket: counters that the kernel has
// anyway, as rows with a rate, a sentence and the trace that shows such packets.
//
// Words. A counter is what a source said at one look. A mark is what the book remembers of a row between looks. Since is
// what was counted after the first look; it never goes back: a counter that does, because its device was made anew or its
// module loaded again, only sets its mark.
//
// Files below /proc/net are read through /proc/thread-self, so that they are those of the caller's network namespace.
package ledger
