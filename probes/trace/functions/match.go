// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"errors"
	"fmt"
	"strings"

	"hooktop/ui/format"
)

// Errors of Match, for those who want to tell them apart; each comes with a sentence of its own.
var (
	ErrUnknown = errors.New("no such function")
	ErrNothing = errors.New("matches nothing")
	ErrTooMany = errors.New("matches too many")
	ErrCannot  = errors.New("cannot be traced")
)

// Match finds what a pattern stands for, by name: "tcp_*,ip_rcv,!tcp_ack" of functions, "skb:kfree_skb,tcp:*" of events. Where
// no function can be traced, or none has the name that was written out, names without a group stand for events too. Every term
// must match something that can be traced, and all together at most max.
func (c *Catalog) Match(pattern string, max int) ([]Function, error) {
	terms, err := parsePattern(pattern)
	if err != nil {
		return nil, err
	}
	picked := make([]bool, len(c.entries))
	for i := range terms {
		if t := &terms[i]; !t.not {
			if err := c.pick(t, picked); err != nil {
				return nil, fmt.Errorf("trace %q: %w", pattern, err)
			}
		}
	}
	n, functions := 0, 0
	for i := range picked {
		for j := range terms {
			t := &terms[j]
			picked[i] = picked[i] && !(t.not && t.matches(c.name(&c.entries[i]), c.entries[i].event, true))
		}
		if picked[i] {
			n++
			if !c.entries[i].event {
				functions++
			}
		}
	}
	switch {
	case n == 0:
		return nil, fmt.Errorf("trace %q: %w once everything behind a ! is excluded", pattern, ErrNothing)
	case n > max:
		return nil, fmt.Errorf("trace %q: it %w: %s, at most %s at once: narrow it (tcp_v4_*), or exclude some (!*_get)",
			pattern, ErrTooMany, things(n, functions), format.Count(uint64(max)))
	}
	out := make([]Function, 0, n)
	for i := range picked {
		if picked[i] {
			out = append(out, c.function(&c.entries[i], true))
		}
	}
	return out, nil
}

// pick marks what one term stands for.
func (c *Catalog) pick(t *term, picked []bool) error {
	if !t.events && literal(t.name) {
		return c.pickName(t, picked)
	}
	n, events := 0, false
	for i := range c.entries {
		e := &c.entries[i]
		switch {
		case e.can != canTrace:
		case t.matches(c.name(e), e.event, c.lacks != ""):
			picked[i] = true
			n++
		default:
			events = events || e.event && t.matches(c.name(e), true, true)
		}
	}
	switch {
	case n > 0:
		return nil
	case events:
		return fmt.Errorf("%s %w among the functions, but tracepoints: write *:%s", t.text, ErrNothing, t.name)
	case t.events:
		return fmt.Errorf("%s %w: %s", t.text, ErrNothing, c.noEvent(t))
	case c.lacks != "":
		return fmt.Errorf("%s %w among the tracepoints, and %s", t.text, ErrNothing, c.lacks)
	}
	return fmt.Errorf("%s %w: no function of this kernel that can be traced has such a name", t.text, ErrNothing)
}

// pickName marks the function that has the name of a term, or the events.
func (c *Catalog) pickName(t *term, picked []bool) error {
	reason, known := canTrace, false
	for i, end := c.find(t.name); i < end; i++ {
		e := &c.entries[i]
		if e.event {
			continue
		}
		if known, reason = true, e.can; reason == canTrace {
			picked[i] = true
			return nil
		}
	}
	n := 0
	for i := range c.entries {
		if e := &c.entries[i]; e.event && t.matches(c.name(e), true, true) {
			picked[i] = true
			n++
		}
	}
	if n > 0 {
		return nil
	}
	if !known {
		why := ""
		if c.lacks != "" {
			why = " (" + c.lacks + ")"
		}
		return fmt.Errorf("%s: %w in this kernel%s%s", t.text, ErrUnknown, meant(c.Nearest(t.text, 3)), why)
	}
	return fmt.Errorf("%s %w: %s", t.text, ErrCannot, c.whyNot(reason))
}

func (c *Catalog) whyNot(reason can) string {
	switch reason {
	case canNotTwice:
		return "this kernel has more than one function of that name"
	case canNotListed:
		return "the kernel has inlined it everywhere, or marked it notrace"
	case canNotForbid:
		return "the kernel forbids probes on it"
	}
	return c.lacks
}

// noEvent says what there is instead of an event that does not exist.
func (c *Catalog) noEvent(t *term) string {
	if literal(t.text) {
		return "this kernel has no such tracepoint" + meant(c.Nearest(t.text, 3))
	}
	return "this kernel has no tracepoint of such a name"
}

func meant(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": did you mean " + strings.Join(names, ", ") + "?"
}

func things(n, functions int) string {
	if functions == 0 {
		return format.Count(uint64(n)) + " tracepoints"
	}
	return format.Count(uint64(n)) + " functions"
}
