// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/keys"
	"hooktop/ui/widget/prompt"
)

// seenFlows is how many of the fastest flows the editor takes addresses from.
const seenFlows = 100

// maxLine is how many characters the editor takes. The language has lines of eight times that (acl.MaxText), but each key reads the
// line anew, and must show its effect within two frames: this is a set of some ten thousand addresses.
const maxLine = 1 << 17

// editor is one line under edit: what is typed is what the file will hold. It stages nothing before enter.
type editor struct {
	field  prompt.Field
	edit   policy.Edit // where it goes; its line is what enter makes of the text
	before string      // the line as it was, "" for a new one
	note   string      // of who opened it

	line   policy.Line
	err    string // why the text is no line, with its column
	known  acl.Known
	from   int      // where the words begin that may follow
	words  []string // completions
	at     int      // the one that tab takes
	lint   lint
	ways   ways
	looked bool     // the fastest flows have been at hand
	queue  []string // further lines that a pasted list made
}

// lint is what is known of the text as a line of the draft: found off the screen's goroutine, for the text named.
type lint struct {
	busy   bool
	again  bool // what it was found by has changed since
	text   string
	bad    string // why the draft with it is none
	cut    string // the way in that it would close
	remark string
	does   string // what it decides of live flows, now and then
}

// openEditor opens the editor on a text that becomes what edit says.
func (t *Tab) openEditor(e policy.Edit, text, note string) tea.Cmd {
	ed := &editor{field: prompt.NewFor(maxLine), edit: e, note: note}
	if e.Verb == policy.Replace {
		ed.before = text
	}
	for n := 1; n <= t.draft.File.Len(); n++ {
		if l := t.draft.File.Line(n); l.Kind == policy.Set {
			ed.known.Sets = append(ed.known.Sets, l.Set.Name)
		}
	}
	ed.field.Set(text)
	t.edit = ed
	t.list.Hold()
	ed.offer(t.frame)
	return tea.Batch(t.typed(), core.Ask)
}

func (t *Tab) editLine() tea.Cmd {
	r, ok := t.selected()
	if !ok || r.kind != fileLine {
		return nil
	}
	l, _ := t.line(r)
	if n := utf8.RuneCountInString(l.String()); n > maxLine-256 { // the field would cut it, and addresses be lost
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "edit: " + format.Count(uint64(n)) + " characters are too many here (" + format.Count(maxLine-256) + "): w saves a file to edit"})
	}
	return t.openEditor(policy.Edit{Verb: policy.Replace, At: r.n}, l.String(), "")
}

// addLine opens the editor on a new line below the cursor's, or above it.
func (t *Tab) addLine(below int) tea.Cmd {
	r, ok := t.selected()
	at := t.lineAt()
	switch {
	case ok && r.kind == defaults:
		at = t.draft.File.Len()
	case ok && r.kind == fileLine:
		at += below - 1
	}
	return t.openEditor(policy.Edit{Verb: policy.Insert, At: at + 1}, "", "")
}

// block opens the editor on a rule that somebody drafted: before the first rule, for what stands first decides.
func (t *Tab) block(m core.DraftMsg) tea.Cmd {
	if !t.known {
		t.wish = m
		return nil
	}
	if why := t.noEdit(); why != "" {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "block: " + why})
	}
	if t.Capturing() {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "block: finish what is open here first"})
	}
	at := t.placeOf(m.Rule)
	t.goToLine(at)
	return t.openEditor(policy.Edit{Verb: policy.Insert, At: at}, m.Rule, m.Note)
}

// offer takes devices and addresses out of a frame.
func (ed *editor) offer(f *snap.Frame) {
	ed.known.Devices, ed.known.Traffic = nil, nil
	for i := range f.Interfaces {
		ed.known.Devices = append(ed.known.Devices, f.Interfaces[i].Name)
	}
	seen := map[snap.Addr]bool{}
	for i := range f.Flows.Rows {
		for _, a := range []snap.Addr{f.Flows.Rows[i].Key.Src, f.Flows.Rows[i].Key.Dst} {
			if !seen[a] {
				seen[a] = true
				ed.known.Traffic = append(ed.known.Traffic, a.String())
			}
		}
	}
	ed.complete()
}

func (ed *editor) complete() {
	was := ""
	if ed.at < len(ed.words) {
		was = ed.words[ed.at]
	}
	ed.from, ed.words = acl.Complete(ed.field.Value(), ed.known)
	ed.at = 0
	for i, w := range ed.words {
		if w == was {
			ed.at = i
		}
	}
}

// editKey takes a key while the editor is open.
func (t *Tab) editKey(k tea.KeyPressMsg) tea.Cmd {
	ed := t.edit
	switch key := k.String(); key {
	case "esc":
		return t.closeEditor()
	case "enter":
		return t.enter()
	case "tab":
		if ed.at < len(ed.words) {
			ed.field.Set(ed.field.Value()[:ed.from] + ed.words[ed.at] + " ")
			return t.typed()
		}
	case "down", "up", "shift+tab":
		if n := len(ed.words); n > 0 {
			ed.at = (ed.at + map[string]int{"down": 1}[key]*2 - 1 + n) % n
		}
	default:
		before := ed.field.Value()
		if ed.field.Key(k) && ed.field.Value() != before {
			return t.typed()
		}
	}
	return nil
}

// closeEditor leaves without a change; what a pasted list had left is dropped with it.
func (t *Tab) closeEditor() tea.Cmd {
	t.edit = nil
	return core.Ask
}

// typed reads the text as it is now: parsed at once, looked at among the other lines aside.
func (t *Tab) typed() tea.Cmd {
	ed := t.edit
	text := ed.field.Value()
	line, errs := policy.ParseLine(text)
	ed.line, ed.err = line, ""
	if len(errs) > 0 {
		ed.err = errs[0].Error()
	}
	ed.complete()
	return t.relint()
}

// lintMsg answers what a text would be as a line of the draft.
type lintMsg struct{ text, bad, cut, remark, does string }

// relint asks for it, one text at a time: the newest when the one before is answered.
func (t *Tab) relint() tea.Cmd {
	ed := t.edit
	text := ed.field.Value()
	if ed.err != "" || ed.line.Kind == policy.Blank || ed.lint.busy || ed.lint.text == text {
		return nil
	}
	ed.lint.busy = true
	file, e, now, ways := t.draft.File, ed.edit, t.env.Now(), ed.ways
	e.Line = ed.line
	flows, before := t.liveFlows(), t.edited()
	return func() tea.Msg {
		m := lintMsg{text: text}
		f, _, err := file.Apply(e)
		if err == nil {
			err = f.Check()
		}
		if err != nil {
			m.bad = err.Error()
			return m
		}
		p := f.ACL()
		m.cut = ways.cut(&p, now) // it gives the policy its guard
		old := file.ACL()
		old.Guard = p.Guard
		m.does = compareShares(shareOf(&old, before, flows, now), shareOf(&p, e.At, flows, now), before == 0, len(flows))
		for _, found := range acl.Lint(&p, acl.Circumstances{Now: now}) { // with the guard: it says what that takes first
			if found.Line == e.At && m.remark == "" {
				m.remark = found.Text
			}
		}
		return m
	}
}

func (t *Tab) linted(m lintMsg) tea.Cmd {
	ed := t.edit
	if ed == nil || !ed.lint.busy {
		return nil
	}
	again := ed.lint.again
	if ed.lint = (lint{text: m.text, bad: m.bad, cut: m.cut, remark: m.remark, does: m.does}); again {
		ed.lint.text = ""
	}
	return t.relint()
}

// enter stages the line. While there is an error it only says so.
func (t *Tab) enter() tea.Cmd {
	ed := t.edit
	text := strings.TrimSpace(ed.field.Value())
	switch {
	case t.noStage() != "": // the error stands in the box; that the key was read is said here
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "stage: " + t.noStage()})
	case text == "" || ed.line.String() == ed.before:
		return t.closeEditor()
	}
	e := ed.edit
	e.Line = ed.line
	f, _, err := t.draft.File.Apply(e)
	if err == nil {
		err = f.Check()
	}
	if err != nil { // between lines: a set that is missing, a default said twice
		ed.lint = lint{text: ed.field.Value(), bad: err.Error()}
		return nil
	}
	queue, next := ed.queue, policy.Edit{Verb: policy.Insert, At: e.At + 1}
	t.edit = nil
	cmds := []tea.Cmd{t.change(e, e.At)}
	if len(queue) > 0 {
		cmds = append(cmds, t.openEditor(next, queue[0], ""))
		t.edit.queue = queue[1:]
	}
	return tea.Batch(append(cmds, core.Ask)...)
}

// paste takes text as one edit of the field that is open.
func (t *Tab) paste(text string) tea.Cmd {
	switch {
	case t.save != nil:
		t.save.Paste(text)
	case t.find != nil:
		t.find.field.Paste(text)
		t.findTyped()
	case t.heads != nil && t.heads.name != nil:
		t.heads.name.Paste(text)
	case t.review != nil && t.review.asking:
		t.review.host.Paste(text)
		t.review.hostTyped(t.frame.Host)
	case t.review != nil && t.review.canary.typing:
		t.review.canary.field.Paste(text)
		_, t.review.canary.err = soakOf(t.review.canary.field.Value())
	case t.edit != nil:
		return t.pasteRule(text)
	}
	return nil
}

// pasteRule puts text into the editor. A list of addresses where one is asked for makes one rule each: the first is edited
// now, the next ones follow as each is staged.
func (t *Tab) pasteRule(text string) tea.Cmd {
	ed := t.edit
	list, head := addresses(text), ed.field.Value()
	if len(list) < 2 || !asksAddress(head) {
		if n := utf8.RuneCountInString(head) + utf8.RuneCountInString(text); n > maxLine { // nothing is better than a part
			return toast(core.ToastMsg{Sev: snap.Warn, Text: "paste: " + format.Count(uint64(n)) + " characters are too many here (" + format.Count(maxLine) + "): w saves a file to edit"})
		}
		ed.field.Paste(text)
		return t.typed()
	}
	ed.queue = nil
	for _, a := range list[1:] {
		ed.queue = append(ed.queue, head+a)
	}
	ed.field.Set(head + list[0])
	return t.typed()
}

// maxQueue bounds the rules that one paste makes: more belong into a set.
const maxQueue = 100

// addresses reads a list of addresses or prefixes, nil when the text is something else.
func addresses(text string) []string {
	list := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;", r) })
	if len(list) > maxQueue {
		return nil
	}
	for _, word := range list {
		if _, errs := policy.ParseLine("deny from " + word); errs != nil || word == "any" || strings.HasPrefix(word, "@") {
			return nil
		}
	}
	return list
}

// asksAddress reports whether a text ends where an address is asked for.
func asksAddress(text string) bool {
	words := strings.Fields(text)
	return strings.HasSuffix(text, " ") && len(words) > 0 && (words[len(words)-1] == "from" || words[len(words)-1] == "to")
}

// noStage says why the line can't be staged as it is.
func (t *Tab) noStage() string {
	switch ed := t.edit; {
	case ed.err != "" || ed.lint.bad != "" && ed.lint.text == ed.field.Value():
		return "blocked by the error above"
	case strings.TrimSpace(ed.field.Value()) == "" && ed.edit.Verb == policy.Replace:
		return "the line is empty: esc, then D deletes it"
	}
	return ""
}

func (t *Tab) editBindings() []core.Binding {
	press := func(name string) func() tea.Cmd {
		return func() tea.Cmd { return t.editKey(keys.Press(name)) }
	}
	why, stage := t.noStage(), "stage"
	if why != "" {
		stage = "stage (blocked)"
	}
	none := core.When(len(t.edit.words) == 0, "nothing to complete")
	return []core.Binding{
		{Keys: []string{"enter"}, Name: "edit.stage", Help: stage, Section: own, Hint: 1, Disabled: why, Do: press("enter")},
		{Keys: []string{"tab"}, Name: "edit.complete", Help: "complete", Section: own, Hint: 2, Disabled: none, Do: press("tab")},
		{Keys: []string{"down"}, Name: "edit.next", Help: "next word", Section: own, Hint: 3, Disabled: none, Do: press("down")},
		{Keys: []string{"up", "shift+tab"}, Name: "edit.previous", Help: "word before", Section: own, Disabled: none, Do: press("up")},
		{Keys: []string{"ctrl+u"}, Name: "edit.clear", Help: "clear", Section: own, Hint: 5, Do: press("ctrl+u")},
		{Keys: []string{"esc"}, Name: "edit.cancel", Help: "cancel", Section: own, Hint: 4, Do: press("esc")},
	}
}

// now says what the line under edit does at present, as far as the kernel has counted.
func (t *Tab) now() string {
	ed := t.edit
	if ed.edit.Verb != policy.Replace {
		return ""
	}
	r, ok := t.selected()
	if !ok {
		return ""
	}
	h := t.hits(r)
	if h == nil {
		return ""
	}
	text := "decides now " + format.SI(h.PPS) + "pps, last "
	if h.Last < 0 {
		return text + "never"
	}
	return text + format.Duration(h.Last)
}
