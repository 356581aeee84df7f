// SPDX-License-Identifier: Apache-2.0

package events

import (
	"fmt"
	"strings"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// kind is what the rule did with the packet: a limit lets pass or drops.
func (p *Packet) kind() string {
	if p.By.Action == "limit" && !p.Limited {
		return "allow"
	}
	return p.By.Action
}

// text is the packet in one line: `deny tcp 203.0.113.9:4444 > 10.0.0.22:22 in eth0 "known scanners"`.
func (p *Packet) text() string {
	b := append([]byte(p.kind()), ' ')
	b = append(append(b, p.what()...), ' ')
	b = append(append(append(b, direction(p.Key.Egress)...), ' '), p.Dev...)
	if p.By.Label != "" {
		b = fmt.Appendf(b, " %q", p.By.Label)
	}
	return string(b)
}

// what names protocol and ends of the packet.
func (p *Packet) what() string {
	if p.Bare {
		return fmt.Sprintf("a frame of %d bytes without a flow", p.Len)
	}
	k := &p.Key
	out := fmt.Sprintf("%s %s > %s", strings.ToLower(format.Proto(k.Proto)), format.Endpoint(k, false), format.Endpoint(k, true))
	switch {
	case k.Frag == snap.FragLater:
		out += " fragment"
	case format.IsICMP(k.Proto):
		out += " " + format.ICMPShort(k.Proto, uint8(k.SPort>>8), uint8(k.SPort))
	}
	return out
}

func direction(out bool) string {
	if out {
		return "out"
	}
	return "in"
}
