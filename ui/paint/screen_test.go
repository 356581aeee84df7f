// SPDX-License-Identifier: Apache-2.0

package paint

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
)

func options() Options {
	return Options{Env: []string{"TERM=xterm-256color"}, Profile: colorprofile.ANSI256, Tabs: true, Backspace: true}
}

// whole is the obvious renderer: it parses and compares every cell of every frame.
type whole struct {
	buf   bytes.Buffer
	r     *uv.TerminalRenderer
	cells uv.ScreenBuffer
}

func newWhole(w, h int) *whole {
	o := &whole{cells: uv.NewScreenBuffer(w, h)}
	o.r = uv.NewTerminalRenderer(&o.buf, options().Env)
	o.r.SetColorProfile(colorprofile.ANSI256)
	o.r.SetBackspace(true)
	o.r.SetTabStops(w)
	o.r.SetScrollOptim(true)
	o.r.SetFullscreen(true)
	o.r.Erase()
	return o
}

func (o *whole) draw(content string) string {
	o.cells.Clear()
	uv.NewStyledString(content).Draw(o.cells, o.cells.Bounds())
	o.r.Render(o.cells.RenderBuffer)
	_ = o.r.Flush()
	defer o.buf.Reset()
	return o.buf.String()
}

// table is a list whose rows change, move, scroll and vanish.
type table struct {
	rng  *rand.Rand
	rows []string
	wide bool
}

func (t *table) row() string {
	text := []string{"10.0.0.1:443", "tcp  established", "│ ▁▂▃▄", "", "e\u0301clair", fmt.Sprint(t.rng.IntN(1000))}
	if t.wide {
		text = append(text, "世界", "ab世", "🙂")
	}
	var sb strings.Builder
	for range 1 + t.rng.IntN(6) {
		s := text[t.rng.IntN(len(text))]
		switch t.rng.IntN(4) {
		case 0:
			fmt.Fprintf(&sb, "\x1b[1;38;5;%dm%s\x1b[m  ", t.rng.IntN(256), s)
		case 1:
			fmt.Fprintf(&sb, "\x1b[7m\x1b[4m%-12s\x1b[m", s)
		default:
			sb.WriteString(s + "   ")
		}
	}
	return sb.String()
}

func (t *table) step(h int) string {
	for len(t.rows) < h {
		t.rows = append(t.rows, t.row())
	}
	switch t.rng.IntN(6) {
	case 0: // scrolled
		n := 1 + t.rng.IntN(3)
		t.rows = append(t.rows[n:], t.row(), t.row(), t.row())
	case 1: // scrolled back, below a head that stands
		t.rows = append(t.rows[:3:3], append([]string{t.row()}, t.rows[3:]...)...)
	case 2: // two change places
		i, j := t.rng.IntN(h), t.rng.IntN(h)
		t.rows[i], t.rows[j] = t.rows[j], t.rows[i]
	case 3: // an end becomes blank
		for i := h - t.rng.IntN(5); i < h; i++ {
			t.rows[i] = ""
		}
	case 4:
		return strings.Join(t.rows[:h], "\n") // nothing
	}
	t.rows = t.rows[:h]
	for range t.rng.IntN(4) {
		t.rows[t.rng.IntN(h)] = t.row()
	}
	return strings.Join(t.rows, "\n")
}

// TestRandomLinesAreDrawnAsTheWholeIs: looking at changed lines only, and writing only what differs in them, shows what looking at
// all of them does, character by character and colour by colour, and sends no more bytes.
func TestRandomLinesAreDrawnAsTheWholeIs(t *testing.T) {
	const w, h = 60, 20
	for seed := range uint64(20) {
		tab, o, s := &table{rng: rand.New(rand.NewPCG(seed, 1)), wide: seed%4 == 3}, newWhole(w, h), screen{opt: options()}
		plain, patched := vt.NewEmulator(w, h), vt.NewEmulator(w, h)
		go io.Copy(io.Discard, patched) // it is asked what it can do
		sent, most := 0, 0
		for i := range 60 {
			content := tab.step(h)
			want, got := o.draw(content), string(s.draw(&Frame{View: tea.View{Content: content}, W: w, H: h}, abilities{}))
			if _, err := plain.WriteString(want); err != nil {
				t.Fatal(err)
			}
			if _, err := patched.WriteString(got); err != nil {
				t.Fatal(err)
			}
			if sent, most = sent+len(got), most+len(want); i == 0 {
				sent, most = 0, 0 // entering
			}
			for y := range h {
				for x := range w {
					a, b := plain.CellAt(x, y), patched.CellAt(x, y)
					if a.Content != b.Content || !blank(a) && !a.Style.Equal(&b.Style) || blank(a) != blank(b) {
						t.Fatalf("seed %d, frame %d, line %d, column %d: %+v, want %+v; sent %q", seed, i, y, x, b, a, got)
					}
				}
			}
		}
		if sent > most {
			t.Errorf("seed %d: %d bytes, the whole %d", seed, sent, most)
		}
	}
}

// TestTheTerminalShowsRandomFrames: whatever came before, resizes and new abilities among it, with wide characters too.
func TestTheTerminalShowsRandomFrames(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 2))
		tab, s, w, h := &table{rng: rng, wide: true}, screen{opt: options()}, 60, 20
		emu := vt.NewEmulator(w, h)
		go io.Copy(io.Discard, emu)
		var can abilities
		for i := range 60 {
			f := Frame{Anew: rng.IntN(8) == 0}
			switch rng.IntN(12) {
			case 0:
				w, h = 20+rng.IntN(60), 6+rng.IntN(20)
				emu.Resize(w, h)
			case 1:
				can.sync = !can.sync
			}
			f.W, f.H, f.View.Content = w, h, tab.step(h)
			if _, err := emu.Write(s.draw(&f, can)); err != nil {
				t.Fatal(err)
			}
			want := uv.NewScreenBuffer(w, h)
			uv.NewStyledString(f.View.Content).Draw(want, want.Bounds())
			for y := range h {
				if got, want := strings.TrimRight(text(emu.CellAt, w, y), " "), strings.TrimRight(text(want.CellAt, w, y), " "); got != want {
					t.Fatalf("seed %d, frame %d, line %d: %q, want %q", seed, i, y, got, want)
				}
			}
		}
	}
}

func text(at func(x, y int) *uv.Cell, w, y int) string {
	var sb strings.Builder
	for x := range w {
		if c := at(x, y); c != nil {
			sb.WriteString(c.Content)
		}
	}
	return sb.String()
}

func TestNothingNewIsNoByte(t *testing.T) {
	s := screen{opt: options()}
	f := Frame{View: tea.View{Content: "a\nb", WindowTitle: "t", Cursor: tea.NewCursor(1, 1)}, W: 20, H: 5}
	for _, can := range []abilities{{}, {sync: true}} {
		s.draw(&f, can)
		if b := s.draw(&f, can); len(b) > 0 {
			t.Errorf("%q", b)
		}
	}
	if b := s.draw(&Frame{View: f.View}, abilities{}); len(b) > 0 {
		t.Errorf("%q on a terminal of unknown size", b)
	}
}

func TestModes(t *testing.T) {
	s := screen{opt: options()}
	all := tea.View{Content: "a", ReportFocus: true, MouseMode: tea.MouseModeCellMotion, WindowTitle: "title", Cursor: &tea.Cursor{Shape: tea.CursorBar}}
	draw := func(v tea.View, can abilities) string { return string(s.draw(&Frame{View: v, W: 20, H: 5}, can)) }
	got := draw(tea.View{Content: "a"}, abilities{})
	for _, on := range []string{"\x1b[?1049h", "\x1b[?2004h", "\x1b[>4;2m", "\x1b[>1u", "\x1b[?25l"} {
		if !strings.Contains(got, on) {
			t.Errorf("entering lacks %q: %q", on, got)
		}
	}
	for _, c := range []struct {
		what string
		view tea.View
		can  abilities
		want string
	}{
		{"all on", all, abilities{}, "\x1b[?1004h\x1b[?1002h\x1b[?1006h\x1b]2;title\x07\x1b[6 q\r\x1b[?25h"},
		{"cursor moved", with(all, func(v *tea.View) { v.Cursor = &tea.Cursor{Position: tea.Position{X: 1}, Shape: tea.CursorBar} }), abilities{}, "\x1b[?25l\x1b[C\x1b[?25h"},
		{"synchronized, graphemes", with(all, func(v *tea.View) { v.Content = "b" }), abilities{true, true, true}, "\x1b[?2026h\x1b[?2027h\rb\r\x1b[?2026l"},
		{"all off", tea.View{Content: "b"}, abilities{true, true, true}, "\x1b[?2026h\x1b[?25l\x1b[?1004l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b]2;\x07\x1b[0 q\x1b[?2026l"},
	} {
		if got := draw(c.view, c.can); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
	draw(all, abilities{true, true, true})
	got = string(s.leave())
	for _, off := range []string{"\x1b[>4m", "\x1b[<1u", "\x1b[?1049l", "\x1b[?2004l", "\x1b[?1004l", "\x1b[?1002l", "\x1b]2;\x07", "\x1b[0 q", "\x1b[?2027l"} {
		if !strings.Contains(got, off) {
			t.Errorf("leaving lacks %q: %q", off, got)
		}
	}
	if b := s.leave(); len(b) > 0 {
		t.Errorf("left twice: %q", b)
	}
}

func with(v tea.View, change func(*tea.View)) tea.View { change(&v); return v }

func TestQuestionsSpareAppleTerminal(t *testing.T) {
	if q := Questions([]string{"TERM_PROGRAM=Apple_Terminal"}); q != "" {
		t.Errorf("%q", q)
	}
	if q := Questions([]string{"SSH_TTY=/dev/pts/9"}); q != "\x1b[?2026$p\x1b[?2027$p" {
		t.Errorf("%q", q)
	}
}
