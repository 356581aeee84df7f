// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"hooktop/probes/snap"
)

// call is one run of a command.
type call struct {
	ctx      context.Context
	args     []string
	opt      Options
	all      bool // cleanup --all
	check    bool // fmt --check
	write    bool // fmt --write
	spec     snap.TraceSpec
	policy   string // explain and pcap --policy
	dir, dev string // pcap
	std      Stdio
	b        Backends
	page     func(name string) error // writes the man page of a command, "" for the program
	comp     func(shell string) error
}

// command is one command as data.
type command struct {
	name    string
	args    string // how arguments are shown: "FILE"
	min     int    // arguments that it needs
	max     int    // arguments that it takes, -1: any, and flags belong to them too
	valid   []string
	words   func(context.Context, Backends) []string // offered as arguments, beside others
	short   string
	long    string
	example string
	flags   []flag
	hidden  bool
	run     func(*call) error
}

// program is the command without a name.
func program() command {
	return command{
		name:  "hooktop",
		short: "A top for the network path of this host, by its own eBPF programs",
		long: "hooktop attaches its eBPF programs, shows what the network path does right now,\nand leaves nothing behind. Launching " +
			"changes no traffic. Where eBPF cannot run, a\nread-only view of conntrack and /proc is shown with the reason.\n\nExit codes: " +
			"0 fine, 1 failed, 2 wrong usage, 3 nothing could attach (the\nread-only view was shown), 4 a denied verdict of explain.",
		example: "  sudo hooktop\n  sudo hooktop -i eth0 -i 'wg*'\n  sudo hooktop --once --for 3s --json | jq '.flows[0]'",
		flags:   join(watchFlags(), policyFlags(), onceFlags(), screenFlags(), configFlags()),
		run:     runDashboard,
	}
}

// commands lists the named ones in the order of help.
func commands() []command {
	return []command{
		{
			name: "lab", short: "Build a small network with real traffic and watch it",
			long: "lab makes a small network of namespaces on this machine with traffic of every\nkind that the tabs show, opens the " +
				"dashboard (or takes one snapshot) inside it,\nand removes all of it on any exit. It touches no interface of this machine.",
			example: "  sudo hooktop lab\n  sudo hooktop lab --once --for 3s --json | jq '.flows | length'",
			flags:   join(watchFlags(), policyFlags(), onceFlags(), screenFlags(), configFlags()),
			run:     runLab,
		},
		{
			name: "check", short: "Say what would attach here, how, and what is missing, with the fix",
			flags: join(watchFlags(), jsonFlag(), configFlags()),
			run:   runCheck,
		},
		{
			name: "keep", args: "CODE", min: 1, max: 1, short: "Keep the policy on trial, from a fresh login: the proof that one can get in",
			long: "keep asks the hooktop that runs in this network namespace to keep its trial. CODE is on\nits screen. A wrong code, or one that " +
				"comes when the lease is over, changes nothing.",
			example: "  ssh gate sudo hooktop keep 7hk3wq",
			flags:   jsonFlag(),
			run:     runKeep,
		},
		{
			name: "cleanup", short: "Remove what a killed run left behind",
			long: "cleanup lists and removes what carries hooktop's own marks of ownership and\nbelongs to no living run. Anything of " +
				"others is never touched.",
			flags: join([]flag{{name: "all", kind: allFlag, usage: "end living runs too, then remove what they made"}}, jsonFlag()),
			run:   runCleanup,
		},
		{
			name: "pcap", args: "FILE", min: 1, max: 1,
			short: "Run every frame of a pcap or pcapng file through the real programs",
			long: "pcap runs every frame of FILE (- is standard input) through the loaded programs, attached to nothing.\nWith --policy each frame " +
				"is judged by it, alone: flows seen before and limit buckets are not there.",
			example: "  sudo hooktop pcap capture.pcapng --json | jq .malformed\n  sudo hooktop pcap capture.pcapng --policy policy.acl --dev eth0",
			flags: join(policyFlag(), []flag{
				{name: "dir", usage: "`direction` of the frames for the policy: in or out (default in)",
					kind: text(func(s *settings) *string { return &s.dir })},
				{name: "dev", usage: "`device` that the frames are on, for the policy",
					kind: text(func(s *settings) *string { return &s.dev })},
			}, jsonFlag()), run: runPcap,
		},
		{
			name: "trace", args: "[PATTERN|@PRESET]", max: 1, words: presetNames,
			short: "Trace packets through the kernel's functions, without a screen",
			long: "trace prints each function that a packet passes, until a limit or Ctrl-C ends it. PATTERN\nis functions, by name or with *: " +
				"'tcp_*,ip_rcv'. Without an argument it lists the presets.\nWhat was lost, and by which means it was traced, is said on standard error at the end.",
			example: "  sudo hooktop trace @drops --for 10s\n  sudo hooktop trace 'tcp_*' --filter 'tcp port 443' --for 10s --json | jq .func",
			flags:   join(traceFlags(), jsonFlag()),
			run:     runTrace,
		},
		explainCommand(),
		benchCommand(),
		fmtCommand(),
		diffCommand(),
		{name: "version", short: "Print the version", flags: jsonFlag(), run: runVersion},
		{
			name: "completion", args: "bash|zsh|fish", min: 1, max: 1, valid: []string{"bash", "zsh", "fish"},
			short:   "Print the completion script of a shell",
			example: "  hooktop completion bash > /etc/bash_completion.d/hooktop",
			run:     func(c *call) error { return c.comp(c.args[0]) },
		},
		{
			name: "man", args: "[COMMAND]", max: 1, short: "Print the man page",
			example: "  hooktop man > /usr/local/share/man/man1/hooktop.1",
			run:     runMan,
		},
		{
			name: WatchCommand, max: -1, hidden: true, short: "The watcher process of a run",
			run: func(c *call) error { return c.b.Watch(c.ctx, c.args) },
		},
		{
			name: LabNodeCommand, max: -1, hidden: true, short: "A process inside one of the lab's namespaces",
			run: func(c *call) error { return c.b.LabNode(c.ctx, c.args) },
		},
	}
}

// Names of the hidden commands, for those who start them.
const (
	WatchCommand   = "watch-run"
	LabNodeCommand = "lab-node"
)

func join(groups ...[]flag) []flag {
	var all []flag
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}
