// SPDX-License-Identifier: Apache-2.0

// Package acl is the ACL tab: the policy as a table with its counters, the draft that is edited in it, the editor of one
// line, and the review before a trial.
package acl

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/widget/prompt"
	"hooktop/ui/widget/table"
)

// Tab is the ACL screen. The draft lives here and is sent to the engine after each edit; the engine keeps it on disk, checks
// it and says what it would do.
type Tab struct {
	env   *core.Env
	frame *snap.Frame

	rev      int                // of the rows: another number with each layout
	lines    []core.DraftLine   // that other tabs show
	troubles map[string]trouble // of lines of tunnels and chains
	list     *table.Model[row, rowID]
	rows     []row
	unfolded bool // the guard's lines are shown
	guard    snap.Hits
	staged   tally
	rules    int           // of the draft, those that are off too
	defaults [3]acl.Action // of the draft, by direction

	asked   texts // what base and force were read from, or are being read from
	reading bool  // asked holds something
	known   bool  // a policy was read
	broken  bool  // and could not be: the engine has a policy that this screen can't show
	force   inForce
	draft   policy.Draft
	past    []policy.Draft  // drafts that were replaced as a whole, newest last
	tried   policy.File     // the draft as it went on trial last
	hands   map[acl.ID]bool // rules that were moved here
	future  []policy.Draft  // those that undo took back
	send    sending

	wish    tea.Msg       // what another tab asked before the policy was read
	edit    *editor       // the inline editor, or nil
	review  *review       // or nil
	save    *prompt.Field // the name of the file to save to is typed, or nil
	heads   *headers      // of packets that a line denied, or nil
	wanted  headers       // those that were asked for
	prices  prices
	refused *refused // a save that waits for a word, or nil
	find    *finder  // a word is looked for, or nil
	word    string   // looked for last

	width, high int
	at          struct{ x, y int } // of the real cursor in the editor or a field
}

// texts are the two policies that rows are made of: the one that stands and the one in force, which differ during a trial.
type texts struct{ kept, force string }

// inForce says where the counters of a rule stand.
type inForce struct {
	at       map[acl.ID]int // index in snap.Policy.Rules
	lines    []int          // of the text in force, by that index
	defaults [3]int         // lines by direction, 0: none
}

// sending is the way of the draft to the engine: one at a time, the newest wins.
type sending struct {
	seq   uint64
	busy  bool
	again bool
	err   string // why the engine did not take the last one
}

// New makes the tab.
func New(env *core.Env) core.Tab { return newTab(env) }

func newTab(env *core.Env) *Tab {
	t := &Tab{env: env, frame: &snap.Frame{}, hands: map[acl.ID]bool{}}
	t.list = table.New(env, func(r *row) rowID { return r.id }, t.columns())
	t.list.Flag = t.flag
	t.list.Span = t.span
	t.list.SetColumn("action")
	return t
}

// Name implements core.Tab.
func (t *Tab) Name() string { return snap.ACLTab }

// Update implements core.Tab.
func (t *Tab) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case core.FrameMsg:
		return t.take(msg.Frame)
	case readMsg:
		return t.read(msg)
	case versionMsg:
		return t.tookVersion(msg)
	case core.AnswerMsg:
		return t.answered(msg)
	case core.DraftMsg:
		return t.block(msg)
	case core.ReviewMsg:
		return t.openReview()
	case core.EditMsg, core.LineMsg:
		return t.lent(msg)
	case lintMsg:
		return t.linted(msg)
	case comparedMsg:
		t.compared(msg)
	case tea.PasteMsg:
		return t.paste(msg.Content)
	case tea.KeyPressMsg:
		switch {
		case t.save != nil:
			return t.saveKey(msg)
		case t.find != nil:
			return t.findKey(msg)
		case t.refused != nil:
			return t.refusedKey(msg)
		case t.heads != nil:
			return t.headersKey(msg)
		case t.review != nil:
			return t.reviewKey(msg)
		case t.edit != nil:
			return t.editKey(msg)
		}
	case tea.MouseClickMsg:
		if msg.Button == tea.MouseLeft && !t.Capturing() {
			return t.moved(func(table.Mover) { t.list.Click(msg.X, msg.Y) }, 1)
		}
	case tea.MouseWheelMsg:
		return t.wheel(msg)
	}
	return nil
}

func (t *Tab) wheel(m tea.MouseWheelMsg) tea.Cmd {
	n := map[tea.MouseButton]int{tea.MouseWheelUp: -3, tea.MouseWheelDown: 3}[m.Button]
	switch {
	case n == 0 || t.edit != nil || t.field():
	case t.heads != nil:
		return t.headersKey(keys.Press(map[bool]string{true: "j", false: "k"}[n > 0]))
	case t.review != nil:
		t.review.scroll(n)
	default:
		return t.moved(func(m table.Mover) { m.Move(n) }, n)
	}
	return nil
}

// take makes a frame the one in view. Rows stand until a policy or the draft changes: their counters are read while drawing.
func (t *Tab) take(f *snap.Frame) tea.Cmd {
	if f == nil {
		return nil
	}
	guards := len(t.frame.Policy.Guard)
	t.frame = f
	p := &f.Policy
	t.guard = snap.Hits{Last: -1}
	for i := range p.Guard {
		h := &p.Guard[i]
		t.guard.Packets += h.Packets
		t.guard.Bytes += h.Bytes
		t.guard.PPS += h.PPS
		if h.Last >= 0 && (t.guard.Last < 0 || h.Last < t.guard.Last) {
			t.guard.Last = h.Last
		}
	}
	if troubled := t.takeTroubles(f); troubled || t.unfolded && guards != len(p.Guard) {
		t.relay()
	}
	var asks tea.Cmd
	if t.edit != nil {
		if t.edit.ways.take(&f.Flows, p.Guard) {
			t.edit.lint.text, t.edit.lint.again = "", t.edit.lint.busy
			asks = tea.Batch(asks, t.relint(), core.Ask)
		} else {
			asks = tea.Batch(asks, t.looked())
		}
		t.edit.offer(t.frame)
	}
	want := texts{p.Text, p.Text}
	switch {
	case p.Trial.Gen != 0:
		want.force = p.Trial.Text
	case p.Canary.Gen != 0:
		want.force = p.Canary.Text
	}
	left := ""
	if t.send.seq == 0 && p.Draft.Seq > 0 { // nothing was staged here yet
		left, t.send.seq = p.Draft.Text, p.Draft.Seq
	}
	if t.reading && want == t.asked && left == "" {
		return asks
	}
	t.reading, t.asked = true, want
	return tea.Batch(asks, func() tea.Msg { return readTexts(want, left) })
}

// readMsg is what the engine's texts say.
type readMsg struct {
	texts
	kept, force policy.File
	left        *policy.File // the draft of an earlier session, or nil
	err         string       // why one of them can't be shown
	broken      bool         // the policy that stands is among them
}

// readTexts parses off the screen's goroutine: a policy may have 10,000 rules.
func readTexts(t texts, left string) readMsg {
	m := readMsg{texts: t}
	var err error
	if m.kept, err = parse(t.kept); err != nil {
		m.err, m.broken = "the policy in force can't be read: "+err.Error(), true
	}
	m.force = m.kept
	if t.force != t.kept {
		if m.force, err = parse(t.force); err != nil {
			m.err = "the policy on trial can't be read: " + err.Error()
		}
	}
	if left != "" {
		f, err := parse(left)
		if err != nil {
			m.err = "the draft of an earlier session can't be read: " + err.Error()
		} else {
			m.left = &f
		}
	}
	return m
}

// read adopts what was parsed: the draft goes on over another base, counters are found anew.
func (t *Tab) read(m readMsg) tea.Cmd {
	if m.texts != t.asked {
		return nil // there are newer ones
	}
	var cmds []tea.Cmd
	if m.err != "" {
		cmds = append(cmds, toast(core.ToastMsg{Sev: snap.Crit, Text: m.err}))
	}
	switch {
	case !t.known:
		t.draft = policy.NewDraft(m.kept)
	case same(m.kept, t.draft.File): // kept: what the draft said stands now, and can still be undone
		t.draft.Base = t.draft.File
	case same(m.kept, t.draft.Base):
	case same(t.draft.Base, t.draft.File):
		t.draft = policy.NewDraft(m.kept.Inherit(t.draft.Base))
		t.past, t.future = nil, nil
		cmds = append(cmds, t.unseat())
	case same(m.kept, t.tried): // kept, and edited since it went on trial
		t.draft.Base = t.tried
		cmds = append(cmds, t.stage())
	default:
		t.draft.Base = m.kept.Inherit(t.draft.Base)
		cmds = append(cmds, toast(core.ToastMsg{Sev: snap.Warn, Text: "another policy stands now: the draft is compared with it"}), t.stage())
	}
	took, joined := t.takeUp(m), t.join(m)
	if took {
		cmds = append(cmds, t.unseat())
	}
	t.broken, t.known = m.broken, true
	t.index(m)
	t.relay()
	switch {
	case joined:
		cmds = append(cmds, t.stage())
	case took && t.staged.any():
		cmds = append(cmds, toast(core.ToastMsg{Text: "draft of an earlier session: " + t.tallied() + ". C reviews it, x drops it"}), t.stage())
	}
	if wish := t.wish; wish != nil {
		t.wish = nil
		cmds = append(cmds, t.Update(wish))
	}
	if t.review != nil {
		cmds = append(cmds, t.compare())
	}
	return tea.Batch(cmds...)
}

// untouched reports whether nothing was edited here.
func (t *Tab) untouched() bool {
	undo, redo := t.draft.Steps()
	return undo+redo == 0 && same(t.draft.Base, t.draft.File)
}

// takeUp takes the draft that an earlier session left.
func (t *Tab) takeUp(m readMsg) bool {
	if m.left == nil || !t.untouched() {
		return false
	}
	t.draft.File = m.left.Inherit(t.draft.Base)
	return true
}

// unseat closes the editor: its line may be another now.
func (t *Tab) unseat() tea.Cmd {
	if t.edit == nil {
		return nil
	}
	t.edit = nil
	return toast(core.ToastMsg{Sev: snap.Warn, Text: "the policy under it has changed: the editor was closed"})
}

// join takes a policy that somebody else put on trial, as one given at launch is, for the draft of a screen that has none:
// what decides is what is shown, and what is left when the lease ends.
func (t *Tab) join(m readMsg) bool {
	if m.err != "" || same(m.force, m.kept) || !t.untouched() {
		return false
	}
	t.draft.File = m.force.Inherit(t.draft.Base)
	return true
}

// same compares files; lines that both have from one reading cost nothing.
func same(a, b policy.File) bool {
	if a.Len() != b.Len() {
		return false
	}
	for n := 1; n <= a.Len(); n++ {
		if differs(a.Line(n), b.Line(n)) {
			return false
		}
	}
	return true
}

// index finds the counters of rules: by their place where the draft is the policy in force, else by their names.
func (t *Tab) index(m readMsg) {
	file := m.force
	switch {
	case m.force.Len() == t.draft.File.Len() && same(m.force, t.draft.File):
		file = t.draft.File
	case m.force.Len() == t.draft.Base.Len() && same(m.force, t.draft.Base):
		file = t.draft.Base
	default:
		file = file.Inherit(t.draft.File)
	}
	t.force = inForce{at: make(map[acl.ID]int, file.Len())}
	for n := 1; n <= file.Len(); n++ {
		switch l := file.Line(n); {
		case l.Kind == policy.Rule:
			t.force.at[l.Rule.ID] = len(t.force.lines)
			t.force.lines = append(t.force.lines, n)
		case l.Kind == policy.Default && !l.Default.Off:
			t.force.defaults[l.Default.Dir] = n
		}
	}
}

// relay lays the rows out anew.
func (t *Tab) relay() {
	t.rows = t.layout()
	t.lines, t.rev = t.lend(), t.rev+1
	t.staged = count(t.rows)
	t.rules, t.defaults = 0, [3]acl.Action{}
	for n := 1; n <= t.draft.File.Len(); n++ {
		switch l := t.draft.File.Line(n); {
		case l.Kind == policy.Rule:
			t.rules++
		case l.Kind == policy.Default && !l.Default.Off:
			t.defaults[l.Default.Dir] = l.Default.Action
		}
	}
	t.list.SetWindow(table.Window[row]{Rows: t.rows, Total: len(t.rows), Cursor: table.Missing})
}
