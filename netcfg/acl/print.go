// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// String is the canonical line of the file: action and direction in columns, the comment last.
func (r *Rule) String() string {
	b := make([]byte, 0, 128)
	if r.Off {
		b = append(b, "off "...)
	}
	b = column(b, r.Action.String(), 5)
	if r.Dir != Both {
		b = column(append(b, ' '), r.Dir.String(), 3)
	}
	b = r.fields(b)
	if r.Log {
		b = append(b, " log"...)
	}
	if r.Label != "" {
		b = append(append(b, ' '), quoted(r.Label)...)
	}
	if text := r.Expires.String(); text != "" {
		b = append(append(b, " expires "...), text...)
	}
	return commented(strings.TrimRight(string(b), " "), r.Comment)
}

func column(b []byte, word string, width int) []byte {
	b = append(b, word...)
	for range width - len(word) {
		b = append(b, ' ')
	}
	return b
}

// Match is the rule's canonical text without what changes nothing about the packets that it decides: off, log, expiry and
// comment. Counters are named by it.
func (r *Rule) Match() string {
	b := append(make([]byte, 0, 128), r.Action.String()...)
	if r.Dir != Both {
		b = append(append(b, ' '), r.Dir.String()...)
	}
	return string(r.fields(b))
}

// fields appends what the rule matches, and its rate, each with a blank before it.
func (r *Rule) fields(b []byte) []byte {
	if len(r.Proto.List) > 0 {
		b = append(b, not(" ", r.Proto.Not)...)
		b = append(b, r.Proto.words()...)
	}
	b = r.From.words(b, " from ")
	b = r.To.words(b, " to ")
	for i, t := range r.Type.List {
		if i == 0 {
			b = append(b, not(" type ", r.Type.Not)...)
		} else {
			b = append(b, ',')
		}
		b = append(b, t.word()...)
	}
	if r.Established {
		b = append(b, " established"...)
	}
	if r.Dev.Name != "" {
		b = append(b, not(" dev ", r.Dev.Not)...)
		b = append(b, deviceWord(r.Dev.Name)...)
	}
	b = r.VLAN.words(b, " vlan ")
	b = r.VNI.words(b, " vni ")
	if r.Rate.N > 0 {
		b = fmt.Appendf(b, " rate %d/%s per source burst %d", r.Rate.N, unitWord(r.Rate.Per), r.Rate.Burst)
	}
	return b
}

func unitWord(per time.Duration) string {
	switch per {
	case time.Minute:
		return "m"
	case time.Hour:
		return "h"
	}
	return "s"
}

func (t Tag) words(b []byte, clause string) []byte {
	if t.ID == 0 {
		return b
	}
	return strconv.AppendUint(append(b, not(clause, t.Not)...), uint64(t.ID), 10)
}

// String gives the time as rules write it, "" for never.
func (e Expiry) String() string {
	switch {
	case !e.At.IsZero():
		return e.At.Format(time.RFC3339)
	case e.After > 0:
		return spanText(e.After)
	}
	return ""
}

// not gives a clause's word, inverted or not.
func not(clause string, inverted bool) string {
	if inverted {
		return clause + "not "
	}
	return clause
}

func (e End) words(b []byte, side string) []byte {
	if e.Any() && len(e.Ports.List) == 0 {
		return b
	}
	b = append(b, not(side, e.Not)...)
	switch {
	case e.Set != "":
		b = append(append(b, '@'), e.Set...)
	case e.Prefix.IsSingleIP():
		b = e.Prefix.Addr().AppendTo(b)
	case e.Prefix.IsValid():
		b = e.Prefix.AppendTo(b)
	default:
		b = append(b, "any"...)
	}
	if len(e.Ports.List) > 0 {
		b = e.Ports.words(append(b, " port "...))
	}
	return b
}

func (p Ports) words(b []byte) []byte {
	b = append(b, not("", p.Not)...)
	for i, r := range p.List {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(r.Lo), 10)
		if r.Hi > r.Lo {
			b = strconv.AppendUint(append(b, '-'), uint64(r.Hi), 10)
		}
	}
	return b
}

// deviceWord quotes a name that would not be read back as one.
func deviceWord(name string) string {
	if isClause(name) || strings.ContainsAny(name, "\"\\{},*?") || strings.HasPrefix(name, "#") {
		return quoted(name)
	}
	return name
}

func (s *Set) String() string {
	var b strings.Builder
	b.WriteString("set " + s.Name + " {")
	for i, p := range s.List {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(" " + PrefixText(p))
	}
	b.WriteString(" }")
	return commented(b.String(), s.Comment)
}

func (d *Default) String() string {
	text := "default " + d.Dir.String() + " " + d.Action.String()
	if d.Off {
		text = "off " + text
	}
	return commented(text, d.Comment)
}

func commented(text, comment string) string {
	if comment == "" {
		return text
	}
	return text + "  " + comment
}

// PrefixText writes a prefix as rules do: a whole address without its length.
func PrefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
