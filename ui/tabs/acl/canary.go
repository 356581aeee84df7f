// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/keys"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/prompt"
)

// canary is the choice of devices that a trial begins on, in the review. The zero value: it begins on all.
type canary struct {
	open   bool // the list has the keyboard
	at     int
	marked map[string]bool // by name, as snap.PolicyDevice has it
	soak   time.Duration   // 0: the engine's own
	typing bool            // of the time
	field  prompt.Field
	err    string
}

// first lists the devices to decide on first, in the order of the list; nil: all.
func (t *Tab) first() (on, rest []string) {
	for _, d := range t.frame.Policy.Devices {
		if t.review.canary.marked[d.Name] {
			on = append(on, d.Name)
		} else {
			rest = append(rest, d.Name)
		}
	}
	return on, rest
}

// noCanary says why no devices can go first.
func (t *Tab) noCanary() string {
	if n := len(t.frame.Policy.Devices); n < 2 {
		return "packets are judged on " + format.Plural(uint64(n), "device") + " only: there is none to follow"
	}
	return ""
}

// badCanary says why the choice as it stands can't be tried, "" when it can or none was made.
func (t *Tab) badCanary() string {
	on, rest := t.first()
	switch {
	case len(on) == 0:
		return ""
	case len(rest) == 0:
		return "all devices are marked to go first, and none would follow: c changes it"
	case len(t.frame.Policy.Draft.Cuts) > 0:
		return "it closes a way in, and the rest would follow without a lease: c unmarks"
	}
	return ""
}

func (t *Tab) openCanary() tea.Cmd {
	if c := &t.review.canary; t.noCanary() == "" {
		c.open, c.at = true, 0
	}
	return nil
}

// canaryKey takes a key while the list is open. None of them begins anything.
func (t *Tab) canaryKey(k tea.KeyPressMsg) tea.Cmd {
	c, n := &t.review.canary, len(t.frame.Policy.Devices)
	key := k.String()
	if c.typing {
		return t.soakKey(k, key)
	}
	switch key {
	case "esc", "c":
		c.open = false
	case "j", "down":
		c.at = max(min(c.at+1, n-1), 0)
	case "k", "up":
		c.at = max(c.at-1, 0)
	case "space":
		if c.at < n {
			if c.marked == nil {
				c.marked = map[string]bool{}
			}
			name := t.frame.Policy.Devices[c.at].Name
			c.marked[name] = !c.marked[name]
		}
	case "s":
		c.typing, c.err, c.field = true, "", prompt.New()
		if c.soak > 0 {
			c.field.Set(c.soak.String())
		}
	}
	return nil
}

// soakKey edits the time. Enter closes the field when it holds a time: it begins nothing.
func (t *Tab) soakKey(k tea.KeyPressMsg, key string) tea.Cmd {
	c := &t.review.canary
	switch key {
	case "esc":
		c.typing, c.err = false, ""
	case "enter":
		soak, err := soakOf(c.field.Value())
		if c.err = err; err == "" {
			c.soak, c.typing = soak, false
		}
	default:
		if c.field.Key(k) {
			_, c.err = soakOf(c.field.Value())
		}
	}
	return nil
}

// soakOf reads a time: "90s", "5m", a number alone is minutes; "" is the usual one.
func soakOf(text string) (d time.Duration, err string) {
	const least, most = time.Second, 24 * time.Hour
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, ""
	}
	if strings.Trim(text, "0123456789") == "" {
		text += "m"
	}
	d, bad := time.ParseDuration(text)
	switch {
	case bad != nil:
		return 0, "write it as 90s, 5m or 1h"
	case d < least || d > most:
		return 0, "from 1s to 24h"
	}
	return d, ""
}

func (t *Tab) soakText() string {
	if d := t.review.canary.soak; d > 0 {
		return shortSpan(d)
	}
	return shortSpan(t.frame.Policy.Soak)
}

// shortSpan writes a time as it is typed: 5m, 1m30s, 24h.
func shortSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// canaryRow is the line of the box that says where the trial begins.
func (t *Tab) canaryRow() string {
	on, rest := t.first()
	switch {
	case t.noCanary() != "":
		return ""
	case len(on) == 0 || len(rest) == 0:
		return "canary: choose devices to decide on first; now all " + format.Count(uint64(len(on)+len(rest))) + " at once"
	}
	return "canary: " + names(on) + " first; once kept it is watched for " + t.soakText() + ", then " + names(rest)
}

func names(list []string) string {
	const most = 3
	out := make([]string, 0, most)
	for i, n := range list {
		if i == most {
			return strings.Join(out, ", ") + " and " + format.Count(uint64(len(list)-most)) + " more"
		}
		out = append(out, format.Clean(n))
	}
	return strings.Join(out, ", ")
}

// canaryLines is the list in the box, at most h lines of w cells; the last one is the time.
func (t *Tab) canaryLines(w, h int) []string {
	c, g := &t.review.canary, t.env.Glyphs
	var out []string
	room := max(h-1, 1)
	from := max(min(c.at-room/2, len(t.frame.Policy.Devices)-room), 0)
	for i := from; i < len(t.frame.Policy.Devices) && len(out) < room; i++ {
		d := t.frame.Policy.Devices[i]
		cursor, box, tok := "  ", "[ ] ", themes.Text
		if c.marked[d.Name] {
			box = "[x] "
		}
		if i == c.at && !c.typing {
			cursor, tok = g.Cursor+" ", themes.RowCursor
		}
		text := "  " + cursor + box + d.Name + "  decided by " + generation(d.Gen)
		out = append(out, line.New(t.env.Theme, w).Add(tok, t.twin(string(format.AppendEnd(nil, format.Clean(text), w)))).Fill(tok))
	}
	b := line.New(t.env.Theme, w)
	if !c.typing {
		text := "watched for " + t.soakText() + " once kept, then the rest follows"
		b.Add(themes.HintKey, "  s ").Add(themes.Text, t.twin(string(format.AppendEnd(nil, text, b.Left()))))
		return append(out, b.Fill(themes.Text))
	}
	b.Add(themes.TextDim, "  watched for ")
	room = max(min(b.Left()-2, 10), 1)
	text, x := c.field.View(t.env.Theme, themes.Input, room)
	t.at.x = w - b.Left() + x
	b.Join(text, room)
	if c.err != "" {
		b.Add(themes.InputError, " "+g.Cross+" "+c.err)
	}
	return append(out, b.Fill(themes.Text))
}

func (t *Tab) canaryBindings() []core.Binding {
	press := func(name string) func() tea.Cmd {
		return func() tea.Cmd { return t.canaryKey(keys.Press(name)) }
	}
	if c := &t.review.canary; c.typing {
		return []core.Binding{
			{Keys: []string{"enter"}, Name: "soak.take", Help: "take the time", Section: own, Hint: 1, Disabled: c.err, Do: press("enter")},
			{Keys: []string{"ctrl+u"}, Name: "soak.clear", Help: "clear: the usual time", Section: own, Hint: 2, Do: press("ctrl+u")},
			{Keys: []string{"esc"}, Name: "soak.cancel", Help: "back", Section: own, Hint: 3, Do: press("esc")},
		}
	}
	return []core.Binding{
		{Keys: []string{"space"}, Name: "canary.mark", Help: "goes first, or not", Section: own, Hint: 1, Do: press("space")},
		{Keys: []string{"j", "down"}, Name: "canary.down", Help: "next device", Section: own, Hint: 4, Do: press("j")},
		{Keys: []string{"k", "up"}, Name: "canary.up", Help: "device before", Section: own, Do: press("k")},
		{Keys: []string{"s"}, Name: "canary.soak", Help: "time watched", Section: own, Hint: 3, Do: press("s")},
		{Keys: []string{"esc", "c"}, Name: "canary.close", Help: "done", Section: own, Hint: 2, Do: press("esc")},
	}
}
