// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/paint"
)

// stream is a running program whose bytes go into an emulator.
type stream struct {
	t     *testing.T
	p     *tea.Program
	brush *paint.Painter
	done  chan struct{} // the program has ended and left the screen
	s     *stage
	mu    sync.Mutex
	cond  *sync.Cond
	emu   *vt.Emulator
	raw   []byte
	view  string // the model's last view
	seen  int    // messages handled
	sent  int
	ended error
}

func (st *stream) Write(b []byte) (int, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.raw = append(st.raw, b...)
	n, err := st.emu.Write(b)
	st.cond.Broadcast()
	return n, err
}

// mark is a message of the test: it tells when all before it were handled.
type mark struct{ msg tea.Msg }

// spy notes what the model draws.
type spy struct {
	safe
	st *stream
}

func (s *spy) Init() tea.Cmd { return nil }

func (s *spy) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	marked, ok := msg.(mark)
	if ok {
		msg = marked.msg
	}
	_, cmd := s.safe.Update(msg)
	if _, timed := msg.(tickMsg); timed {
		cmd = nil // the test's clock ticks, not the wall's
	}
	v := s.safe.View().Content
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	if s.st.view = v; ok {
		s.st.seen++
	}
	s.st.cond.Broadcast()
	return s, cmd
}

func startStream(t *testing.T, w, h int, set ...setting) *stream {
	t.Helper()
	st := &stream{t: t, emu: vt.NewEmulator(w, h), done: make(chan struct{})}
	st.cond = sync.NewCond(&st.mu)
	st.s = newStage(t, w, h, set...)
	m := &spy{safe: safe{st.s.m, func(err error) {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.ended = err
		st.cond.Broadcast()
	}}, st: st}
	in, keysIn := io.Pipe()
	st.brush = paint.New(st, paint.Options{Env: []string{"TERM=xterm-256color"}, Profile: colorprofile.ANSI256, Tabs: true, Backspace: true})
	st.s.m.host.painter = st.brush
	go io.Copy(io.Discard, st.emu) // answers block the emulator when nobody reads them
	st.p = tea.NewProgram(m, tea.WithInput(in), tea.WithOutput(st), tea.WithWindowSize(w, h), tea.WithoutSignals(),
		tea.WithColorProfile(colorprofile.ANSI256), tea.WithEnvironment([]string{"TERM=xterm-256color"}), tea.WithoutRenderer(), tea.WithFPS(1))
	go st.brush.Run()
	go func() {
		defer close(st.done)
		_, _ = st.p.Run() // the end is checked by what the emulator shows
		st.brush.Close()
	}()
	t.Cleanup(func() {
		st.quit()
		keysIn.Close()
		if st.emu.IsAltScreen() {
			t.Error("the alternate screen is left on")
		}
	})
	return st
}

func (st *stream) quit() {
	st.p.Quit()
	<-st.done
}

func (st *stream) send(msgs ...tea.Msg) {
	for _, m := range msgs {
		st.sent++
		st.p.Send(mark{m})
	}
}

// settle waits until everything sent was handled and the emulator shows what the model drew, cell for cell.
func (st *stream) settle(what string) {
	st.t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() { st.mu.Lock(); late = true; st.cond.Broadcast(); st.mu.Unlock() })
	defer timer.Stop()
	st.mu.Lock()
	defer st.mu.Unlock()
	for {
		diff := "not everything was handled"
		if st.seen >= st.sent {
			if diff = st.differs(); diff == "" {
				return
			}
		}
		if late || st.ended != nil {
			st.t.Fatalf("%s: %s (%v)", what, diff, st.ended)
		}
		st.cond.Wait()
	}
}

// differs compares the emulator's cells with those of the view.
func (st *stream) differs() string {
	w, h := st.emu.Width(), st.emu.Height()
	want := uv.NewScreenBuffer(w, h)
	uv.NewStyledString(st.view).Draw(want, want.Bounds())
	for y := range h {
		for x := range w {
			a, b := want.CellAt(x, y), st.emu.CellAt(x, y)
			if a == nil || b == nil || a.Width == 0 {
				continue
			}
			ac, bc := strings.TrimSpace(a.Content), strings.TrimSpace(b.Content)
			if ac != bc {
				return "cell " + a.Content + " shows " + b.Content + " in\n" + st.emu.String()
			}
			if ac != "" && !a.Style.Equal(&b.Style) {
				return "cell " + a.Content + " has another style: want " + a.Style.String() + " got " + b.Style.String()
			}
		}
	}
	return ""
}

func TestStreamShowsTheView(t *testing.T) {
	st := startStream(t, 80, 24)
	frame := func() tea.Msg { return frameMsg{frame: st.s.makeFrame()} }
	st.send(frame())
	st.settle("first frame")
	for _, ks := range [][]string{{"j", "j", "k"}, {"?"}, {"s", "o"}, {"esc"}, {":", "t", "h"}, {"down", "esc"}, {"T", "down"}, {"enter"}, {"8"}, {"["}, {"space"}, {"space"},
		{"x"}, {"n"}, {"/", "a", "b"}, {"left", "backspace"}, {"esc"}, {"@"}, {"esc"}, {"!"}, {"esc"}} {
		for _, k := range ks {
			st.send(keys.Press(k))
		}
		st.settle(strings.Join(ks, " "))
		st.send(frame())
		st.settle("frame after " + strings.Join(ks, " "))
	}
}

func TestIdleScreenSendsNothing(t *testing.T) {
	st := startStream(t, 80, 24)
	f := st.s.makeFrame()
	st.send(frameMsg{frame: f}, keys.Press("space"))
	st.settle("paused")
	st.send(tickMsg{})
	st.settle("settled")
	count := func() int { st.mu.Lock(); defer st.mu.Unlock(); return len(st.raw) }
	before := count()
	for range 50 {
		st.send(frameMsg{frame: st.s.makeFrame()}, tickMsg{})
		st.settle("idle")
	}
	if after := count(); after != before {
		t.Errorf("%d bytes while nothing changed", after-before)
	}
}

// TestBytesStayWithinBudget: UX 13, at 80x24.
func TestBytesStayWithinBudget(t *testing.T) {
	st := startStream(t, 80, 24)
	st.send(frameMsg{frame: st.s.makeFrame()})
	st.settle("first frame")
	count := func() int { st.mu.Lock(); defer st.mu.Unlock(); return len(st.raw) }
	before, n := count(), 20
	for range n {
		st.send(keys.Press("j"))
		st.settle("a key")
		st.send(keys.Press("k"))
		st.settle("a key")
	}
	per := (count() - before) / (2 * n)
	t.Logf("%d bytes per cursor key", per)
	if per > 350 {
		t.Errorf("%d bytes per cursor key, budget 350", per)
	}
}

// allowed are the sequences that the renderer may send: cursor movement, erasing, styles, modes, questions, the title.
func allowed() *regexp.Regexp {
	return regexp.MustCompile(`^(?:\x1b\[[0-9;:]*[A-HJKLMPSTXZ@abdefgmnr` + "`" + `]|\x1b\[[?>=<][0-9;]*\$?[hlmpuqcn]|\x1b\[[0-9]* q|\x1b\[\?5W|\x1b[78M]|\x1b\](?:0|2);[^\x00-\x1f\x7f]*\x07|\x1b\]11;\?(?:\x07|\x1b\\)|[\r\n\t\x08])`)
}

// foreign returns the first control sequence that is not the renderer's own.
func foreign(raw string) string {
	ok := allowed()
	for i := 0; i < len(raw); {
		c := raw[i]
		if c >= 0x20 && c != 0x7f {
			if strings.HasPrefix(raw[i:], "\xc2") && i+1 < len(raw) && raw[i+1] < 0xa0 { // C1 in UTF-8
				return raw[i:min(i+20, len(raw))]
			}
			i++
			continue
		}
		m := ok.FindString(raw[i:])
		if m == "" {
			return raw[i:min(i+40, len(raw))]
		}
		i += len(m)
	}
	return ""
}

// TestStrangersSendNoSequences: whatever frames hold, the byte stream carries only what the renderer itself sends.
func TestStrangersSendNoSequences(t *testing.T) {
	for _, set := range [][]setting{nil, {realTabs}, {func(_ *Options, env *core.Env, _ *look) { env.Glyphs = themes.ASCII() }}} {
		st := startStream(t, 100, 42, set...)
		r := rand.New(rand.NewPCG(7, 7))
		for i := range 150 {
			st.send(frameMsg{frame: st.s.makeFrame(strange(r), strangeFlows(r))})
			switch i % 5 {
			case 0:
				st.send(keys.Press(pickOne(r, []string{"j", "!", "esc", "?", "@", "8", "1", "2", "e", "C", "V", "enter", "space"})))
			case 1:
				st.send(tagged{0, core.ToastMsg{Text: pickOne(r, hostile())}})
			case 2:
				st.settle("a frame of strangers")
			}
		}
		st.send(keys.Press("esc"))
		st.quit()
		st.mu.Lock()
		if !utf8.Valid(st.raw) {
			t.Error("the stream is not UTF-8")
		}
		if f := foreign(string(st.raw)); f != "" {
			t.Errorf("a foreign sequence: %q", f)
		}
		if len(st.raw) < 10000 {
			t.Errorf("only %d bytes were seen", len(st.raw))
		}
		st.mu.Unlock()
	}
}

func strangeFlows(r *rand.Rand) func(*snap.Frame) {
	return func(f *snap.Frame) {
		rows := append([]snap.Flow(nil), f.Flows.Rows...)
		for i := range rows {
			row := &rows[i]
			row.Owner.Comm, row.Owner.User, row.Owner.Container = pickOne(r, hostile()), pickOne(r, hostile()), pickOne(r, hostile())
			row.Device, row.SrcName, row.DstName, row.Verdict = pickOne(r, hostile()), pickOne(r, hostile()), pickOne(r, hostile()), pickOne(r, hostile())
		}
		f.Flows.Rows, f.Flows.Err = rows, pickOne(r, []string{"", "bad \x1b[2J filter"})
		for i := range f.Programs {
			f.Programs[i].Name, f.Programs[i].Reason = pickOne(r, hostile()), pickOne(r, hostile())
		}
	}
}

func TestForeignFindsWhatIsForeign(t *testing.T) {
	for _, s := range []string{"\x1b]52;c;AA\x07", "\x1bP1\x1b\\", "\x07", "\x00", "\u009b2J", "\x1b[5i", "\x7f", "\x1b]8;;http://x\x07"} {
		if foreign("ok \x1b[1m"+s) == "" {
			t.Errorf("%q passes", s)
		}
	}
	if got := foreign("\x1b[?1049h\x1b[38;5;12mtext│\x1b[m\r\n\x1b[2;3H"); got != "" {
		t.Errorf("%q is taken for foreign", got)
	}
}

// TestBackendIsNeverWaitedFor: keys act while no frame comes, and the end of the screen is not the end of the engine.
func TestBackendIsNeverWaitedFor(t *testing.T) {
	s := newStage(t, 80, 24)
	s.b.frames = make(chan *snap.Frame) // Next blocks
	ctx, cancel := context.WithCancel(context.Background())
	s.m.ctx = ctx
	got := make(chan tea.Msg)
	go func() { got <- s.m.next()() }()
	s.press("j")
	s.want("STARTING")
	cancel()
	if msg := (<-got).(frameMsg); msg.err == nil || s.m.onFrame(msg) != nil || s.m.feed.ended != nil {
		t.Errorf("%+v: the end of the screen is taken for the end of the engine", msg)
	}
}

// waitFor waits until the model shows a text, and the emulator with it.
func (st *stream) waitFor(text string) {
	st.t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() { st.mu.Lock(); late = true; st.cond.Broadcast(); st.mu.Unlock() })
	defer timer.Stop()
	st.mu.Lock()
	for !strings.Contains(ansi.Strip(st.view), text) {
		if late || st.ended != nil {
			st.t.Errorf("%q is not on the screen:\n%s", text, ansi.Strip(st.view))
			break
		}
		st.cond.Wait()
	}
	st.mu.Unlock()
	st.settle(text)
}
