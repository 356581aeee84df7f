// SPDX-License-Identifier: Apache-2.0

package column

import (
	"math"
	"strings"

	"hooktop/probes/snap"
)

// What an event has beside what a flow has.
const (
	EventSev Field = Args + 1 + iota
	EventKind
	EventText
	EventGen
	EventLabel
	EventTimes
	EventMissed
)

// Events returns the columns of the Events tab's rows.
func Events() *Set {
	return NewSet([]Column{
		{Key: "sev", Title: "SEV", Kind: Word, Field: EventSev, Help: "severity", Aliases: []string{"severity"}, Values: []string{"info", "warn", "crit"}, Export: "severity"},
		{Key: "kind", Title: "KIND", Kind: Text, Field: EventKind, Help: "what happened", Export: "kind", Any: true,
			Values: []string{"deny", "limit", "allow", "count", "commit", "keep", "restore", "lease over", "canary", "save", "suspend", "resume", "lost"}},
		{Key: "text", Title: "MESSAGE", Kind: Text, Field: EventText, Help: "the event in words", Aliases: []string{"message"}, Export: "text", Any: true},
		{Key: "times", Title: "TIMES", Kind: Count, Field: EventTimes, Help: "packets that the row stands for", Aliases: []string{"repeat"}, Export: "repeat"},
		{Key: "missed", Title: "MISSED", Kind: Count, Field: EventMissed, Help: "of the same rule that its rate suppressed", Export: "missed"},
		{Key: "rule", Title: "RULE", Kind: Count, Field: Rule, Help: "line of the policy that decided", Aliases: []string{"line"}, Export: "line"},
		{Key: "gen", Title: "GEN", Kind: Count, Field: EventGen, Help: "generation of the policy", Aliases: []string{"generation"}, Export: "generation"},
		{Key: "label", Title: "LABEL", Kind: Text, Field: EventLabel, Help: "what the rule's log says", Export: "label", Any: true},
		{Key: "dev", Title: "DEV", Kind: Word, Field: Dev, Help: "device", Aliases: []string{"device", "if", "iface", "interface"}, Export: "dev"},
		{Key: "dir", Title: "DIR", Kind: Word, Field: Dir, Help: "in or out", Values: []string{"in", "out"}, Export: "dir"},
		{Key: "src", Title: "SRC", Kind: Address, Field: Source, Help: "source address", Aliases: []string{"saddr", "source"}, Export: "src"},
		{Key: "dst", Title: "DST", Kind: Address, Field: Destination, Help: "destination address", Aliases: []string{"daddr", "destination"}, Export: "dst"},
		{Key: "host", Title: "HOST", Kind: Endpoint, Field: Host, Help: "source or destination", Aliases: []string{"net", "addr", "ip"}, Both: true},
		{Key: "sport", Title: "SPORT", Kind: Port, Field: SPort, Help: "source port", Aliases: []string{"src.port"}, Export: "sport"},
		{Key: "dport", Title: "DPORT", Kind: Port, Field: DPort, Help: "destination port", Aliases: []string{"dst.port"}, Export: "dport"},
		{Key: "port", Title: "PORT", Kind: Port, Field: AnyPort, Help: "source or destination port", Both: true},
		{Key: "proto", Title: "PRO", Kind: Proto, Field: Protocol, Help: "IP protocol", Aliases: []string{"protocol"}, Values: []string{"tcp", "udp", "icmp", "icmpv6", "sctp"}, Export: "proto"},
	})
}

// EventRow reads a snap.Event.
type EventRow struct{ *snap.Event }

// HasFlow reports whether the event is of a packet whose flow is known.
func (r EventRow) HasFlow() bool { return r.Flow.Src != (snap.Addr{}) || r.Flow.Dst != (snap.Addr{}) }

// Address implements Row; an event of no packet has the zero address.
func (r EventRow) Address(f Field) snap.Addr {
	if f == Destination {
		return r.Flow.Dst
	}
	return r.Flow.Src
}

// Number implements Row.
func (r EventRow) Number(f Field) float64 {
	switch f {
	case EventTimes:
		return float64(max(r.Repeat, 1))
	case EventMissed:
		return float64(r.Missed)
	case EventGen:
		return known(r.Gen > 0, float64(r.Gen))
	case Rule:
		return known(r.Line > 0, float64(r.Line))
	}
	if !r.HasFlow() {
		return math.NaN()
	}
	return KeyNumber(f, &r.Flow)
}

// Text implements Row.
func (r EventRow) Text(f Field) string {
	switch f {
	case EventSev:
		return SevWord(r.Sev)
	case EventKind:
		return strings.ToLower(r.Kind)
	case EventText:
		return r.Event.Text
	case EventLabel:
		return r.Label
	case Dev:
		return r.Event.Dev
	}
	if !r.HasFlow() {
		return ""
	}
	return KeyText(f, &r.Flow)
}

// SevWord is a severity as the screen writes it.
func SevWord(s snap.Severity) string { return [...]string{"info", "warn", "crit"}[min(s, snap.Crit)] }
