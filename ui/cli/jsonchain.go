// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// chainObject is one chain of the policy in force.
type chainObject struct {
	Line  int         `json:"line"`
	Name  string      `json:"name"`
	Text  string      `json:"text"`
	State string      `json:"state"` // "ok", "idle", "bypassed", "closed", "drift"
	Why   string      `json:"why"`
	Open  bool        `json:"fail_open"`
	Lost  float64     `json:"lost"` // part of what was sent to the service in the last ten seconds, -1: nothing was sent
	Legs  []legObject `json:"legs"`
}

type legObject struct {
	Name      string  `json:"name"`
	From      string  `json:"from"`
	To        string  `json:"to"`
	Packets   uint64  `json:"packets"`
	Bytes     uint64  `json:"bytes"`
	PPS       float64 `json:"pps"`
	Mark      string  `json:"mark"`
	Table     uint32  `json:"table"`
	NextHop   string  `json:"next_hop"`  // "": what routing says
	Neighbour string  `json:"neighbour"` // the kernel's neighbour table about it, "": nothing
	State     string  `json:"state"`
}

// steeringObject is what steers the packets of chains, and what stands in its way.
type steeringObject struct {
	Why    string          `json:"why,omitempty"`
	Steer  []steerObject   `json:"steer"`
	Owners []ownerObject   `json:"owners"`
	Checks []settingObject `json:"checks"`
}

type steerObject struct {
	Text  string `json:"text"`
	Chain string `json:"chain"`
	State string `json:"state"`
	Why   string `json:"why"`
}

type ownerObject struct {
	Mask  string `json:"mask"`
	Who   string `json:"who"`
	From  string `json:"from"`
	Clash string `json:"clash"`
	Mark  string `json:"mark"` // the value under the mask
	Sets  bool   `json:"sets"` // it writes the bits; else it chooses packets by them
}

type settingObject struct {
	Name string `json:"name"`
	Have string `json:"have"`
	OK   bool   `json:"ok"`
	Why  string `json:"why"`
	Fix  string `json:"fix"`
}

func chainObjects(rows []snap.Chain) []chainObject {
	out := make([]chainObject, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		c := chainObject{Line: r.Line, Name: format.Clean(r.Name), Text: format.Clean(r.Text), State: r.State, Why: format.Clean(r.Why), Open: r.Open,
			Lost: round(r.Lost), Legs: make([]legObject, 0, len(r.Legs))}
		for _, l := range r.Legs {
			hop := ""
			if l.NextHop.IsValid() {
				hop = l.NextHop.String()
			}
			c.Legs = append(c.Legs, legObject{Name: l.Name, From: format.Clean(l.From), To: format.Clean(l.To), Packets: l.Packets, Bytes: l.Bytes,
				PPS: round(l.PPS), Mark: acl.MarkText(l.Mark, l.Mask), Table: l.Table, NextHop: hop, Neighbour: format.Clean(l.Neighbour), State: l.State})
		}
		out = append(out, c)
	}
	return out
}

func steeringJSON(c *snap.Chains) steeringObject {
	out := steeringObject{Why: format.Clean(c.Why), Steer: make([]steerObject, 0, len(c.Steer)), Owners: ownerObjects(c.Owners),
		Checks: make([]settingObject, 0, len(c.Checks))}
	for _, s := range c.Steer {
		out.Steer = append(out.Steer, steerObject{format.Clean(s.Text), format.Clean(s.Chain), s.State, format.Clean(s.Why)})
	}
	for _, k := range c.Checks {
		out.Checks = append(out.Checks, settingObject{format.Clean(k.Name), format.Clean(k.Have), k.OK, format.Clean(k.Why), format.Clean(k.Fix)})
	}
	return out
}

func ownerObjects(list []snap.BitOwner) []ownerObject {
	out := make([]ownerObject, 0, len(list))
	for _, o := range list {
		out = append(out, ownerObject{fmt.Sprintf("%#x", o.Mask), format.Clean(o.Who), format.Clean(o.From), format.Clean(o.Clash), fmt.Sprintf("%#x", o.Mark), o.Sets})
	}
	return out
}

// Steered is what becomes of a packet by its mark.
type Steered struct {
	Rule  string // as ip(8) prints it, "": none asks for the mark here
	Table uint32
	State string // "in place", "missing", "none"
}

// markObject says which chain marks the packet, and where the mark leads.
type markObject struct {
	Value string `json:"value"`
	Chain string `json:"chain"`
	Line  int    `json:"line"`
	Leg   string `json:"leg"`
	Rule  string `json:"rule"`
	Table uint32 `json:"table"`
	State string `json:"state"`
	Dev   string `json:"dev"` // that the leg leads to, "": where routing says
	Via   string `json:"via"`
}

// marked names the mark of an allowed packet; nil: none.
func marked(p *acl.Policy, of acl.LegOf, s *Steered) *markObject {
	if of.Chain < 1 || of.Chain > len(p.Chains) {
		return nil
	}
	c := &p.Chains[of.Chain-1]
	out := &markObject{Value: c.Marking(), Chain: format.Clean(c.Name), Line: c.Line, Leg: of.Kind.String()}
	for _, l := range c.Legs() {
		if l.Kind == of.Kind {
			out.Dev = format.Clean(l.Hop.Dev)
			if l.Hop.Via.IsValid() {
				out.Via = l.Hop.Via.String()
			}
		}
	}
	if s != nil {
		out.Rule, out.Table, out.State = format.Clean(s.Rule), s.Table, s.State
	}
	return out
}

func (m *markObject) words() string {
	if m == nil {
		return "none"
	}
	return fmt.Sprintf("%s by chain %s, line %d: %s", m.Value, m.Chain, m.Line, m.Leg)
}

func (m *markObject) way() string {
	switch {
	case m.Dev == "":
		return "no rule: it goes where routing sends it"
	case m.State == "in place":
		return fmt.Sprintf("%s, dev %s", m.Rule, m.Dev)
	}
	return fmt.Sprintf("no rule asks for it here: a running hooktop would send it to dev %s", m.Dev)
}
