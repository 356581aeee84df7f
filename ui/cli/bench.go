// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/ui/format"
)

// How long hooktop bench may measure.
const (
	benchDefault = 2 * time.Second
	benchLongest = time.Minute
)

func benchCommand() command {
	return command{
		name: "bench", short: "Say what a packet costs on this host, stage by stage",
		long: "bench measures the real programs by BPF_PROG_TEST_RUN, attached to nothing and over maps of\ntheir own: no packet of this host is touched, and nothing stays. The policy is that of --policy, else the one " +
			"of\nthe hooktop that runs here, else the empty one.\n\nFigures are ns a packet, medians over rounds. ADDS is what a stage adds to the one before, NEW FLOW and what\nfollows it to a flow hit; x FLOOR " +
			"is against a program that lets everything pass.\nSAME PACKET: one again and again, out of warm caches. OTHER FLOWS: each packet of another flow, in a call\nof its own. " +
			"XDP is native XDP; generic XDP runs the same program behind the kernel's allocations.\nPackets are drawn from the policy's rules; a denied one is judged each time.",
		example: "  sudo hooktop bench\n  sudo hooktop bench --policy policy.acl --dev eth0 --json | jq '.stages[] | select(.name == \"classification\")'",
		flags: join([]flag{
			{name: "policy", usage: "measure this policy `file` (default: what a running hooktop enforces, else the empty one)",
				kind: text(func(s *settings) *string { return &s.policy })},
			{name: "dev", usage: "`device` that the packets are on, for rules that name one",
				kind: text(func(s *settings) *string { return &s.dev })},
			{name: "for", usage: "measure for about this `time` (default 2s): more rounds",
				kind: span(func(s *settings) *time.Duration { return &s.opt.For })},
		}, jsonFlag()),
		run: runBench,
	}
}

// RunningPolicy is what the hooktop of this network namespace decides by.
type RunningPolicy struct {
	Gen   uint32 // 0: none
	Text  string
	Trial bool
}

// BenchWish says how to measure.
type BenchWish struct {
	Dev string // that packets are on, "": one that no rule names
	For time.Duration
}

// BenchReport is the answer of Bench.
type BenchReport struct {
	CPU    int // that measured
	Rounds int
	Flows  int // different ones
	Stages []BenchStage
	Notes  []string // what to know of the figures
}

// BenchStage is a packet's way through a stage and all before it.
type BenchStage struct {
	Hook, Name string     // "xdp" or "tc"
	One, Many  *BenchCost // nil: not measured
	Why        string     // neither is
}

// BenchCost is ns a packet: the median over rounds, what it adds to the stage before, and how it compares with the floor.
type BenchCost struct {
	Ns, Min, Max, Adds, Ratio float64
}

type benchObject struct {
	Schema string        `json:"schema"`
	Policy benchPolicy   `json:"policy"`
	CPU    int           `json:"cpu"`
	Rounds int           `json:"rounds"`
	Flows  int           `json:"flows"`
	Stages []benchStage  `json:"stages"`
	Notes  []string      `json:"notes"`
	Errors []errorObject `json:"errors"`
	More   int           `json:"more_errors"`
}

type benchPolicy struct {
	From       string `json:"from"` // "file", "running", "empty"
	File       string `json:"file"`
	Generation uint32 `json:"generation"`
	Trial      bool   `json:"trial"`
	Rules      int    `json:"rules"`
	Tunnels    int    `json:"tunnels"`
	Chains     int    `json:"chains"`
}

type benchStage struct {
	Hook string     `json:"hook"`
	Name string     `json:"name"`
	Same *benchCost `json:"same"`  // null: not measured
	Many *benchCost `json:"flows"` // likewise
	Why  string     `json:"why"`
}

type benchCost struct {
	Ns    float64 `json:"ns"`
	Min   float64 `json:"min_ns"`
	Max   float64 `json:"max_ns"`
	Adds  float64 `json:"adds_ns"`
	Ratio float64 `json:"x_floor"`
}

func runBench(c *call) error {
	w := BenchWish{Dev: c.dev, For: c.opt.For}
	if w.For == 0 {
		w.For = benchDefault
	}
	if w.For > benchLongest {
		return usagef(fmt.Sprintf("at most %v", benchLongest), "--for %v: longer than it takes", c.opt.For)
	}
	o := benchObject{Schema: "hooktop.bench/1", Stages: []benchStage{}, Notes: []string{}, Errors: []errorObject{}}
	p, src, err := c.benchPolicy(&o)
	if err != nil {
		if src == nil {
			return err
		}
		o.Errors, o.More = errorObjects(err, src.name)
		return c.policyErrors("bench", ExitUsage, src, err, o)
	}
	o.Policy.Rules, o.Policy.Tunnels, o.Policy.Chains = len(p.Rules), len(p.Tunnels), len(p.Chains)
	r, err := c.b.Bench(c.ctx, p, w)
	if err != nil {
		return err
	}
	o.fill(&r)
	return c.print(o, func(w io.Writer) error { return benchTable(w, &o) })
}

// benchPolicy finds what is measured.
func (c *call) benchPolicy(o *benchObject) (acl.Policy, *policyFile, error) {
	o.Policy.From = "empty"
	if c.policy != "" {
		o.Policy.From, o.Policy.File = "file", format.Clean(c.policy)
		return c.loadPolicy("bench")
	}
	running, there, err := c.b.Running(c.ctx)
	if err != nil {
		return acl.Policy{}, nil, &Error{Code: ExitFailed, Err: fmt.Errorf("bench: %w", err), Fix: "name a policy with --policy FILE"}
	}
	var file policy.File
	if there {
		o.Policy.From, o.Policy.Generation, o.Policy.Trial = "running", running.Gen, running.Trial
		if file, err = policy.Parse(running.Text); err != nil {
			return acl.Policy{}, nil, fmt.Errorf("bench: the policy of the running hooktop can't be read here: %w", err)
		}
		o.Notes = append(o.Notes, "the guard's lines for ways in are left out: they change with who is logged in")
	}
	p := file.ACL()
	p.Guard = acl.Guard(nil)
	return p, nil, nil
}

func (o *benchObject) fill(r *BenchReport) {
	o.CPU, o.Rounds, o.Flows = r.CPU, r.Rounds, r.Flows
	for _, n := range r.Notes {
		o.Notes = append(o.Notes, format.Clean(n))
	}
	for _, s := range r.Stages {
		o.Stages = append(o.Stages, benchStage{s.Hook, s.Name, costOf(s.One), costOf(s.Many), format.Clean(s.Why)})
	}
}

// costOf rounds to tenths: more is not measured.
func costOf(c *BenchCost) *benchCost {
	if c == nil {
		return nil
	}
	tenths := func(v float64) float64 { return math.Round(v*10) / 10 }
	return &benchCost{tenths(c.Ns), tenths(c.Min), tenths(c.Max), tenths(c.Adds), math.Round(c.Ratio*100) / 100}
}

func (p *benchPolicy) words() string {
	text := "the empty one"
	switch {
	case p.From == "file":
		text = p.File
	case p.From == "running" && p.Generation == 0:
		text = "none: the running hooktop lets everything pass"
	case p.From == "running":
		text = fmt.Sprintf("v%d of the running hooktop", p.Generation)
		if p.Trial {
			text += ", on trial"
		}
	}
	var parts []string
	for _, n := range []struct {
		n    int
		what string
	}{{p.Rules, "rule"}, {p.Tunnels, "tunnel line"}, {p.Chains, "chain"}} {
		if n.n > 0 {
			parts = append(parts, format.Plural(uint64(n.n), n.what))
		}
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

func benchTable(w io.Writer, o *benchObject) error {
	fmt.Fprintf(w, "policy    %s\n", o.Policy.words())
	fmt.Fprintf(w, "measured  on CPU %d, %s, ns a packet\n\n", o.CPU, format.Plural(uint64(o.Rounds), "round"))
	g := &grid{titles: []string{"HOOK", "STAGE", ">SAME PACKET", "MIN-MAX", ">ADDS", ">x FLOOR", ">" + strconv.Itoa(o.Flows) + " FLOWS", "MIN-MAX", ">ADDS", ">x FLOOR"}}
	var whys []string
	for _, s := range o.Stages {
		if s.Why != "" {
			whys = append(whys, s.Name+": "+s.Why)
			continue
		}
		g.add(append(append([]string{s.Hook, s.Name}, s.Same.cells()...), s.Many.cells()...)...)
	}
	if err := g.write(w); err != nil {
		return err
	}
	told := map[string]bool{}
	for _, text := range append(whys, o.Notes...) {
		if !told[text] {
			told[text] = true
			fmt.Fprintln(w, "note: "+text)
		}
	}
	return nil
}

func (c *benchCost) cells() []string {
	if c == nil {
		return []string{"-", "", "", ""}
	}
	adds := ""
	if c.Adds != 0 {
		adds = fmt.Sprintf("%+.0f", c.Adds)
	}
	return []string{fmt.Sprintf("%.0f", c.Ns), fmt.Sprintf("%.0f-%.0f", c.Min, c.Max), adds, fmt.Sprintf("%.1f", c.Ratio)}
}
