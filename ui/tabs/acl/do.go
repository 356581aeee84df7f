// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

// moved carries out a movement; the cursor never stays on a row that belongs to the one above.
func (t *Tab) moved(f func(table.Mover), towards int) tea.Cmd {
	f(t.list)
	t.list.Pass((*row).sub, towards)
	return nil
}

// change makes an edit and stages it. at is the line that the cursor goes to, 0: it stays with its row.
func (t *Tab) change(e policy.Edit, at int) tea.Cmd {
	d, err := t.draft.Do(e)
	if err != nil {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: err.Error()})
	}
	t.future = nil
	return t.adopt(d, at)
}

// adopt takes another state of the draft.
func (t *Tab) adopt(d policy.Draft, at int) tea.Cmd {
	t.draft = d
	t.list.Hold()
	t.relay()
	switch was := t.list.At(); {
	case at > 0:
		t.goToLine(at)
	case t.list.Gone() > 0: // undone: what comes next takes its place
		t.list.Goto(min(was, len(t.rows)-1))
		t.list.Pass((*row).sub, -1)
	}
	return t.stage()
}

// replace takes a whole other text as the draft; u brings the one before back.
func (t *Tab) replace(f policy.File) tea.Cmd {
	t.past, t.future = append(t.past, t.draft), nil
	t.draft = policy.Draft{Base: t.draft.Base, File: f}
	t.list.Release()
	t.relay()
	return t.stage()
}

func (t *Tab) undo() tea.Cmd {
	if d, ok := t.draft.Undo(); ok {
		return t.adopt(d, 0)
	}
	n := len(t.past) - 1
	if n < 0 {
		return nil
	}
	d := t.past[n]
	t.past, t.future = t.past[:n], append(t.future, t.draft)
	d.Base = t.draft.Base
	return t.adopt(d, 0)
}

func (t *Tab) redo() tea.Cmd {
	if d, ok := t.draft.Redo(); ok {
		return t.adopt(d, 0)
	}
	n := len(t.future) - 1
	if n < 0 {
		return nil
	}
	d := t.future[n]
	t.future, t.past = t.future[:n], append(t.past, t.draft)
	d.Base = t.draft.Base
	return t.adopt(d, 0)
}

// goToLine puts the cursor on a line of the draft.
func (t *Tab) goToLine(n int) {
	for i := range t.rows {
		if r := &t.rows[i]; r.kind == fileLine && r.n == n {
			t.list.Goto(i)
			return
		}
	}
}

// lineAt is the line under the cursor, or where a new one would stand when the row is no line.
func (t *Tab) lineAt() int {
	at := t.list.At()
	for i := min(at, len(t.rows)-1); i >= 0; i-- {
		if r := &t.rows[i]; r.kind == fileLine {
			return r.n
		}
	}
	return 0
}

func (t *Tab) deleteLine() tea.Cmd {
	r, ok := t.selected()
	if !ok || r.kind != fileLine {
		return nil
	}
	n, was := r.n, t.list.At()
	cmd := t.change(policy.Edit{Verb: policy.Delete, At: n}, 0)
	t.list.Goto(min(was, len(t.rows)-1)) // the row that takes the place, or the one that shows what went
	t.list.Pass((*row).sub, 1)
	return cmd
}

func (t *Tab) moveLine(by int) tea.Cmd {
	r, ok := t.selected()
	if !ok || r.kind != fileLine {
		return nil
	}
	to := r.n + by
	if to < 1 || to > t.draft.File.Len() {
		return nil
	}
	if l, _ := t.line(r); l.Kind == policy.Rule {
		t.hands[l.Rule.ID] = true
	}
	return t.change(policy.Edit{Verb: policy.Move, At: r.n, To: to}, to)
}

func (t *Tab) switchLine() tea.Cmd {
	r, ok := t.selected()
	if !ok || r.kind != fileLine {
		return nil
	}
	return t.change(policy.Edit{Verb: policy.Toggle, At: r.n}, r.n)
}

// emptyPolicy is the text of a policy without lines: no text at all is no draft.
const emptyPolicy = "\n"

// parse reads a text of the engine's.
func parse(text string) (policy.File, error) {
	if text == emptyPolicy {
		text = ""
	}
	return policy.Parse(text)
}

// stage sends the draft to the engine, one at a time: while one is under way the next waits, and takes what is newest then.
func (t *Tab) stage() tea.Cmd {
	if t.send.busy {
		t.send.again = true
		return nil
	}
	t.send.busy, t.send.err = true, ""
	t.send.seq++
	wish := snap.PolicyWish{Seq: t.send.seq, Base: t.frame.Policy.Kept}
	file, drop := t.draft.File, !t.staged.any()
	return func() tea.Msg {
		if wish.Text = file.String(); wish.Text == "" {
			wish.Text = emptyPolicy
		}
		if drop {
			wish.Text = ""
		}
		return core.DoMsg{Intent: snap.Intent{Kind: snap.StagePolicy, Policy: wish}}
	}
}

func (t *Tab) answered(msg core.AnswerMsg) tea.Cmd {
	switch msg.Intent.Kind {
	case snap.StagePolicy:
		t.send.busy, t.send.err = false, msg.Answer.Err
		if t.send.again {
			t.send.again = false
			return t.stage()
		}
	case snap.CommitPolicy:
		return t.committed(msg)
	case snap.SavePolicy:
		return t.saved(msg)
	case snap.ShowHeaders:
		return t.gotHeaders(msg.Answer)
	case snap.PricePolicy:
		t.gotPrices(msg.Answer)
	}
	return nil
}

// checked is what the engine says of the draft as it is now, nil until it has said it.
func (t *Tab) checked() *snap.Draft {
	d := &t.frame.Policy.Draft
	if t.send.busy || d.Seq != t.send.seq || !d.Checked && len(d.Errors) == 0 {
		return nil
	}
	return d
}

// open shows the flows that a rule decides, or the guard's lines.
func (t *Tab) open() tea.Cmd {
	r, ok := t.selected()
	if !ok {
		return nil
	}
	filter := ""
	switch h := t.hits(r); {
	case r.kind == guardHead || r.kind == guardLine:
		t.unfolded = !t.unfolded
		t.list.Hold()
		t.relay()
		if !t.unfolded {
			t.list.Goto(0)
		}
		return nil
	case r.kind == defaults:
		filter = "rule:0 dir:" + acl.Dir(r.n).String()
	case t.steerTab(r) != "":
		tab := t.steerTab(r)
		return func() tea.Msg { return core.GoMsg{Tab: tab} }
	case h != nil:
		filter = "rule:" + strconv.Itoa(h.Line)
	default:
		return nil
	}
	return func() tea.Msg { return core.GoMsg{Tab: "Flows", With: core.FilterMsg{Filter: filter}} }
}

// pickVersion offers earlier policies; the chosen one becomes the draft.
func (t *Tab) pickVersion() tea.Cmd {
	var list []core.Choice
	for _, v := range t.frame.Policy.Versions {
		at := v.At.Local()
		if t.env.Units.UTC {
			at = v.At.UTC()
		}
		label := fmt.Sprintf("%d  %s  %s", v.Gen, at.Format("2006-01-02 15:04"), v.Who)
		list = append(list, core.Item(label, v.What, func() tea.Cmd { return t.takeVersion(v) }))
	}
	return core.Pick("stage an earlier version", list)
}

// versionMsg is an earlier policy, read.
type versionMsg struct {
	name string
	file policy.File
	err  error
}

func (t *Tab) takeVersion(v snap.PolicyVersion) tea.Cmd {
	name := "version " + strconv.Itoa(int(v.Gen))
	if why := t.noEdit(); why != "" {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "stage " + name + ": " + why})
	}
	return func() tea.Msg {
		f, err := parse(v.Text)
		return versionMsg{name, f, err}
	}
}

func (t *Tab) tookVersion(m versionMsg) tea.Cmd {
	if m.err != nil {
		return toast(core.ToastMsg{Sev: snap.Crit, Text: "stage " + m.name + ": " + m.err.Error()})
	}
	return tea.Batch(t.replace(m.file.Inherit(t.draft.Base)),
		toast(core.ToastMsg{OK: true, Text: m.name + " is the draft now; u brings the one before back"}))
}

// pickAction opens the menu of the row as it is at the key press.
func (t *Tab) pickAction() tea.Cmd {
	t.list.Hold()
	var list []core.Choice
	if t.noOpen() == "" {
		list = append(list, core.Item(t.openHelp(), "enter", t.open))
	}
	can := func(all []core.Binding) {
		for _, b := range all {
			if b.Disabled == "" && b.Name != "acl.actions" {
				list = append(list, core.Item(b.Help, b.Keys[0], b.Do))
			}
		}
	}
	can(t.editing())
	if t.staged.any() && t.noEdit() == "" { // no key does it: it stands where a low menu still shows it
		list = append(list, core.Item("drop the draft", format.Plural(uint64(t.staged.total()), "edit")+"; u brings it back", func() tea.Cmd { return t.replace(t.draft.Base) }))
	}
	can(t.acting())
	title := "policy"
	if r, ok := t.selected(); ok {
		if l, isLine := t.line(r); isLine {
			title = lineText(l)
		}
	}
	return core.Pick(title, list)
}

func (t *Tab) copy() tea.Cmd {
	r, ok := t.selected()
	if !ok {
		return nil
	}
	text := ""
	if l, isLine := t.line(r); isLine {
		text = l.String()
	} else if s, _, _ := t.span(r); s != "" {
		text = s
	} else {
		text = t.defaultText(acl.Dir(r.n))
	}
	if h := t.counters(r); h != nil {
		text += fmt.Sprintf("  # %d packets %d bytes %s pps", h.Packets, h.Bytes, strings.TrimSpace(format.SI(h.PPS)))
	}
	return func() tea.Msg { return core.CopyMsg{Text: format.Clean(text), What: "row"} }
}
