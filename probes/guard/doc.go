// SPDX-License-Identifier: Apache-2.0

// Package guard sees to it that nothing of hooktop outlives it, however it ends.
//
//	Pen       one writer per network namespace: a lock file with an owner record
//	Journal   write-ahead: what the kernel would not remove by itself, named before it is made
//	Watcher   a second process (this program again, hidden command), armed before the first attach; when the first one
//	          dies without a word, it restores the terminal and undoes the journal
//	Reclaim   the next start, or hooktop cleanup, undoes the journals of runs whose watcher died too
//
// BPF links die with the process and need none of this; clsact filters and their qdisc, and ip rules and routes of chains do. A journal belongs to a living
// run as long as its file is locked (flock): the kernel drops the lock with the process, so that a reused PID can't be
// taken for its owner, and two cleaners can't work on one journal.
//
// Marks of ownership: filter names begin with "hooktop-<pid>-<start time>"; files are in /run/hooktop (0700, files 0600).
package guard
