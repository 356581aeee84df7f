// SPDX-License-Identifier: Apache-2.0

// Package toast keeps the short messages of the message line.
package toast

import (
	"fmt"
	"slices"
	"time"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/line"
)

// How long a message stands. Errors stay until they are dismissed.
const (
	okStays   = 4 * time.Second
	warnStays = 10 * time.Second
	maxKept   = 20
)

// List holds the messages that stand, oldest first. The zero value is empty.
type List struct{ items []item }

type item struct {
	core.ToastMsg
	until time.Time // zero: until dismissed
	times int
}

// Add puts a message up. A repeat of one that stands is folded into it. What a part said before, errors excepted, does not come back
// after its newer message: that a policy is on trial is wrong once it is kept.
func (l *List) Add(now time.Time, t core.ToastMsg) {
	t.Text = format.Clean(t.Text)
	until := now.Add(okStays)
	switch t.Sev {
	case snap.Warn:
		until = now.Add(warnStays)
	case snap.Crit:
		until = time.Time{}
	}
	for i := range l.items {
		if it := &l.items[i]; it.ToastMsg == t {
			it.times, it.until = it.times+1, until
			return
		}
	}
	if t.From != "" {
		l.items = slices.DeleteFunc(l.items, func(it item) bool { return it.From == t.From && !it.until.IsZero() })
	}
	l.items = append(l.items, item{t, until, 1})
	if len(l.items) > maxKept {
		l.items = l.items[1:]
	}
}

// Expire drops what has stood long enough and reports whether anything changed.
func (l *List) Expire(now time.Time) bool {
	kept := l.items[:0]
	for _, it := range l.items {
		if it.until.IsZero() || now.Before(it.until) {
			kept = append(kept, it)
		}
	}
	changed := len(kept) != len(l.items)
	l.items = kept
	return changed
}

// Dismiss drops the error that is shown and reports whether there was one.
func (l *List) Dismiss() bool {
	if i := l.shown(); i >= 0 && l.items[i].until.IsZero() {
		l.items = append(l.items[:i], l.items[i+1:]...)
		return true
	}
	return false
}

// shown is the newest error, else the newest message, else -1.
func (l *List) shown() int {
	for i := len(l.items) - 1; i >= 0; i-- {
		if l.items[i].until.IsZero() {
			return i
		}
	}
	return len(l.items) - 1
}

// Line draws the message that is shown, "" when there is none.
func (l *List) Line(env *core.Env, w int) string {
	i := l.shown()
	if i < 0 {
		return ""
	}
	it, g := l.items[i], env.Glyphs
	tok, glyph := themes.InfoTok, "i"
	switch {
	case it.Sev == snap.Crit:
		tok, glyph = themes.ToastErr, g.Cross
	case it.Sev == snap.Warn:
		tok, glyph = themes.Warn, g.Warn
	case it.OK:
		tok, glyph = themes.ToastOK, g.Check
	}
	text := " " + glyph + " " + it.Text
	if it.times > 1 {
		text += fmt.Sprintf(" (%d times)", it.times)
	}
	tail := ""
	if it.until.IsZero() {
		tail = "  esc "
	}
	if room := w - len(tail); line.Width(text) > room {
		text = fit(text, room-1) + g.Ellipsis
	}
	return line.New(env.Theme, w).Add(tok, text+tail).String()
}

func fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := 0
	for i, r := range s {
		if n += line.Width(string(r)); n > w {
			return s[:i]
		}
	}
	return s
}
