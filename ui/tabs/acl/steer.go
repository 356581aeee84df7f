// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
)

// steers reports whether a line is of a tunnel or a chain: they stand in the table as they are written, and have tabs of their own.
func steers(l policy.Line) bool { return l.Kind == policy.Tunnel || l.Kind == policy.Chain }

// steerTab names the tab that shows what becomes of a row's line, "" where it decides packets itself.
func (t *Tab) steerTab(r *row) string {
	if l, ok := t.line(r); ok && r.kind == fileLine {
		switch l.Kind {
		case policy.Tunnel:
			return snap.DecapTab
		case policy.Chain:
			return snap.ChainTab
		}
	}
	return ""
}

// trouble is why a line in force does not do what it says.
type trouble struct{ state, why string }

// takeTroubles notes those of tunnel and chain lines, by their texts, and reports whether there is news. A frame without any costs
// nothing.
func (t *Tab) takeTroubles(f *snap.Frame) bool {
	n, same := 0, true
	each := func(do func(text string, is trouble)) {
		for i := range f.Tunnels.Lines {
			if l := &f.Tunnels.Lines[i]; l.State == "suspended" {
				do(l.Text, trouble{l.State, l.Why})
			}
		}
		for i := range f.Chains.Rows {
			switch c := &f.Chains.Rows[i]; c.State {
			case "bypassed", "closed", "drift":
				do(c.Text, trouble{c.State, c.Why})
			}
		}
	}
	each(func(text string, is trouble) { n, same = n+1, same && t.troubles[text] == is })
	if same && n == len(t.troubles) {
		return false
	}
	t.troubles = make(map[string]trouble, n)
	each(func(text string, is trouble) { t.troubles[text] = is })
	return true
}

// troubleOf is what is wrong with a line, "" when nothing is.
func (t *Tab) troubleOf(l policy.Line) string {
	if !steers(l) || len(t.troubles) == 0 {
		return ""
	}
	is, ok := t.troubles[l.String()]
	if !ok {
		return ""
	}
	return is.state + ": " + is.why
}

// steerHits are the counters of a tunnel line, or what a chain sends to its service; nil where the line is not in force.
func (t *Tab) steerHits(r *row) *snap.Hits {
	l, ok := t.line(r)
	if !ok || !steers(l) {
		return nil
	}
	text := l.String()
	for i := range t.frame.Tunnels.Lines {
		if f := &t.frame.Tunnels.Lines[i]; f.Text == text {
			return &f.Hits
		}
	}
	for i := range t.frame.Chains.Rows {
		if c := &t.frame.Chains.Rows[i]; c.Text == text && len(c.Legs) > 0 {
			return chainHits(c)
		}
	}
	return nil
}

// chainHits adds up what a chain sends to its service. A leg does not know its last packet: one that has a rate had it now.
func chainHits(c *snap.Chain) *snap.Hits {
	h := &snap.Hits{Last: -1, Trend: c.Legs[0].Trend}
	for _, l := range c.Legs {
		if l.Name == "to service" || l.Name == "reply to service" {
			h.Packets += l.Packets
			h.Bytes += l.Bytes
			h.PPS += l.PPS
		}
	}
	if h.PPS > 0 {
		h.Last = 0
	}
	return h
}
