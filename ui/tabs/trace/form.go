// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/picker"
	"hooktop/ui/widget/prompt"
)

// Fields of the form, in the order of tab.
const (
	fieldFuncs = iota
	fieldFilter
	fieldPackets
	fieldSeconds
	fieldRate
	fieldStack
	fieldRet
	fieldLatency
	numFields
)

const numTexts = fieldRate + 1 // fields that are typed; the others are on or off

// form is a trace in the making. Closing it keeps what was typed.
type form struct {
	env     *core.Env
	texts   [numTexts]prompt.Field
	on      [numFields]bool
	at      int // field with the keyboard
	list    picker.List
	names   []string // what the items of list stand for
	view    *snap.TraceView
	chosen  bool   // the selection was moved by a key since the last letter
	err     string // why it did not start
	waiting bool   // asked to start, not answered yet
}

func (t *Tab) openForm() tea.Cmd {
	t.form = t.draft
	if t.form == nil {
		t.form = &form{env: t.env, list: picker.NewList(t.env, nil, nil)}
		t.form.list.Aligned = true
		for i := range t.form.texts {
			t.form.texts[i] = prompt.New()
		}
	}
	t.draft = nil
	t.form.at, t.form.err, t.form.waiting = fieldFuncs, "", false
	t.form.offer(&t.frame.Trace)
	return t.ask()
}

func (t *Tab) closeForm() { t.form, t.draft = nil, t.form }

// formKey takes a key while the form is open.
func (t *Tab) formKey(k tea.KeyPressMsg) tea.Cmd {
	f := t.form
	switch key := k.String(); key {
	case "esc":
		t.closeForm()
		return t.ask()
	case "enter":
		return t.submit()
	case "tab":
		f.walk(1)
	case "shift+tab":
		f.walk(-1)
	case "up", "down", "pgup", "pgdown":
		f.step(key)
	default:
		f.key(k, key)
	}
	return t.ask()
}

// submit starts the trace. A number that is none is said at its field; everything else is the engine's to judge.
func (t *Tab) submit() tea.Cmd {
	f := t.form
	if f.waiting {
		return nil
	}
	spec, at, err := f.spec()
	if err != "" {
		f.err, f.at = err, at
		return nil
	}
	f.take()
	f.err, f.waiting = "", true
	return tea.Batch(t.start(spec), t.ask())
}

// spec reads the fields; at is the one that err is about.
func (f *form) spec() (spec snap.TraceSpec, at int, err string) {
	spec = snap.TraceSpec{Pattern: f.pattern(), Filter: strings.TrimSpace(f.texts[fieldFilter].Value()),
		Stack: f.on[fieldStack], Ret: f.on[fieldRet], Latency: f.on[fieldLatency]}
	if spec.Pattern == "" {
		return spec, fieldFuncs, "choose a preset or functions: ip_rcv, tcp_*"
	}
	for _, n := range []struct {
		field int
		name  string
		to    *int
	}{{fieldPackets, "packets", &spec.Packets}, {fieldSeconds, "seconds", &spec.Seconds}, {fieldRate, "events per second", &spec.Rate}} {
		text := strings.TrimSpace(f.texts[n.field].Value())
		if text == "" {
			continue
		}
		v, e := strconv.Atoi(text)
		if e != nil || v < 1 {
			return spec, n.field, n.name + ": " + strconv.Quote(text) + " is no number above 0; empty takes the default"
		}
		*n.to = v
	}
	return spec, 0, ""
}

// part is the function that is being typed: what stands behind the last comma.
func (f *form) part() (head, last string) {
	text := strings.TrimSpace(f.texts[fieldFuncs].Value())
	i := strings.LastIndexByte(text, ',') + 1
	return text[:i], strings.TrimSpace(text[i:])
}

// pick is what the engine is asked for functions by: a word to search for, or the whole pattern.
func (f *form) pick() string {
	head, last := f.part()
	if glob(last) {
		return head + last
	}
	return last
}

// glob reports whether a part of a pattern stands for itself: the engine says what it matches.
func glob(part string) bool { return strings.ContainsAny(part, "*?[!") }

// fresh reports whether the functions at hand are the engine's answer to the text as it is.
func (f *form) fresh() bool { return f.view.Query.Picks && f.view.Query.Pick == f.pick() }

// pattern is what enter traces: the item under the selection in the place of what is being typed. Functions that came for
// an older text count only when a key chose one: a fast enter must not start another function than the one typed.
func (f *form) pattern() string {
	head, last := f.part()
	if i, ok := f.list.Selected(); ok && i < len(f.names) {
		if f.fresh() || f.chosen || glob(last) || strings.HasPrefix(f.names[i], "@") {
			return head + f.names[i]
		}
	}
	return head + last
}

// take puts the selected item into the field, so that leaving the field shows what will be traced.
func (f *form) take() {
	if text := f.pattern(); text != "" && text != f.texts[fieldFuncs].Value() {
		f.texts[fieldFuncs].Set(text)
		f.search()
	}
}

// offer takes presets and functions out of an answer.
func (f *form) offer(v *snap.TraceView) {
	was, moved := "", f.chosen
	if i, ok := f.list.Selected(); ok && i < len(f.names) {
		was = f.names[i]
	}
	f.view = v
	f.search()
	if i := slices.Index(f.names, was); moved && i >= 0 {
		f.list.Select(i)
	}
}

// fill makes the items: what was typed when it is a pattern, presets, functions.
func (f *form) fill() {
	head, last := f.part()
	var items []core.PickItem
	f.names = f.names[:0]
	add := func(name, detail string) {
		items = append(items, core.PickItem{Label: name, Detail: detail})
		f.names = append(f.names, name)
	}
	if glob(last) {
		detail := "all that it matches"
		if f.fresh() {
			detail = format.Plural(uint64(f.view.Pickable), f.unit()) + " of this kernel"
		}
		add(last, detail)
	}
	for _, p := range f.view.Presets {
		if head == "" && strings.Contains(p.Name, strings.ToLower(last)) {
			add(p.Name, about1(p))
		}
	}
	for _, fn := range f.view.Functions {
		kind := "    "
		switch {
		case fn.Event:
			kind = "tp  "
		case fn.SKB:
			kind = "skb "
		}
		add(fn.Name, kind+fn.Signature)
	}
	f.list.SetItems(items)
}

// search lists what matches the text now. The engine's answer stands as it is, best first; one to an older text is searched
// by the present one: the list never offers what does not match.
func (f *form) search() {
	f.fill()
	_, last := f.part()
	if f.fresh() || glob(last) {
		f.list.Show(last)
	} else {
		f.list.Search(last)
	}
}

func (f *form) walk(n int) {
	if f.at == fieldFuncs {
		f.take()
	}
	f.at = (f.at + n + numFields) % numFields
}

// step moves in the list of functions, elsewhere between fields.
func (f *form) step(key string) {
	if f.at != fieldFuncs {
		f.walk(map[string]int{"up": -1, "down": 1}[key])
		return
	}
	f.list.Move(map[string]int{"up": -1, "down": 1, "pgup": -8, "pgdown": 8}[key])
	f.chosen = true
}

// key types, or switches what is on or off.
func (f *form) key(k tea.KeyPressMsg, name string) {
	if f.at >= numTexts {
		if name == "space" || name == "x" {
			f.on[f.at] = !f.on[f.at]
		}
		return
	}
	if f.at == fieldFuncs && name == "," { // another one: the selected is taken
		f.take()
	}
	before := f.texts[f.at].Value()
	if !f.texts[f.at].Key(k) || f.texts[f.at].Value() == before {
		return
	}
	f.typed()
}

func (f *form) paste(text string) {
	if f.at < numTexts {
		f.texts[f.at].Paste(text)
		f.typed()
	}
}

func (f *form) typed() {
	f.err = ""
	if f.at == fieldFuncs {
		f.chosen = false
		f.search()
	}
}

func (t *Tab) formBindings() []core.Binding {
	press := func(name string) func() tea.Cmd {
		return func() tea.Cmd { return t.formKey(pressed(name)) }
	}
	bs := []core.Binding{
		{Keys: []string{"enter"}, Name: "form.start", Help: "start", Section: own, Hint: 1, Do: press("enter")},
		{Keys: []string{"tab"}, Name: "form.next", Help: "next field", Section: own, Hint: 2, Do: press("tab")},
		{Keys: []string{"shift+tab"}, Name: "form.previous", Help: "previous field", Section: own, Do: press("shift+tab")},
		{Keys: []string{"esc"}, Name: "form.close", Help: "close, text stays", Section: own, Hint: 5, Do: press("esc")},
	}
	switch {
	case t.form.at == fieldFuncs:
		bs = append(bs, core.Binding{Keys: []string{"down"}, Name: "form.down", Help: "choose", Section: own, Hint: 3, Do: press("down")},
			core.Binding{Keys: []string{"up"}, Name: "form.up", Help: "choose", Section: own, Do: press("up")},
			core.Binding{Keys: []string{","}, Name: "form.more", Help: "and another", Section: own, Hint: 4, Do: press(",")})
	case t.form.at >= numTexts:
		bs = append(bs, core.Binding{Keys: []string{"space"}, Name: "form.switch", Help: "on, off", Section: own, Hint: 3, Do: press("space")})
	}
	if t.form.at < numTexts {
		bs = append(bs, core.Binding{Keys: []string{"ctrl+u"}, Name: "form.clear", Help: "clear", Section: own, Hint: 4, Do: press("ctrl+u")})
	}
	return bs
}

// count says how many functions match.
func (f *form) count() string {
	if len(f.view.Functions) == 0 && f.view.Pickable == 0 {
		return ""
	}
	return format.Plural(uint64(f.view.Pickable), f.unit())
}

// unit is what the list is of: where functions cannot be hooked, of tracepoints only.
func (f *form) unit() string {
	if slices.ContainsFunc(f.view.Functions, func(fn snap.TraceFunction) bool { return !fn.Event }) {
		return "function"
	}
	return "tracepoint"
}
