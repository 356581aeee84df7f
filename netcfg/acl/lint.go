// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Kind of a finding, the gravest first.
type Kind uint8

const (
	Cuts      Kind = iota // a way in would be dropped
	Shadowed              // an earlier rule takes all of the rule's packets
	Duplicate             // the same rule stands above
	Never                 // no packet can match
	Expired               // the rule has ended
	Guarded               // the guard lets all of the rule's packets pass first
	Odd                   // only forged packets can match
	BehindNAT             // the address is not on the wire where the rule looks
	Note                  // works as written, and may not be what was meant
)

func (k Kind) String() string {
	return [...]string{"cuts", "shadowed", "duplicate", "never", "expired", "guarded", "odd", "behind-nat", "note"}[k]
}

// Finding is what the linter says about a line.
type Finding struct {
	Kind Kind
	Line int // 0: the policy as a whole
	By   int // line of the rule that does it, 0: none
	Text string
}

// NAT is an address that exists on one side of an address translation only.
type NAT struct {
	Inside  netip.Prefix // never on the wire at the hook
	Outside netip.Addr   // what stands there instead; invalid: unknown
	Dir     Dir          // In: before DNAT, rules in see Outside as destination; Out: after SNAT, rules out see it as source
}

// Circumstances are what the linter is told about the host. The zero value tells nothing.
type Circumstances struct {
	Now   time.Time
	Ways  []WayIn
	State *State
	NAT   []NAT

	Devices []string // that are watched, nil: not told
}

// Lint says what is suspicious about a policy, by line. Rules that are off are left alone. What it says of Shadowed,
// Duplicate, Never, Expired and Guarded rules is certain; it may miss some that several rules cover together.
func Lint(p *Policy, c Circumstances) []Finding {
	var out []Finding
	add := func(k Kind, line, by int, text string, args ...any) {
		out = append(out, Finding{k, line, by, fmt.Sprintf(text, args...)})
	}
	cuts(p, c, add)
	s, g := newShadows(p), newShadows(p)
	forms := s.all(p.Rules)
	guard := guardForms(p, g)
	twins := map[string]*Rule{}
	deep := 0
	for i := range p.Rules {
		r, f := &p.Rules[i], forms[i]
		if !r.Off && r.ended(c.Now) {
			add(Expired, r.Line, 0, "the rule ended at %s", r.Expires)
		}
		if r.ended(c.Now) {
			continue
		}
		if why := s.impossible(f); why != "" {
			add(Never, r.Line, 0, "no packet can match: %s", why)
			continue
		}
		if d := p.guarded(r, g, guard); d != nil {
			add(Guarded, r.Line, 0, "the guard lets these packets pass first: %s", d.Name)
		}
		if twin := twins[r.Match()]; twin != nil && outlasts(twin.Expires, r.Expires) {
			add(Duplicate, r.Line, twin.Line, "the same as line %d", twin.Line)
			continue
		} else if twin == nil {
			twins[r.Match()] = r
		}
		if by := s.of(f); by != nil {
			add(Shadowed, r.Line, by.Line, "never reached: line %d takes all of its packets (%s)", by.Line, by.Match())
			continue
		}
		if r.Action.Final() {
			s.add(f)
		}
		if r.deep() {
			deep++
			if deep == 1 {
				add(Note, r.Line, 0, "%s", fragmentNote(r))
			}
		}
		s.remarks(f, c, add)
	}
	chainRemarks(p, c, add)
	lintTunnels(p, add)
	for _, name := range unusedSets(p) {
		add(Note, p.Sets[name].Line, 0, "set %s is not used", name)
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Or(a.Line-b.Line, int(a.Kind)-int(b.Kind)) })
	return out
}

func fragmentNote(r *Rule) string {
	what := "lets later fragments between its addresses pass"
	if !r.blind() {
		what = "passes over later fragments; without their first one they are never put together"
	}
	return "fragments after the first show no ports: this rule " + what
}

// impossible says why no packet can match, "" when one can.
func (s *shadows) impossible(f *form) string {
	switch r := f.rule; {
	case len(s.addresses[f.src].spans) == 0:
		return nobody(r.From, "from")
	case len(s.addresses[f.dst].spans) == 0:
		return nobody(r.To, "to")
	case r.blind() && r.deep():
		// Later fragments do.
	case len(f.sport) == 0 || len(f.dport) == 0:
		return "no port is left"
	case (!f.protos.has(ICMP) || f.t4 == bits{}) && (!f.protos.has(ICMPv6) || f.t6 == bits{}) && len(r.Type.List) > 0:
		return "no type is left"
	}
	return ""
}

func nobody(e End, side string) string {
	if e.Set != "" && !e.Not {
		return "set @" + e.Set + " is empty"
	}
	return side + " leaves no address"
}

// guardForms prepares the guard for comparison with rules.
func guardForms(p *Policy, s *shadows) []*form {
	out := make([]*form, len(p.Guard))
	for i := range p.Guard {
		if !p.Guard[i].NotIP {
			out[i] = s.form(&p.Guard[i].Rule)
		}
	}
	return out
}

// guarded finds the guard line that takes all of a rule's packets first.
func (p *Policy) guarded(r *Rule, s *shadows, guard []*form) *GuardLine {
	if r.blind() {
		return nil // its later fragments pass the guard by
	}
	f := s.form(r)
	for i, g := range guard {
		if g != nil && s.addresses[g.src].spans.covers(s.addresses[f.src].spans) && s.addresses[g.dst].spans.covers(s.addresses[f.dst].spans) && g.rest(f) {
			return &p.Guard[i]
		}
	}
	return nil
}

func unusedSets(p *Policy) []string {
	used := map[string]bool{}
	for i := range p.Rules {
		used[p.Rules[i].From.Set], used[p.Rules[i].To.Set] = true, true
	}
	for i := range p.Chains {
		used[p.Chains[i].Match.From.Set], used[p.Chains[i].Match.To.Set] = true, true
	}
	var out []string
	for name := range p.Sets {
		if !used[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// cuts asks the oracle about each way in.
func cuts(p *Policy, c Circumstances, add func(Kind, int, int, string, ...any)) {
	for _, w := range c.Ways {
		whose, limited := "a way in", false
		if w.Own {
			whose = "your own way in"
		}
		for _, k := range w.PacketsUnder(p) {
			s := NewState(c.Now)
			if c.State != nil {
				s.Flows = c.State.Flows
			}
			d, at, denied := Denied(p, k, s)
			if !denied {
				if d.By == ByRule && p.Rules[d.Index].Action == Limit && !limited {
					limited = true
					r := p.Rules[d.Index].Rate
					add(Note, d.Line, 0, "%s comes under this limit, %s: what its address sends beyond %d/%s is dropped", whose, w.Name, r.N, unitWord(r.Per))
				}
				continue
			}
			by := "the default drops it"
			if d.By == ByRule {
				by = "this line drops it: " + p.Rules[d.Index].Match()
			}
			if at.After(c.Now) {
				by += ", from " + at.UTC().Format(time.RFC3339) + " on"
			}
			add(Cuts, d.Line, d.Line, "%s would be cut, %s: %s %s > %s: %s", whose, w.Name, ProtoName(k.Proto),
				netip.AddrPortFrom(k.Src, k.SPort), netip.AddrPortFrom(k.Dst, k.DPort), by)
			break
		}
	}
}
