// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"net/netip"

	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
)

// blocking is a rule that would block a flow, or more than it.
type blocking struct{ label, key, rule string }

// blocks drafts rules against a flow, in the words of the policy. Addresses are those that the hook sees: of what comes in
// the source, of what goes out the destination, for there the source is this host or somebody behind it.
func blocks(f *snap.Flow) []blocking {
	dir, side, a := acl.In, "from", f.Key.Src.Netip()
	if f.Key.Egress {
		dir, side, a = acl.Out, "to", f.Key.Dst.Netip()
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
	out := []blocking{{"block " + side + " " + a.String(), "b", with(peer)}}
	bits := 24
	if a.Is6() {
		bits = 64
	}
	if p, err := a.Prefix(bits); err == nil {
		out = append(out, blocking{"block " + side + " " + p.String(), "its network", with(acl.End{Prefix: p})})
	}
	if !format.HasPorts(f.Key.Proto) || f.Key.Frag == snap.FragLater {
		return out
	}
	with(peer)
	d := f.Key.Dst.Netip()
	r.Proto = acl.Protos{List: []uint8{f.Key.Proto}}
	r.To = acl.End{Prefix: netip.PrefixFrom(d, d.BitLen()), Ports: acl.Ports{List: []acl.Range{{Lo: f.Key.DPort, Hi: f.Key.DPort}}}}
	return append(out, blocking{"block " + side + " " + a.String() + " to this port", format.Proto(f.Key.Proto), r.String()})
}

// block drafts the rule on the tab of the policy, with the editor open on it.
func (t *Tab) block() tea.Cmd {
	f, ok := t.flows.Selected()
	if !ok {
		return nil
	}
	return draft(f, blocks(f)[0].rule)
}

func draft(f *snap.Flow, rule string) tea.Cmd {
	note := ""
	switch f.WayIn {
	case snap.OwnSession:
		note = "this flow is your own session"
	case snap.AccessFlow:
		note = "this flow is somebody's way in"
	}
	return func() tea.Msg { return core.GoMsg{Tab: snap.ACLTab, With: core.DraftMsg{Rule: rule, Note: note}} }
}

// noBlock says why no rule can be drafted.
func (t *Tab) noBlock() string {
	switch {
	case t.view.group != "":
		return "choose one flow: enter opens the group"
	case t.frame.State.Fallback != "":
		return "eBPF can't run here"
	case t.frame.State.ReadOnly != "":
		return "read-only: " + format.Clean(t.frame.State.ReadOnly)
	}
	if f, ok := t.flows.Selected(); ok && f.Key.VNI != 0 {
		return "inner flow of a tunnel: rules see the outer packet"
	}
	return t.noRow()
}
