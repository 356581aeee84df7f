// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"time"

	"github.com/spf13/pflag"

	"hooktop/probes/snap"
)

// flag is one flag as data; kind says where its value goes.
type flag struct {
	name, short, usage string
	kind               flagKind
	hidden             bool
}

type flagKind func(*pflag.FlagSet, flag, *settings)

// settings is what flags write into.
type settings struct {
	opt      Options
	all      bool
	spec     snap.TraceSpec
	check    bool
	write    bool
	policy   string
	limits   string
	dir, dev string
	config   string
	noConfig bool
}

const defaultFor = 3 * time.Second

func watchFlags() []flag {
	return []flag{
		{name: "interface", short: "i", usage: "watch this `device` (repeatable, globs allowed; default: those under every unicast route)",
			kind: list(func(s *settings) *[]string { return &s.opt.Interfaces })},
		{name: "mode", usage: "`hook` of ingress: auto, native, generic or tc (default auto)",
			kind: text(func(s *settings) *string { return &s.opt.Mode })},
		{name: "flows", usage: "`number` of flows to size the table for (default 65536, or what fits into 64 MiB)",
			kind: number(func(s *settings) *int { return &s.opt.Flows })},
		{name: "access-agent", usage: "`name` of a process that carries logins, beside sshd and mosh-server (repeatable)",
			kind: list(func(s *settings) *[]string { return &s.opt.AccessAgents })},
		{name: "no-tcx", usage: "clsact filters even where tcx exists", hidden: true,
			kind: toggle(func(s *settings) *bool { return &s.opt.NoTCX })},
	}
}

func onceFlags() []flag {
	return append([]flag{
		{name: "once", usage: "attach, watch, print one snapshot, detach",
			kind: toggle(func(s *settings) *bool { return &s.opt.Once })},
		{name: "for", usage: "`time` that --once watches (default 3s)",
			kind: span(func(s *settings) *time.Duration { return &s.opt.For })},
	}, jsonFlag()...)
}

func policyFlags() []flag {
	return []flag{
		{name: "policy", usage: "begin with a trial of the policy in this `file`; nobody keeps it: everything passes again",
			kind: text(func(s *settings) *string { return &s.opt.Policy.File })},
		{name: "lease", usage: "`time` that a trial lasts unless it is kept: 1s to 60s (default 15s)",
			kind: span(func(s *settings) *time.Duration { return &s.opt.Policy.Lease })},
		{name: "canary", usage: "try the policy on this `device` first (repeatable): once it is kept, the rest follows after --soak",
			kind: list(func(s *settings) *[]string { return &s.opt.Policy.Canary.On })},
		{name: "soak", usage: "`time` that a canary is watched after its keep, before the rest follows (default 5m)",
			kind: span(func(s *settings) *time.Duration { return &s.opt.Policy.Canary.Soak })},
		{name: "canary-limits", usage: "how much worse a canary's figures may get: errors=1,cpu=20", hidden: true,
			kind: text(func(s *settings) *string { return &s.limits })},
		{name: "no-guard", usage: "no rule 0: policies may cut ARP, neighbour discovery and your own session; only the lease brings them back",
			kind: toggle(func(s *settings) *bool { return &s.opt.Policy.NoGuard })},
		{name: "log-rate", usage: "`packets` a second that a rule with log tells of; others are counted (default 10)",
			kind: number(func(s *settings) *int { return &s.opt.Policy.LogRate })},
		{name: "events", usage: "append what happens to the policy, and packets that its rules log, to this `file`, one JSON object a line",
			kind: text(func(s *settings) *string { return &s.opt.Policy.Events })},
	}
}

func traceFlags() []flag {
	return []flag{
		{name: "filter", usage: "trace only `packets` like these: 'tcp port 443 dev eth0', 'tcp flow 10.0.0.1:5 > 10.0.0.2:443'",
			kind: text(func(s *settings) *string { return &s.spec.Filter })},
		{name: "for", usage: "stop after this `time`, in whole seconds",
			kind: span(func(s *settings) *time.Duration { return &s.opt.For })},
		{name: "packets", usage: "stop after this `number` of packets",
			kind: number(func(s *settings) *int { return &s.spec.Packets })},
		{name: "rate", usage: "`events` a second and CPU at most; what is above is counted as lost",
			kind: number(func(s *settings) *int { return &s.spec.Rate })},
		{name: "stack", usage: "the kernel stack of each event",
			kind: toggle(func(s *settings) *bool { return &s.spec.Stack })},
		{name: "ret", usage: "return values",
			kind: toggle(func(s *settings) *bool { return &s.spec.Ret })},
		{name: "latency", usage: "time in each function, and return values",
			kind: toggle(func(s *settings) *bool { return &s.spec.Latency })},
	}
}

func jsonFlag() []flag {
	return []flag{{name: "json", usage: "print JSON instead of a table",
		kind: toggle(func(s *settings) *bool { return &s.opt.JSON })}}
}

func screenFlags() []flag {
	return []flag{
		{name: "theme", usage: "`name` of a theme or a theme file",
			kind: text(func(s *settings) *string { return &s.opt.Screen.Theme })},
		{name: "ascii", usage: "no glyphs outside ASCII",
			kind: toggle(func(s *settings) *bool { return &s.opt.Screen.ASCII })},
		{name: "mouse", usage: "take the mouse (shift selects text)",
			kind: toggle(func(s *settings) *bool { return &s.opt.Screen.Mouse })},
		{name: "hz", usage: "`frames` a second: 0.2 to 10 (default 2)",
			kind: float(func(s *settings) *float64 { return &s.opt.Screen.Hz })},
		{name: "reduced", usage: "no moving sparklines, at most one frame a second",
			kind: toggle(func(s *settings) *bool { return &s.opt.Screen.Reduced })},
		{name: "comfortable", usage: "more space between rows and columns",
			kind: toggle(func(s *settings) *bool { return &s.opt.Screen.Comfortable })},
		{name: "paint", usage: "paint the theme's background, whatever the terminal's is",
			kind: toggle(func(s *settings) *bool { return &s.opt.Screen.Paint })},
	}
}

func configFlags() []flag {
	return []flag{
		{name: "config", usage: "read this `file` instead of ~/.config/hooktop/config.toml or /etc/hooktop/config.toml",
			kind: text(func(s *settings) *string { return &s.config })},
		{name: "no-config", usage: "read no config file",
			kind: toggle(func(s *settings) *bool { return &s.noConfig })},
	}
}

func text(at func(*settings) *string) flagKind {
	return func(set *pflag.FlagSet, f flag, s *settings) { set.StringVarP(at(s), f.name, f.short, "", f.usage) }
}

func list(at func(*settings) *[]string) flagKind {
	return func(set *pflag.FlagSet, f flag, s *settings) {
		set.StringArrayVarP(at(s), f.name, f.short, nil, f.usage)
	}
}

func number(at func(*settings) *int) flagKind {
	return func(set *pflag.FlagSet, f flag, s *settings) { set.IntVarP(at(s), f.name, f.short, 0, f.usage) }
}

func float(at func(*settings) *float64) flagKind {
	return func(set *pflag.FlagSet, f flag, s *settings) { set.Float64VarP(at(s), f.name, f.short, 0, f.usage) }
}

func span(at func(*settings) *time.Duration) flagKind {
	return func(set *pflag.FlagSet, f flag, s *settings) { set.DurationVarP(at(s), f.name, f.short, 0, f.usage) }
}

func toggle(at func(*settings) *bool) flagKind {
	return func(set *pflag.FlagSet, f flag, s *settings) { set.BoolVarP(at(s), f.name, f.short, false, f.usage) }
}

func allFlag(set *pflag.FlagSet, f flag, s *settings) {
	set.BoolVarP(&s.all, f.name, f.short, false, f.usage)
}
