// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strings"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/ui/format"
)

// ExitDenied says that explain's packet is denied.
const ExitDenied = 4

func explainCommand() command {
	return command{
		name: "explain", args: "PACKET", min: 1, max: 1, short: "Say what the programs would do with one packet, and why",
		long: "explain builds the packet, runs the real programs on it, attached to nothing, and prints\nthe rule, the verdict and the route. " +
			"PACKET is, in quotes:\n\n  " + strings.ReplaceAll(acl.PacketForm, " [type", "\n    [type") +
			"\n\nor not IP, or malformed. Without a direction it comes in; the guard's lines that do not name\nan operator's way in are asked first. " +
			"Flows seen before and limit buckets are not there:\nestablished matches nothing, and buckets are full.\n\n" +
			"Exit codes: 0 it is allowed, 1 failed, 2 the packet or the policy can't be read, 4 it is denied.",
		example: "  sudo hooktop explain 'tcp 10.0.0.9:4242 > 10.0.0.1:22 dev eth0' --policy policy.acl\n  sudo hooktop explain 'out icmp 10.0.0.1 > 10.0.0.9' --json | jq .rule",
		flags:   join(policyFlag(), jsonFlag()),
		run:     runExplain,
	}
}

func policyFlag() []flag {
	return []flag{{name: "policy", usage: "judge by this policy `file` (default: the empty one)",
		kind: text(func(s *settings) *string { return &s.policy })}}
}

// ExplainReport is the answer of Explain. Indexes are those of the policy that was asked by.
type ExplainReport struct {
	Verdict acl.Action // Allow or Deny
	By      acl.By
	Index   int // of the deciding rule or guard line, -1: the default
	Counted []int
	Found   acl.Packet // what the program's parser read
	Bytes   int        // of the frame
	Reason  string     // why the frame is malformed
	Leg     acl.LegOf  // of the chain that marks it
	Steered *Steered   // nil: not asked
	Route   *Route     // nil: not asked, RouteWhy says why
	// RouteWhy is also why the kernel has no route.
	RouteWhy string
	Notes    []string
	Tunnel   *TunnelReport // nil: it is in none
}

// Route is the kernel's answer to where the packet goes.
type Route struct {
	Kind  string `json:"kind"` // "local", "forward", "out", "unreachable" …
	Via   string `json:"via"`  // next hop, "": the destination itself
	Dev   string `json:"dev"`
	Src   string `json:"src"` // that the host would choose
	Table uint32 `json:"table"`
	Why   string `json:"why"`
}

type explainObject struct {
	Schema  string         `json:"schema"`
	Packet  string         `json:"packet"`
	Verdict string         `json:"verdict"`
	By      string         `json:"by"` // "rule", "default", "guard"
	Rule    ruleObject     `json:"rule"`
	Counted []ruleObject   `json:"counted"`
	Tunnel  *explainTunnel `json:"tunnel"` // null: it is in none
	Mark    *markObject    `json:"mark"`
	Route   *Route         `json:"route"`
	Stages  []stageObject  `json:"stages"`
	Notes   []string       `json:"notes"`
	Errors  []errorObject  `json:"errors"`
	More    int            `json:"more_errors"`
}

// ruleObject names a rule; line 0: none in the file (the guard, or a default that no line sets).
type ruleObject struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

type stageObject struct {
	Stage  string `json:"stage"`
	Result string `json:"result"`
}

func runExplain(c *call) error {
	k, errs := acl.ParsePacket(c.args[0])
	if len(errs) > 0 {
		return &Error{Code: ExitUsage, Err: fmt.Errorf("explain: %w", errs[0])}
	}
	o := explainObject{Schema: "hooktop.explain/1", Packet: format.Clean(k.String()), Counted: []ruleObject{}, Stages: []stageObject{}, Notes: []string{}, Errors: []errorObject{}}
	p, src, err := c.loadPolicy("explain")
	if err != nil {
		if src == nil {
			return err
		}
		o.Errors, o.More = errorObjects(err, src.name)
		return c.policyErrors("explain", ExitUsage, src, err, o)
	}
	r, err := c.b.Explain(c.ctx, p, k)
	if err != nil {
		return fmt.Errorf("explain: %w", err)
	}
	o.fill(&p, k.Dir, &r)
	if err := c.print(o, func(w io.Writer) error { return explainTable(w, &o) }); err != nil {
		return err
	}
	if r.Verdict == acl.Deny {
		return &Error{Code: ExitDenied}
	}
	return nil
}

// loadPolicy reads the file of --policy, or gives the empty policy; the guard's lines are there, but for the ways in, which
// belong to a running dashboard. A file that could be read and not parsed is returned with the error.
func (c *call) loadPolicy(command string) (acl.Policy, *policyFile, error) {
	var file policy.File
	if c.policy != "" {
		src, err := c.readPolicy(c.policy)
		if err != nil {
			return acl.Policy{}, nil, &Error{Code: ExitUsage, Err: fmt.Errorf("%s: %w", command, err)}
		}
		src.close()
		if file, err = policy.Parse(src.text); err != nil {
			return acl.Policy{}, src, err
		}
	}
	p := file.ACL()
	p.Guard = acl.Guard(nil)
	return p, nil, nil
}

// decider names what decided.
func decider(p *acl.Policy, by acl.By, index int, dir acl.Dir) (word string, rule ruleObject) {
	switch by {
	case acl.ByRule:
		return "rule", ruleOf(p, index)
	case acl.ByGuard:
		return "guard", ruleObject{Text: p.Guard[index].Text() + " (guard: " + p.Guard[index].Name + ")"}
	}
	action, line := p.Default(dir)
	return "default", ruleObject{Line: line, Text: (&acl.Default{Dir: dir, Action: action}).String()}
}

func ruleOf(p *acl.Policy, index int) ruleObject {
	r := &p.Rules[index]
	return ruleObject{Line: r.Line, Text: format.Clean(r.String())}
}

func (o *explainObject) fill(p *acl.Policy, dir acl.Dir, r *ExplainReport) {
	o.Verdict, o.Route = r.Verdict.String(), r.Route
	o.By, o.Rule = decider(p, r.By, r.Index, dir)
	for _, i := range r.Counted {
		o.Counted = append(o.Counted, ruleOf(p, i))
	}
	for _, n := range r.Notes {
		o.Notes = append(o.Notes, format.Clean(n))
	}
	parsed := format.Clean(r.Found.String())
	if r.Reason != "" {
		parsed += " (" + r.Reason + ")"
	}
	stage := func(name, result string) { o.Stages = append(o.Stages, stageObject{name, result}) }
	stage("parse", fmt.Sprintf("%d bytes: %s", r.Bytes, parsed))
	o.Tunnel = explainTunnelOf(p, r.Tunnel)
	stage("tunnel", o.Tunnel.words())
	stage("acl", o.Verdict+" by "+o.Rule.place(o.By))
	if o.Mark = marked(p, r.Leg, r.Steered); o.Mark != nil {
		stage("chain", o.Mark.words()+"; "+o.Mark.way())
	} else {
		stage("chain", "none")
	}
	stage("route", routeWords(r))
}

func (r ruleObject) place(by string) string {
	if r.Line == 0 {
		return by
	}
	return fmt.Sprintf("%s, line %d", by, r.Line)
}

func routeWords(r *ExplainReport) string {
	if r.Route == nil {
		return "none: " + format.Clean(r.RouteWhy)
	}
	words := []string{r.Route.Kind}
	for _, part := range [][2]string{{"via", r.Route.Via}, {"dev", r.Route.Dev}, {"source", r.Route.Src}} {
		if part[1] != "" {
			words = append(words, part[0], format.Clean(part[1]))
		}
	}
	if r.Route.Why != "" {
		words = append(words, "("+format.Clean(r.Route.Why)+")")
	}
	return strings.Join(words, " ")
}

func explainTable(w io.Writer, o *explainObject) error {
	var b strings.Builder
	row := func(title, format string, args ...any) {
		fmt.Fprintf(&b, "%-8s "+format+"\n", append([]any{title}, args...)...)
	}
	row("packet", "%s", o.Packet)
	row("verdict", "%s by %s", o.Verdict, o.Rule.place(o.By))
	row("rule", "%s", o.Rule.Text)
	for _, c := range o.Counted {
		row("counted", "line %d: %s", c.Line, c.Text)
	}
	row("tunnel", "%s", o.Tunnel.words())
	row("mark", "%s", o.Mark.words())
	if o.Mark != nil {
		row("rule", "%s", o.Mark.way())
	}
	for _, s := range o.Stages {
		if s.Stage == "route" {
			row("route", "%s", s.Result)
		}
	}
	b.WriteByte('\n')
	g := &grid{titles: []string{"STAGE", "RESULT"}}
	for _, s := range o.Stages {
		g.add(s.Stage, s.Result)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	if err := g.write(w); err != nil {
		return err
	}
	for _, n := range o.Notes {
		if _, err := fmt.Fprintln(w, "note: "+n); err != nil {
			return err
		}
	}
	return nil
}

// scene reads what pcap judges by.
func (c *call) scene() (PcapScene, *policyFile, error) {
	s := PcapScene{Dir: acl.In, Dev: c.dev, Asked: c.policy != ""}
	switch c.dir {
	case "", "in":
	case "out":
		s.Dir = acl.Out
	default:
		return s, nil, usagef("in or out", "--dir: unknown direction %q", c.dir)
	}
	if !s.Asked && (c.dir != "" || c.dev != "") {
		return s, nil, usagef("add --policy FILE", "--dir and --dev say where a policy judges")
	}
	if !s.Asked {
		return s, nil, nil
	}
	var src *policyFile
	var err error
	s.Policy, src, err = c.loadPolicy("pcap")
	return s, src, err
}
