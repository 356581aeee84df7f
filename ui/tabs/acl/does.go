// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// share is what a rule decides of the flows at hand.
type share struct {
	flows int
	pps   float64
}

func (s share) String() string {
	if s.flows == 0 {
		return "no flow"
	}
	return format.Plural(uint64(s.flows), "flow") + " " + format.SI(s.pps) + "pps"
}

// shareOf asks the oracle which flows a line decides, or passes by where it counts. All of them are established: they are live.
func shareOf(p *acl.Policy, line int, flows []snap.Flow, now time.Time) (out share) {
	at := slices.IndexFunc(p.Rules, func(r acl.Rule) bool { return r.Line == line })
	if at < 0 {
		return out
	}
	state := acl.NewState(now)
	packets := make([]acl.Packet, len(flows))
	for i := range flows {
		packets[i] = packetOf(&flows[i])
		state.Saw(packets[i])
	}
	for i := range flows {
		d := acl.Evaluate(p, packets[i], state)
		if d.By == acl.ByRule && d.Index == at || slices.Contains(d.Counted, at) {
			out.flows++
			out.pps += flows[i].Rates[0].PPS
		}
	}
	return out
}

// compareShares says what a line decides now and after an edit; "" where no flow is concerned, or none is at hand.
func compareShares(was, will share, isNew bool, of int) string {
	if was.flows+will.flows == 0 || of == 0 {
		return ""
	}
	tail := ", of the " + format.Count(uint64(of)) + " fastest"
	if isNew {
		return "would decide " + will.String() + tail
	}
	return "now decides " + was.String() + ", edited " + will.String() + tail
}

// edited is the line of the draft that the editor replaces, 0: it adds one.
func (t *Tab) edited() int {
	if e := t.edit.edit; e.Verb == policy.Replace {
		return e.At
	}
	return 0
}

// looked has the line looked at again once the fastest flows are at hand.
func (t *Tab) looked() tea.Cmd {
	ed := t.edit
	if ed.looked || !ed.ways.known || len(t.liveFlows()) == 0 {
		return nil
	}
	ed.looked, ed.lint.text, ed.lint.again = true, "", ed.lint.busy
	return t.relint()
}

// liveFlows are the fastest flows that the frame holds, nil while it answers another question.
func (t *Tab) liveFlows() []snap.Flow {
	if v := &t.frame.Flows; v.Query.Filter == "" {
		return v.Rows
	}
	return nil
}
