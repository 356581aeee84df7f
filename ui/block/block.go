// SPDX-License-Identifier: Apache-2.0

// Package block drafts rules against a flow, whatever tab names it. Nothing is staged by it: the editor of the ACL tab opens.
package block

import (
	"net/netip"

	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
)

// Rule would block a flow, or more than it.
type Rule struct{ Label, Detail, Text string }

// Rules drafts rules against a flow, the usual one first. Addresses are those that the hook sees: of what comes in the source, of
// what goes out the destination, for there the source is this host or somebody behind it.
func Rules(k *snap.FlowKey) []Rule {
	dir, side, a := acl.In, "from", k.Src.Netip()
	if k.Egress {
		dir, side, a = acl.Out, "to", k.Dst.Netip()
	}
	peer := acl.End{Prefix: netip.PrefixFrom(a, a.BitLen())}
	r := acl.Rule{Action: acl.Deny, Dir: dir}
	with := func(e acl.End) string {
		if dir == acl.Out {
			r.To = e
		} else {
			r.From = e
		}
		return r.String()
	}
	out := []Rule{{"block " + side + " " + a.String(), "b", with(peer)}}
	bits := 24
	if a.Is6() {
		bits = 64
	}
	if p, err := a.Prefix(bits); err == nil {
		out = append(out, Rule{"block " + side + " " + p.String(), "its network", with(acl.End{Prefix: p})})
	}
	if !ports(k) {
		return out
	}
	with(peer)
	d := k.Dst.Netip()
	r.Proto = acl.Protos{List: []uint8{k.Proto}}
	r.To = acl.End{Prefix: netip.PrefixFrom(d, d.BitLen()), Ports: acl.Ports{List: []acl.Range{{Lo: k.DPort, Hi: k.DPort}}}}
	return append(out, Rule{"block " + side + " " + a.String() + " to this port", format.Proto(k.Proto), r.String()})
}

func ports(k *snap.FlowKey) bool { return format.HasPorts(k.Proto) && k.Frag != snap.FragLater }

// Between drafts the rule against packets of which nobody knows whether they come or go: it names both ends, for one of them may
// be this host.
func Between(k *snap.FlowKey) Rule {
	s, d := k.Src.Netip(), k.Dst.Netip()
	r := acl.Rule{Action: acl.Deny, From: acl.End{Prefix: netip.PrefixFrom(s, s.BitLen())}, To: acl.End{Prefix: netip.PrefixFrom(d, d.BitLen())}}
	if ports(k) {
		r.Proto = acl.Protos{List: []uint8{k.Proto}}
		r.To.Ports = acl.Ports{List: []acl.Range{{Lo: k.DPort, Hi: k.DPort}}}
	}
	return Rule{"block " + s.String() + " to " + d.String(), "b", r.String()}
}

// Draft opens the editor of the policy on a rule. note is said beside it.
func Draft(rule, note string) tea.Cmd {
	return func() tea.Msg { return core.GoMsg{Tab: snap.ACLTab, With: core.DraftMsg{Rule: rule, Note: note}} }
}

// Cant says why no rule can be drafted against a flow here, "" when one can.
func Cant(s *snap.State, k *snap.FlowKey) string {
	switch {
	case s.Fallback != "":
		return "eBPF can't run here"
	case s.ReadOnly != "":
		return "read-only: " + format.Clean(s.ReadOnly)
	case k != nil && k.VNI != 0:
		return "inner flow of a tunnel: rules see the outer packet"
	}
	return ""
}
