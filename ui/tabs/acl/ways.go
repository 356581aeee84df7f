// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"slices"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// waysFilter finds the flows of those who are in: the editor looks at them before anything is staged.
const waysFilter = "way:own,access"

// patience is how many snapshots the editor waits for sockets to be looked up, until it takes the flows at hand.
const patience = 3

// ways are live flows by which somebody is in, as packets, and what the guard lets pass before any rule.
type ways struct {
	flows []way
	guard []acl.GuardLine
	known bool
	tries int
}

type way struct {
	packet acl.Packet
	text   string
}

// take takes the answer to the question for ways in; false: it is not the answer yet.
func (w *ways) take(v *snap.FlowsView, guard []snap.GuardHits) bool {
	if w.known || v.Query.Filter != waysFilter {
		return false
	}
	if w.tries++; v.Partial && w.tries < patience {
		return false
	}
	w.known = true
	for i := range v.Rows {
		f := &v.Rows[i]
		text := format.Endpoint(&f.Key, false) + " > " + format.Endpoint(&f.Key, true)
		switch f.WayIn {
		case snap.OwnSession: // it is named first
			w.flows = slices.Insert(w.flows, 0, way{packetOf(f), "your own session " + text})
		case snap.AccessFlow:
			w.flows = append(w.flows, way{packetOf(f), "a way in " + text})
		}
	}
	for _, g := range guard { // its lines are rules; the one for frames that are not IP decides no flow
		if l, errs := policy.ParseLine(g.Text); errs == nil && l.Kind == policy.Rule {
			w.guard = append(w.guard, acl.GuardLine{Name: g.Name, Rule: *l.Rule})
		}
	}
	return true
}

// packetOf is a packet of a flow, as rules see it.
func packetOf(f *snap.Flow) acl.Packet {
	k := &f.Key
	p := acl.Packet{Dir: acl.In, Dev: f.Device, Src: k.Src.Netip(), Dst: k.Dst.Netip(), Proto: k.Proto, Frag: acl.Frag(k.Frag), VLAN: k.VLAN, VNI: k.VNI}
	if k.Egress {
		p.Dir = acl.Out
	}
	switch {
	case k.Frag == snap.FragLater:
	case format.IsICMP(k.Proto):
		p.Type, p.Code = uint8(k.SPort>>8), uint8(k.SPort)
	case format.HasPorts(k.Proto):
		p.SPort, p.DPort = k.SPort, k.DPort
	}
	return p
}

// cut names the first way in that a policy would close, by the oracle; "" when all stay open. All of them are established:
// they are live.
func (w *ways) cut(p *acl.Policy, now time.Time) string {
	p.Guard = w.guard
	s := acl.NewState(now)
	for _, f := range w.flows {
		s.Saw(f.packet)
	}
	for _, f := range w.flows {
		if acl.Evaluate(p, f.packet, s).Verdict == acl.Deny {
			return f.text + " would be dropped"
		}
	}
	return ""
}
