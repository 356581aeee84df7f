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
	var b strings.Builder
	if r.Off {
		b.WriteString("off ")
	}
	words := r.fields()
	fmt.Fprintf(&b, "%-5s", r.Action)
	if r.Dir != Both {
		fmt.Fprintf(&b, " %-3s", r.Dir)
	}
	for _, w := range words {
		b.WriteByte(' ')
		b.WriteString(w)
	}
	for _, w := range r.options() {
		b.WriteByte(' ')
		b.WriteString(w)
	}
	return commented(strings.TrimRight(b.String(), " "), r.Comment)
}

// Match is the rule's canonical text without what changes nothing about the packets that it decides: off, log, expiry and
// comment. Counters are named by it.
func (r *Rule) Match() string {
	words := []string{r.Action.String()}
	if r.Dir != Both {
		words = append(words, r.Dir.String())
	}
	return strings.Join(append(words, r.fields()...), " ")
}

// fields gives what the rule matches, and its rate.
func (r *Rule) fields() []string {
	var w []string
	if len(r.Proto.List) > 0 {
		w = append(w, not(r.Proto.Not)+r.Proto.words())
	}
	w = r.From.words(w, "from")
	w = r.To.words(w, "to")
	if len(r.Type.List) > 0 {
		var names []string
		for _, t := range r.Type.List {
			names = append(names, t.word())
		}
		w = append(w, "type", not(r.Type.Not)+strings.Join(names, ","))
	}
	if r.Established {
		w = append(w, "established")
	}
	if r.Dev.Name != "" {
		w = append(w, "dev", not(r.Dev.Not)+deviceWord(r.Dev.Name))
	}
	if r.VLAN.ID > 0 {
		w = append(w, "vlan", not(r.VLAN.Not)+strconv.Itoa(int(r.VLAN.ID)))
	}
	if r.VNI.ID > 0 {
		w = append(w, "vni", not(r.VNI.Not)+strconv.Itoa(int(r.VNI.ID)))
	}
	if r.Rate.N > 0 {
		unit := "s"
		switch r.Rate.Per {
		case time.Minute:
			unit = "m"
		case time.Hour:
			unit = "h"
		}
		w = append(w, fmt.Sprintf("rate %d/%s per source burst %d", r.Rate.N, unit, r.Rate.Burst))
	}
	return w
}

func (r *Rule) options() []string {
	var w []string
	if r.Log {
		w = append(w, "log")
	}
	if r.Label != "" {
		w = append(w, quoted(r.Label))
	}
	if text := r.Expires.String(); text != "" {
		w = append(w, "expires", text)
	}
	return w
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

func not(inverted bool) string {
	if inverted {
		return "not "
	}
	return ""
}

func (e End) words(w []string, side string) []string {
	if e.Any() && len(e.Ports.List) == 0 {
		return w
	}
	w = append(w, side, not(e.Not)+e.address())
	if len(e.Ports.List) > 0 {
		w = append(w, "port", e.Ports.String())
	}
	return w
}

func (e End) address() string {
	switch {
	case e.Set != "":
		return "@" + e.Set
	case e.Prefix.IsValid():
		return prefixText(e.Prefix)
	}
	return "any"
}

func (p Ports) String() string {
	var b strings.Builder
	b.WriteString(not(p.Not))
	for i, r := range p.List {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(int(r.Lo)))
		if r.Hi > r.Lo {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(int(r.Hi)))
		}
	}
	return b.String()
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
		b.WriteString(" " + prefixText(p))
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

// prefixText writes a prefix as rules do: a whole address without its length.
func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
