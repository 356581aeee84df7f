// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"net/netip"
	"strings"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// tunnelObject is what one peer sent in one tunnel.
type tunnelObject struct {
	Kind     string            `json:"kind"`
	VNI      *uint32           `json:"vni"` // GRE's key, GTP-U's TEID; null where there is none
	Peer     string            `json:"peer"`
	Packets  uint64            `json:"packets"`
	Bytes    uint64            `json:"bytes"`
	Stripped uint64            `json:"stripped"`
	Errors   map[string]uint64 `json:"errors"`
	Local    string            `json:"local"`
	Port     uint16            `json:"port,omitempty"`
	Dev      string            `json:"dev,omitempty"`
	Inner    string            `json:"inner,omitempty"`
	Line     int               `json:"line"` // of the policy, 0: none speaks of it
	PPS      float64           `json:"pps"`
	BPS      float64           `json:"bps"`
	LastS    float64           `json:"last_s"`
}

func tunnelObjects(rows []snap.Tunnel) []tunnelObject {
	out := make([]tunnelObject, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		o := tunnelObject{Kind: r.Kind, Peer: addrText(r.Peer), Packets: r.Packets, Bytes: r.Bytes, Stripped: r.Stripped, Errors: counts(r.Errors),
			Local: addrText(r.Local), Port: r.Port, Dev: format.Clean(r.Dev), Inner: r.Inner, Line: r.Line, PPS: round(r.PPS), BPS: round(r.BPS), LastS: round(r.Last.Seconds())}
		if r.HasVNI {
			o.VNI = &r.VNI
		}
		out = append(out, o)
	}
	return out
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// tunnelGrid has what one peer sent in one tunnel a row.
func tunnelGrid(rows []snap.Tunnel) *grid {
	g := &grid{titles: []string{"TUNNEL", ">VNI", "PEER", "LOCAL", ">PACKETS", ">BYTES", ">STRIPPED", ">LINE", "ERRORS"}}
	for i := range rows {
		r := &rows[i]
		vni, line := "-", "-"
		if r.HasVNI {
			vni = fmt.Sprint(r.VNI)
		}
		if r.Line > 0 {
			line = fmt.Sprint(r.Line)
		}
		var errs []string
		for _, e := range r.Errors {
			errs = append(errs, fmt.Sprintf("%s %d", format.Clean(e.Name), e.N))
		}
		g.add(r.Kind, vni, addrText(r.Peer), addrText(r.Local), format.Count(r.Packets), format.Count(r.Bytes), format.Count(r.Stripped), line, strings.Join(errs, ", "))
	}
	return g
}

// TunnelReport is what the programs made of the tunnel that a packet is in.
type TunnelReport struct {
	Kind   acl.TunnelKind
	VNI    uint32
	HasVNI bool
	Line   int    // index of the policy's line that speaks of it, -1: none
	Why    string // why it is not unwrapped, "" when it is, or only counts
	Strips bool
}

// explainTunnel is the tunnel of explain's packet.
type explainTunnel struct {
	Kind   string     `json:"kind"`
	VNI    *uint32    `json:"vni"`
	Line   ruleObject `json:"line"` // 0: none speaks of it
	Strips bool       `json:"strips"`
	Why    string     `json:"why"` // why it is not unwrapped
}

func explainTunnelOf(p *acl.Policy, t *TunnelReport) *explainTunnel {
	if t == nil {
		return nil
	}
	out := &explainTunnel{Kind: t.Kind.String(), Strips: t.Strips, Why: t.Why}
	if t.HasVNI {
		out.VNI = &t.VNI
	}
	if t.Line >= 0 {
		out.Line = ruleObject{Line: p.Tunnels[t.Line].Line, Text: format.Clean(p.Tunnels[t.Line].String())}
	}
	return out
}

// words say it in one line.
func (t *explainTunnel) words() string {
	if t == nil {
		return "none"
	}
	text := t.Kind
	if t.VNI != nil {
		text += fmt.Sprintf(" vni %d", *t.VNI)
	}
	switch {
	case t.Strips:
		text += ": unwrapped"
	case t.Why != "":
		text += ": left to the kernel: " + t.Why
	default:
		text += ": counted"
	}
	if t.Line.Line > 0 {
		text += fmt.Sprintf(" by line %d", t.Line.Line)
	}
	return text
}
