// SPDX-License-Identifier: Apache-2.0

package vmtest

// Script is what init reads in a guest.
type Script struct {
	Modules []string // paths, in the order in which they are loaded
	Runs    []Run
}

// Run is one program that init runs, to its end.
type Run struct {
	Name string
	Dir  string
	Args []string // the first is the program's path
}

// ScriptPath is where init finds its Script, as JSON.
const ScriptPath = "/script.json"

// Rounds is how often tests repeat that kill processes: once in attach, run and detach, and once with the watcher.
const Rounds = "4"

// GuestEnv is set for runs in a guest, whose kernels have all that tests ask for.
const GuestEnv = "HOOKTOP_GUEST"

// Serial ports of a guest: the kernel writes to the first, init and the runs to the second.
const (
	ConsolePort = "ttyS0"
	ReportPort  = "/dev/ttyS1"
)

// A line that begins with Mark is init's own, the others are the output of the run that began last:
//
//	Mark "begin" NAME
//	Mark "end" NAME EXITCODE MILLISECONDS
//	Mark "done"
const Mark = "\x01vm "
