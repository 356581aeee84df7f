// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/paint"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/prompt"
)

// fakeBackend notes what it is asked. Frames come out of its channel; without one Next gives nothing at once.
type fakeBackend struct {
	mu     sync.Mutex
	asked  []snap.Query
	did    []snap.Intent
	answer snap.Answer
	engine *uitest.Enforcer // of the policy, or nil
	frames chan *snap.Frame
}

func (b *fakeBackend) Next(ctx context.Context, _ uint64) (*snap.Frame, error) {
	if b.frames == nil {
		return nil, nil
	}
	select {
	case f := <-b.frames:
		return f, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *fakeBackend) Ask(q snap.Query) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, q)
}

func (b *fakeBackend) Do(_ context.Context, i snap.Intent) snap.Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.did = append(b.did, i)
	if b.engine != nil {
		return b.engine.Do(i)
	}
	return b.answer
}

func (b *fakeBackend) last() snap.Query {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.asked) == 0 {
		return snap.Query{}
	}
	return b.asked[len(b.asked)-1]
}

// fakeTab is a list of lines with a cursor and a field behind /.
type fakeTab struct {
	env     *core.Env
	name    string
	frame   *snap.Frame
	at      int
	high    int
	hold    bool
	editing bool
	field   prompt.Field
	got     []tea.Msg
	lines   func(w, h int) []string
}

func (t *fakeTab) Name() string { return t.name }

func (t *fakeTab) Update(msg tea.Msg) tea.Cmd {
	t.got = append(t.got, msg)
	switch msg := msg.(type) {
	case core.FrameMsg:
		t.frame = msg.Frame
	case tea.PasteMsg:
		t.field.Paste(msg.Content)
	case tea.KeyPressMsg:
		switch k := msg.String(); {
		case t.editing && (k == "esc" || k == "enter"):
			t.editing = false
		case t.editing:
			t.field.Key(msg)
		case k == "j":
			t.at++
		case k == "k":
			t.at = max(t.at-1, 0)
		}
	}
	return nil
}

func (t *fakeTab) View(w, h int) []string {
	t.high = h
	if t.lines != nil {
		return t.lines(w, h)
	}
	var out []string
	for i := 0; i < h && t.frame != nil; i++ {
		mark := " "
		if i == t.at {
			mark = t.env.Glyphs.Cursor
		}
		s := fmt.Sprintf("%s row %d of frame %d of %s", mark, i, t.frame.Seq, t.name)
		out = append(out, s[:min(len(s), w)])
	}
	return out
}

func (t *fakeTab) Bindings() []core.Binding {
	bind := func(name, words string, hint int, do func() tea.Cmd, ks ...string) core.Binding {
		return core.Binding{Keys: ks, Name: "fake." + name, Help: words, Section: "TABLE", Hint: hint, Do: do}
	}
	msg := func(m tea.Msg) func() tea.Cmd { return func() tea.Cmd { return func() tea.Msg { return m } } }
	no := bind("no", "never", 0, msg(nil), "n")
	no.Disabled = "it is only for the test"
	return []core.Binding{
		bind("down", "one row down", 0, nil, "j", "down"), bind("up", "one row up", 0, nil, "k", "up"),
		bind("filter", "filter", 1, func() tea.Cmd { t.editing = true; return nil }, "/"),
		bind("hold", "hold order", 2, func() tea.Cmd { t.hold = !t.hold; return nil }, "o"),
		bind("copy", "copy row", 0, msg(core.CopyMsg{Text: "a row", What: "row"}), "y"),
		bind("ask", "ask first", 0, msg(core.ConfirmMsg{Question: "detach it?", Verb: "detach", Do: msg(core.DoMsg{Intent: snap.Intent{Kind: "x"}})}), "x"),
		bind("pick", "pick one", 0, msg(core.PickMsg{Title: "one", Items: []core.PickItem{{Label: "first"}, {Label: "second"}},
			Done: func(i int) tea.Cmd { return msg(core.ToastMsg{Text: fmt.Sprint("picked ", i)})() }}), "c"),
		no,
	}
}

func (t *fakeTab) Query(q *snap.Query) { q.Flows.Offset, q.Flows.Hold = t.at, t.hold }
func (t *fakeTab) Context(w int) string {
	s := "1.24Mpps 9.81Gb/s drop .02%"
	return s[:min(len(s), w)]
}
func (t *fakeTab) Message(w int) string {
	if t.editing {
		s, _ := t.field.View(t.env.Theme, themes.Input, w)
		return s
	}
	s := " 1-19 of 38 212"
	return s[:min(len(s), w)]
}
func (t *fakeTab) Capturing() bool { return t.editing }

func (t *fakeTab) Cursor() *tea.Cursor {
	if t.editing {
		return tea.NewCursor(0, t.high)
	}
	return tea.NewCursor(0, t.at)
}

// stage drives a model without a terminal.
type stage struct {
	testing.TB
	m     *model
	b     *fakeBackend
	clock *uitest.Clock
	said  []string // sequences for the terminal: questions, the clipboard's text
	clip  []string
	calls []string // what was asked of the runner
	slow  bool
	seq   uint64
}

// stagePainter notes what it is told.
type stagePainter struct{ *stage }

func (p stagePainter) Show(paint.Frame)         {}
func (p stagePainter) Say(seq string)           { p.said = append(p.said, seq) }
func (p stagePainter) Report(tea.ModeReportMsg) {}

type setting func(*Options, *core.Env, *look)

func newStage(t testing.TB, w, h int, set ...setting) *stage {
	t.Helper()
	env, clock := uitest.Env(t, "dark", themes.ANSI256, false)
	s := &stage{TB: t, b: &fakeBackend{}, clock: clock}
	o := Options{Backend: s.b, Version: "0.1", Env: []string{"TERM=xterm-256color"}, Tabs: []func(*core.Env) core.Tab{
		func(e *core.Env) core.Tab { return &fakeTab{env: e, name: "Flows", field: prompt.New()} },
		func(e *core.Env) core.Tab { return &fakeTab{env: e, name: "Programs", field: prompt.New()} },
	}}
	l := look{profile: themes.ANSI256}
	for _, f := range set {
		f(&o, env, &l)
	}
	for _, n := range themes.Names() {
		th, err := themes.Builtin(n, l.profile)
		l.all = append(l.all, loaded{n, th, err})
	}
	s.m = newModel(context.Background(), o, env, l, &keys.Own{}, hostActions{
		suspend: func() { s.calls = append(s.calls, "suspend") }, quit: func() { s.calls = append(s.calls, "quit") },
		slow: func() bool { v := s.slow; s.slow = false; return v }, written: func() int64 { return 1600 },
		clip: func(text string) error { s.clip = append(s.clip, text); return nil }, painter: stagePainter{s},
	})
	s.m.look.asked = clock.Now()
	s.send(tea.WindowSizeMsg{Width: w, Height: h})
	return s
}

// send gives a message to the model and carries out what comes of it. Frames and ticks come from the test alone.
func (s *stage) send(msg tea.Msg) {
	_, cmd := s.m.Update(msg)
	if _, ok := msg.(tickMsg); ok {
		return // the next tick would wait for a second
	}
	s.run(cmd)
}

func (s *stage) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil, frameMsg:
	case tea.BatchMsg:
		for _, c := range msg {
			s.run(c)
		}
	default:
		s.send(msg)
	}
}

func (s *stage) press(names ...string) {
	for _, n := range names {
		s.send(keys.Press(n))
	}
}

// frame delivers the next frame: a busy, started host with what change adds.
func (s *stage) frame(change ...func(*snap.Frame)) {
	f := s.makeFrame(change...)
	s.send(frameMsg{frame: f})
}

func (s *stage) makeFrame(change ...func(*snap.Frame)) *snap.Frame {
	s.seq++
	f := *uitest.Frame(20)
	f.Seq, f.At, f.Notices = s.seq, s.clock.Now(), nil
	f.Start = []snap.Status{{Name: "pipeline eth0 ingress", Outcome: snap.Attached, To: "generic XDP"}}
	f.Flows.Query = s.b.last().Flows
	if s.b.engine != nil {
		s.b.mu.Lock()
		s.b.engine.Frame(&f)
		s.b.mu.Unlock()
	}
	for _, c := range change {
		c(&f)
	}
	return &f
}

func (s *stage) tab() *fakeTab { return s.m.tab().(*fakeTab) }

func (s *stage) view() *uitest.Screen {
	return uitest.Draw(strings.Split(s.m.View().Content, "\n"), s.m.w, s.m.h)
}

// want fails unless the screen shows all of the texts.
func (s *stage) want(texts ...string) {
	s.Helper()
	got := s.view().Text()
	for _, t := range texts {
		if !strings.Contains(got, t) {
			s.Errorf("%q is not on the screen:\n%s", t, got)
		}
	}
}

func (s *stage) wantNot(texts ...string) {
	s.Helper()
	got := s.view().Text()
	for _, t := range texts {
		if strings.Contains(got, t) {
			s.Errorf("%q is on the screen:\n%s", t, got)
		}
	}
}
