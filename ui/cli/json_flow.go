// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// flowObject is one direction of one flow on one device.
type flowObject struct {
	Src        string  `json:"src"`
	SPort      uint16  `json:"sport"`
	Dst        string  `json:"dst"`
	DPort      uint16  `json:"dport"`
	Proto      string  `json:"proto"`
	Dev        string  `json:"dev"`
	Dir        string  `json:"dir"` // "in", "out"
	VLAN       uint16  `json:"vlan"`
	VNI        uint32  `json:"vni"`
	Packets    uint64  `json:"packets"`
	Bytes      uint64  `json:"bytes"`
	PPS        float64 `json:"pps"`
	BPS        float64 `json:"bps"` // bits per second
	AgeS       float64 `json:"age_s"`
	Process    string  `json:"process"`
	PID        int     `json:"pid"`
	Rule       int     `json:"rule"`
	Verdict    string  `json:"verdict"`
	OwnSession bool    `json:"own_session"`

	ICMPType   *uint8  `json:"icmp_type,omitempty"`
	ICMPCode   *uint8  `json:"icmp_code,omitempty"`
	Frag       string  `json:"frag"` // "", "first", "later"
	Stacked    bool    `json:"stacked"`
	Forwarded  bool    `json:"forwarded"`
	Inner      bool    `json:"inner"` // stays in a tunnel: seen, not judged, outside the totals
	Unanswered bool    `json:"unanswered"`
	Access     bool    `json:"access"` // somebody's way into this host, own_session's among them
	IdleS      float64 `json:"idle_s"`
	TCPFlags   string  `json:"tcp_flags,omitempty"`
	State      string  `json:"state,omitempty"`
	RTTUs      int64   `json:"rtt_us,omitempty"`
	Retrans    uint32  `json:"retrans,omitempty"`
	SynRetrans uint32  `json:"syn_retrans,omitempty"`
	Container  string  `json:"container,omitempty"`
	User       string  `json:"user,omitempty"`
	OwnerSure  string  `json:"owner_sure,omitempty"`
	OwnerVia   string  `json:"owner_via,omitempty"`
}

func flowObjects(rows []snap.Flow) []flowObject {
	out := make([]flowObject, 0, len(rows))
	for i := range rows {
		out = append(out, flowJSON(&rows[i]))
	}
	return out
}

func flowJSON(f *snap.Flow) flowObject {
	k := &f.Key
	o := flowObject{
		Src: k.Src.String(), Dst: k.Dst.String(), Proto: strings.ToLower(format.Proto(k.Proto)), Dev: format.Clean(f.Device), Dir: direction(k),
		VLAN: k.VLAN, VNI: k.VNI, Packets: f.Packets, Bytes: f.Bytes, PPS: round(f.Rates[0].PPS), BPS: round(f.Rates[0].BPS),
		AgeS: round(f.Age.Seconds()), IdleS: round(f.Idle.Seconds()), Rule: f.Rule, Verdict: verdict(f),
		Process: format.Clean(f.Owner.Comm), PID: f.Owner.PID, OwnSession: f.WayIn == snap.OwnSession,
		Access: f.WayIn != snap.NoWayIn, Frag: fragment(k.Frag), Stacked: k.Stacked, Forwarded: f.Forwarded, Inner: f.Inner,
		Unanswered: f.Unanswered, State: f.TCP.State, RTTUs: f.TCP.RTT.Microseconds(), Retrans: f.TCP.Retrans,
		SynRetrans: f.TCP.SynRetrans, Container: format.Clean(f.Owner.Container), User: format.Clean(f.Owner.User),
		OwnerSure: sureness(f.Owner.Sure), OwnerVia: f.Owner.Via,
	}
	switch {
	case format.HasPorts(k.Proto):
		o.SPort, o.DPort = k.SPort, k.DPort
	case format.IsICMP(k.Proto) && k.Frag != snap.FragLater:
		typ, code := uint8(k.SPort>>8), uint8(k.SPort)
		o.ICMPType, o.ICMPCode = &typ, &code
	}
	if f.TCPFlags != 0 {
		o.TCPFlags = format.TCPFlagNames(f.TCPFlags)
	}
	return o
}

func direction(k *snap.FlowKey) string {
	if k.Egress {
		return "out"
	}
	return "in"
}

func verdict(f *snap.Flow) string {
	if f.Verdict == "" {
		return "pass"
	}
	return f.Verdict
}

func fragment(f snap.Frag) string {
	switch f {
	case snap.FragFirst:
		return "first"
	case snap.FragLater:
		return "later"
	}
	return ""
}

// sureness names how an owner was found, best first.
func sureness(s snap.Sure) string {
	switch s {
	case snap.SureExact:
		return "exact"
	case snap.SureSocket:
		return "socket"
	case snap.SureGuess:
		return "guess"
	case snap.SureKernel:
		return "kernel"
	}
	return ""
}
