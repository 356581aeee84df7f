// SPDX-License-Identifier: Apache-2.0

// Package bench measures hooktop against its goals and against peers.
//
// Every figure is a ratio of two things measured in turn (A B A B …) inside one run, as a median of paired rounds: the
// machines this runs on are shared, and absolute times do not carry over. Nothing here passes or fails a build, the budgets that do
// are counts (instructions, allocations, bytes) in the packages themselves.
//
// Way: `make bench` runs each part of the table of measures in a process of its own → rows and curves, as JSON → one Report, printed and
// written beside its pictures → merged into testdata/bench, from which README's performance section is written, and a test
// compares both.
package bench
