// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

type eventObject struct {
	At       string `json:"at"`
	Severity string `json:"severity"`
	From     string `json:"from"`
	Text     string `json:"text"`

	// Of packets that a rule with log told of:
	Kind       string `json:"kind,omitempty"`
	Line       int    `json:"line,omitempty"`
	Generation uint32 `json:"generation,omitempty"`
	Label      string `json:"label,omitempty"`
	Dev        string `json:"dev,omitempty"`
	Repeat     int    `json:"repeat,omitempty"`
	Missed     uint64 `json:"missed,omitempty"`
	*eventFlow
}

type eventFlow struct {
	Src   string `json:"src"`
	SPort uint16 `json:"sport"`
	Dst   string `json:"dst"`
	DPort uint16 `json:"dport"`
	Proto string `json:"proto"`
	Dir   string `json:"dir"`
}

// packetEvent is a row of events about packets that one rule told of.
func packetEvent(e *snap.Event) eventObject {
	o := eventObject{At: stamp(e.At), Severity: severity(e.Sev), From: "acl", Text: format.Clean(e.Text), Kind: e.Kind, Line: e.Line,
		Generation: e.Gen, Label: format.Clean(e.Label), Dev: format.Clean(e.Dev), Repeat: e.Repeat, Missed: e.Missed}
	if k := &e.Flow; k.Src != (snap.Addr{}) || k.Dst != (snap.Addr{}) {
		f := &eventFlow{Src: k.Src.String(), Dst: k.Dst.String(), Proto: strings.ToLower(format.Proto(k.Proto)), Dir: direction(k)}
		if format.HasPorts(k.Proto) && k.Frag != snap.FragLater {
			f.SPort, f.DPort = k.SPort, k.DPort
		}
		o.eventFlow = f
	}
	return o
}
