// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
)

// Draft implements core.Drafter: the draft as the tabs of tunnels and chains see it.
func (t *Tab) Draft() core.Draft {
	undo, redo := t.draft.Steps()
	tok, text := t.state()
	d := core.Draft{Rev: t.rev, Lines: t.lines, Why: t.noEdit(), Edits: t.staged.total(), Token: tok, Text: text,
		Undo: core.When(undo == 0 && len(t.past) == 0, "nothing to undo"), Redo: core.When(redo == 0 && len(t.future) == 0, "nothing to redo")}
	if d.Why == "" && t.Capturing() {
		d.Why = "finish what is open on the ACL tab first"
	}
	return d
}

// lend lists the lines that other tabs show.
func (t *Tab) lend() []core.DraftLine {
	var out []core.DraftLine
	for i := range t.rows {
		r := &t.rows[i]
		l, ok := t.line(r)
		if !ok || r.sub() || l.Kind != policy.Tunnel && l.Kind != policy.Chain {
			continue
		}
		d := core.DraftLine{Line: r.n, Old: r.old, Text: l.String(), Chain: l.Kind == policy.Chain, Off: l.Off()}
		if r.stage == changed {
			d.Was = t.draft.Base.Line(r.old).String()
		}
		out = append(out, d)
	}
	return out
}

// lent carries out what another tab asks.
func (t *Tab) lent(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case core.EditMsg:
		return t.editLent(msg)
	case core.LineMsg:
		return t.showLine(msg)
	}
	return nil
}

func (t *Tab) editLent(m core.EditMsg) tea.Cmd {
	if why := t.Draft().Why; why != "" {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "edit: " + why})
	}
	switch m.Verb {
	case core.EditUndo:
		return t.undo()
	case core.EditRedo:
		return t.redo()
	}
	if m.Line < 1 || m.Line > t.draft.File.Len() || t.draft.File.Line(m.Line).String() != m.Was {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "edit line " + strconv.Itoa(m.Line) + ": the draft has changed meanwhile, nothing was done"})
	}
	e := policy.Edit{Verb: policy.Toggle, At: m.Line}
	switch m.Verb {
	case core.EditDelete:
		e.Verb = policy.Delete
	case core.EditText:
		l, errs := policy.ParseLine(m.Text)
		if len(errs) > 0 {
			return toast(core.ToastMsg{Sev: snap.Warn, Text: "edit line " + strconv.Itoa(m.Line) + ": " + format.Clean(errs[0].Error())})
		}
		e.Verb, e.Line = policy.Replace, l
	}
	f, _, err := t.draft.File.Apply(e)
	if err == nil {
		err = f.Check()
	}
	if err != nil {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: format.Clean(err.Error())})
	}
	return t.change(e, 0)
}

// showLine puts the cursor on a line of the policy in force, if the draft still has it, and opens the editor where that is asked.
func (t *Tab) showLine(m core.LineMsg) tea.Cmd {
	if !t.known {
		t.wish = m
		return nil
	}
	if t.Capturing() {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "line " + strconv.Itoa(m.Line) + ": finish what is open here first"})
	}
	at := -1
	for i := range t.rows {
		r := &t.rows[i]
		l, ok := t.line(r)
		if !ok || r.sub() {
			continue
		}
		reads := m.Text != "" && (l.String() == m.Text || r.stage == changed && t.draft.Base.Line(r.old).String() == m.Text)
		number := t.inForce(l)
		if number == 0 {
			number = r.old
		}
		if reads || at < 0 && number == m.Line {
			at = i
		}
		if reads {
			break
		}
	}
	if at < 0 {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "line " + strconv.Itoa(m.Line) + " of the policy in force is not in the draft"})
	}
	t.list.Goto(at)
	if why := t.noEdit(); m.Edit && why != "" {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "edit: " + why})
	}
	if m.Edit {
		return t.editLine()
	}
	return nil
}

// placeOf is where a line that somebody drafted goes: a tunnel or chain line behind those of its kind, or at the end; anything else
// before the first rule, for what stands first decides.
func (t *Tab) placeOf(text string) int {
	f := &t.draft.File
	kind := policy.Rule
	switch first, _, _ := strings.Cut(strings.TrimPrefix(text, "off "), " "); first { // a draft need not be a whole line
	case "tunnel":
		kind = policy.Tunnel
	case "chain":
		kind = policy.Chain
	}
	at := f.Len() + 1
	for n := f.Len(); n >= 1; n-- {
		switch is := f.Line(n).Kind; {
		case kind != policy.Rule && is == kind:
			return n + 1
		case kind == policy.Rule && is == policy.Rule:
			at = n
		}
	}
	return at
}
