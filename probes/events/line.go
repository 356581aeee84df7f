// SPDX-License-Identifier: Apache-2.0

package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Schema names the lines of sinks.
const Schema = "hooktop.event/1"

// line is one event of a packet as JSON.
type line struct {
	Schema     string `json:"schema"`
	At         string `json:"at"`
	Kind       string `json:"kind"` // deny, limit, allow, count
	Verdict    string `json:"verdict"`
	Text       string `json:"text"`
	Generation uint32 `json:"generation"`
	Line       int    `json:"line"` // of the policy
	Rule       string `json:"rule"`
	Label      string `json:"label,omitempty"`
	Dev        string `json:"dev"`
	Dir        string `json:"dir"`
	Bytes      int    `json:"bytes"` // on the wire
	Missed     uint64 `json:"missed"`
	*flow
}

// flow is left out of frames that belong to none.
type flow struct {
	Src      string `json:"src"`
	SPort    uint16 `json:"sport"`
	Dst      string `json:"dst"`
	DPort    uint16 `json:"dport"`
	Proto    string `json:"proto"`
	VLAN     uint16 `json:"vlan"`
	VNI      uint32 `json:"vni"`
	ICMPType *uint8 `json:"icmp_type,omitempty"`
	ICMPCode *uint8 `json:"icmp_code,omitempty"`
}

// lost says that events are missing.
type lost struct {
	Schema string `json:"schema"`
	At     string `json:"at"`
	Kind   string `json:"kind"` // lost
	Text   string `json:"text"`
	Lost   uint64 `json:"lost"`
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Line is the packet as one line of JSON, without its end.
func (p *Packet) Line() []byte {
	out := line{
		Schema: Schema, At: stamp(p.At), Kind: p.kind(), Verdict: "pass", Text: p.text(), Generation: p.By.Gen, Line: p.By.Line,
		Rule: p.By.Text, Label: p.By.Label, Dev: p.Dev, Dir: direction(p.Key.Egress), Bytes: p.Len, Missed: p.Missed,
	}
	if p.Deny {
		out.Verdict = "drop"
	}
	if k := &p.Key; !p.Bare {
		f := &flow{Src: k.Src.String(), Dst: k.Dst.String(), Proto: strings.ToLower(format.Proto(k.Proto)), VLAN: k.VLAN, VNI: k.VNI}
		switch {
		case k.Frag == snap.FragLater:
		case format.HasPorts(k.Proto):
			f.SPort, f.DPort = k.SPort, k.DPort
		case format.IsICMP(k.Proto):
			kind, code := uint8(k.SPort>>8), uint8(k.SPort)
			f.ICMPType, f.ICMPCode = &kind, &code
		}
		out.flow = f
	}
	return encoded(out)
}

// LostLine says that n events are missing, and where they were lost.
func LostLine(at time.Time, n uint64, where string) []byte {
	return encoded(lost{Schema: Schema, At: stamp(at), Kind: "lost", Text: LostText(n, where), Lost: n})
}

// LostText is the same in words.
func LostText(n uint64, where string) string {
	return fmt.Sprintf("%s lost: %s", format.Plural(n, "event"), where)
}

// encoded can't fail: there is nothing in a line that JSON has no form for.
func encoded(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Appendf(nil, `{"schema":%q,"kind":"lost","text":%q,"lost":1}`, Schema, err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
