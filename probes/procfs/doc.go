// SPDX-License-Identifier: Apache-2.0

// Package procfs reads the few files of /proc that name the process behind a socket: who it is, what it holds, where it
// runs.
//
// Processes vanish while they are read, and their numbers are used again. Both are normal here: a [Proc] keeps the
// directory /proc/PID open, which the kernel ties to that very process, so whatever is read through one Proc is of one
// process or is not there at all. A reading that came too late is "no", never an error.
//
// Pure Linux, no netlink, no cgo; the root is a parameter, so tests run on trees of plain files.
package procfs
