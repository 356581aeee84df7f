// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/keys"
	"hooktop/ui/widget/prompt"
	"hooktop/ui/widget/table"
)

// headers are the beginnings of packets that a line denied last, as the engine had them when they were asked for.
type headers struct {
	of   denier
	text string // of the line
	list *table.Model[head, int]
	rows []head
	zoom bool // the decoded header fills the screen
	down int
	name *prompt.Field // the file to save to is typed, or nil
}

// head is one header and its place in the answer.
type head struct {
	snap.Header
	i int
}

// denier is a line that denies: a rule by the name of its counters, or a default. Its number is another one when the policy is
// edited above it.
type denier struct {
	id  acl.ID
	dir acl.Dir // of a default; Both: a rule
}

// denierOf is what a row denies by; false when it denies nothing.
func (t *Tab) denierOf(r *row) (denier, bool) {
	if r.kind == defaults {
		dir := acl.Dir(r.n)
		return denier{dir: dir}, t.defaults[dir] == acl.Deny
	}
	switch l, ok := t.line(r); {
	case !ok || r.sub():
	case l.Kind == policy.Rule:
		return denier{id: l.Rule.ID}, l.Rule.Action == acl.Deny
	case l.Kind == policy.Default:
		return denier{dir: l.Default.Dir}, l.Default.Action == acl.Deny
	}
	return denier{}, false
}

// lineOf is a denier's line in the policy in force, 0 when it has none there.
func (t *Tab) lineOf(d denier) int {
	if d.dir != acl.Both {
		return t.force.defaults[d.dir]
	}
	if i, ok := t.force.at[d.id]; ok && i < len(t.force.lines) {
		return t.force.lines[i]
	}
	return 0
}

// noHeaders says why there are no headers to look at.
func (t *Tab) noHeaders() string {
	r, ok := t.selected()
	if !ok {
		return "there is no row"
	}
	d, denies := t.denierOf(r)
	switch {
	case !denies:
		return "headers are kept of what a rule denies: choose a line that does"
	case t.lineOf(d) == 0:
		return "this line is not in force yet"
	}
	return ""
}

func (t *Tab) askHeaders() tea.Cmd {
	r, ok := t.selected()
	if !ok {
		return nil
	}
	d, _ := t.denierOf(r)
	text := "default"
	if l, isLine := t.line(r); isLine {
		text = lineText(l)
	} else if r.kind == defaults {
		text = t.defaultText(acl.Dir(r.n))
	}
	t.list.Hold()
	t.wanted = headers{of: d, text: text}
	return t.showHeaders(d)
}

func (t *Tab) showHeaders(d denier) tea.Cmd {
	n := t.lineOf(d)
	if n == 0 {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "headers: the line is not in force any more"})
	}
	return core.Do(snap.Intent{Kind: snap.ShowHeaders, Line: n})
}

// gotHeaders opens the view on what the engine had, or takes newer ones into it.
func (t *Tab) gotHeaders(a snap.Answer) tea.Cmd {
	switch {
	case a.Err != "" || t.heads == nil && t.Capturing():
		return nil
	case len(a.Headers) == 0:
		if a.Text == "" {
			return toast(core.ToastMsg{Text: "no packet was denied by this line yet"})
		}
		return nil
	}
	if t.heads == nil {
		h := t.wanted
		h.list = table.New(t.env, func(r *head) int { return r.i }, t.headColumns())
		h.list.Flag = func(r *head) table.Mark { return table.Mark{} }
		t.heads = &h
	}
	h := t.heads
	h.rows = make([]head, len(a.Headers))
	for i := range a.Headers {
		h.rows[i] = head{a.Headers[i], i}
	}
	h.list.Release()
	h.list.SetWindow(table.Window[head]{Rows: h.rows, Total: len(h.rows), Cursor: table.Missing})
	h.down = 0
	return nil
}

// headersKey takes a key while the headers are in view.
func (t *Tab) headersKey(k tea.KeyPressMsg) tea.Cmd {
	h := t.heads
	key := k.String()
	if h.name != nil {
		return t.captureKey(k, key)
	}
	move := func(lines int, f func()) {
		if h.zoom {
			h.down = max(h.down+lines, 0)
			return
		}
		f()
		h.down = 0
	}
	switch key {
	case "esc":
		if h.zoom {
			h.zoom, h.down = false, 0
			return nil
		}
		t.heads = nil
	case "enter":
		h.zoom, h.down = !h.zoom, 0
	case "j", "down":
		move(1, func() { h.list.Move(1) })
	case "k", "up":
		move(-1, func() { h.list.Move(-1) })
	case "ctrl+d", "pgdown":
		move(10, func() { h.list.Page(1) })
	case "ctrl+u", "pgup":
		move(-10, func() { h.list.Page(-1) })
	case "g", "home":
		move(-1<<20, h.list.Top)
	case "G", "end":
		move(1<<20, h.list.Bottom)
	case "p":
		return t.showHeaders(h.of)
	case "w":
		f := prompt.New()
		f.Set("hooktop-line" + strconv.Itoa(t.lineOf(h.of)) + "-" + t.env.Now().Format("20060102-150405") + ".pcapng")
		h.name = &f
	case "y":
		return t.copyHeader()
	}
	return nil
}

// captureKey types the name of the capture. Enter saves: it makes a new file and changes nothing else.
func (t *Tab) captureKey(k tea.KeyPressMsg, key string) tea.Cmd {
	h := t.heads
	switch key {
	case "esc":
		h.name = nil
	case "enter":
		name := strings.TrimSpace(h.name.Value())
		if name == "" {
			return nil
		}
		h.name = nil
		n := t.lineOf(h.of)
		if n == 0 {
			return toast(core.ToastMsg{Sev: snap.Warn, Text: "save headers: the line is not in force any more"})
		}
		return core.Do(snap.Intent{Kind: snap.SaveHeaders, Line: n, Target: name})
	default:
		h.name.Key(k)
	}
	return nil
}

func (t *Tab) copyHeader() tea.Cmd {
	r, ok := t.heads.list.Selected()
	if !ok {
		return nil
	}
	text := r.At.UTC().Format("2006-01-02T15:04:05.000000Z") + " " + r.Dev + " " + headText(&r.Header) + " " + strconv.Itoa(r.Len) + " bytes"
	for _, l := range headerLines(&r.Header) {
		text += "\n" + l.Name + " " + l.Text
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = format.Clean(l)
	}
	return func() tea.Msg { return core.CopyMsg{Text: strings.Join(lines, "\n"), What: "header"} }
}

func (t *Tab) headersBindings() []core.Binding {
	press := func(name string) func() tea.Cmd {
		return func() tea.Cmd { return t.headersKey(keys.Press(name)) }
	}
	if t.heads.name != nil {
		return []core.Binding{
			{Keys: []string{"enter"}, Name: "capture.write", Help: "save as pcapng", Section: own, Hint: 1, Do: press("enter")},
			{Keys: []string{"ctrl+u"}, Name: "capture.clear", Help: "clear", Section: own, Hint: 2, Do: press("ctrl+u")},
			{Keys: []string{"esc"}, Name: "capture.cancel", Help: "cancel", Section: own, Hint: 3, Do: press("esc")},
		}
	}
	open := "all of it"
	if t.heads.zoom {
		open = "the list"
	}
	return []core.Binding{
		{Keys: []string{"enter"}, Name: "headers.open", Help: open, Section: own, Hint: 1, Do: press("enter")},
		{Keys: []string{"w"}, Name: "headers.save", Help: "save pcapng", Section: own, Hint: 2, Do: press("w")},
		{Keys: []string{"p"}, Name: "headers.again", Help: "newer ones", Section: own, Hint: 3, Do: press("p")},
		{Keys: []string{"y"}, Name: "headers.copy", Help: "copy", Section: own, Hint: 4, Do: press("y")},
		{Keys: []string{"j", "down"}, Name: "headers.down", Help: "next", Section: own, Do: press("j")},
		{Keys: []string{"k", "up"}, Name: "headers.up", Help: "before", Section: own, Do: press("k")},
		{Keys: []string{"esc"}, Name: "headers.close", Help: "back", Section: own, Hint: 5, Do: press("esc")},
	}
}
