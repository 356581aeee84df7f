// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"fmt"
	"path"
	"strings"
)

// term is one part of a pattern.
type term struct {
	text   string // as typed, without the !
	group  string // glob of the group of events, "" for functions
	name   string // glob of the name
	not    bool
	events bool // it has a group
}

// parsePattern reads "tcp_*,ip_rcv,!tcp_ack,skb:*": globs parted by commas or blanks, ! excludes, a colon means events.
func parsePattern(pattern string) ([]term, error) {
	var out []term
	wanted := false
	for _, text := range strings.FieldsFunc(pattern, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		t := term{text: text}
		if t.text, t.not = strings.CutPrefix(text, "!"); t.text == "" {
			return nil, fmt.Errorf("read pattern %q: ! excludes nothing: write !name", pattern)
		}
		if !plain([]byte(t.text)) {
			return nil, fmt.Errorf("read pattern %q: %q has what no name of the kernel has", pattern, t.text)
		}
		t.group, t.name, t.events = strings.Cut(t.text, ":")
		if !t.events {
			t.name = t.text
		}
		if t.name == "" || t.events && t.group == "" {
			return nil, fmt.Errorf("read pattern %q: %q is no group:name, like skb:kfree_skb or tcp:*", pattern, t.text)
		}
		for _, glob := range []string{t.group, t.name} {
			if _, err := path.Match(glob, ""); err != nil {
				return nil, fmt.Errorf("read pattern %q: %q: a [ has no ], or a \\ nothing behind it", pattern, t.text)
			}
		}
		wanted = wanted || !t.not
		out = append(out, t)
	}
	switch {
	case len(out) == 0:
		return nil, fmt.Errorf("read pattern %q: it is empty: write names or globs, like tcp_*,ip_rcv,!tcp_ack", pattern)
	case !wanted:
		return nil, fmt.Errorf("read pattern %q: it only excludes: name what to trace first, like *,%s", pattern, strings.Join(strings.Fields(pattern), ","))
	}
	return out, nil
}

// literal says whether a glob stands for one name.
func literal(glob string) bool { return !strings.ContainsAny(glob, `*?[\`) }

// matches says whether a name, with the group of an event, is one that the term stands for. A function has no group; bare
// lets a term without a group stand for events of that name too.
func (t *term) matches(name string, event, bare bool) bool {
	if !event {
		return !t.events && glob(t.name, name)
	}
	group, name, ok := strings.Cut(name, ":")
	if !ok {
		group, name = "", group // its group is not known
	}
	if !t.events {
		return bare && glob(t.name, name)
	}
	known := glob(t.group, group) || !ok && literal(t.text) // who writes out both knows better
	return known && glob(t.name, name)
}

// glob matches a name against a glob of path.Match, whose syntax was checked; names have no slash. Globs of stars only are
// matched without its care for runes and classes.
func glob(pattern, name string) bool {
	if strings.ContainsAny(pattern, `?[\`) {
		ok, _ := path.Match(pattern, name)
		return ok
	}
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, head)
	for ok {
		var part string
		if part, rest, star = strings.Cut(rest, "*"); !star {
			return strings.HasSuffix(name, part)
		}
		_, name, ok = strings.Cut(name, part)
	}
	return false
}
