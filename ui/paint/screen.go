// SPDX-License-Identifier: Apache-2.0

package paint

import (
	"bytes"
	"hash/maphash"
	"slices"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// screen is what the terminal shows, and makes the bytes that change it.
type screen struct {
	opt   Options
	buf   bytes.Buffer         // takes what the renderer flushes
	r     *uv.TerminalRenderer // nil while the screen is not entered
	cells uv.ScreenBuffer
	was   uv.ScreenBuffer // of the lines that are new: what they held
	fresh []int           // the lines that are new
	lines []string        // what the cells hold; nil: not known
	sums  []uint64        // of each line's characters
	seed  maphash.Seed
	modes modes
}

// draw returns what brings the terminal from what it shows to f, entering the alternate screen when it is not entered.
func (s *screen) draw(f *Frame, can abilities) []byte {
	if f.W <= 0 || f.H <= 0 {
		return nil
	}
	enters := s.r == nil
	if enters {
		s.enter(f)
	}
	s.fit(f)
	s.adopt(can)
	s.set(&f.View, enters)
	known := s.lines != nil && !f.Anew
	if s.fill(f.View.Content) || f.Anew {
		s.render(known)
	}
	if c := f.View.Cursor; c != nil {
		s.r.MoveTo(c.X, c.Y)
	}
	return s.bracket(f.View.Cursor != nil, enters)
}

// render draws the cells: by patching the lines that are new, where they are known and that takes fewer bytes than moving lines and
// drawing them. The cell renderer draws in any case, so that it knows what the terminal shows.
func (s *screen) render(known bool) {
	_ = s.r.Flush() // a buffer takes all
	begun := s.buf.Len()
	p := patch{w: s.cells.Width(), h: s.cells.Height(), profile: s.opt.Profile, backspace: s.opt.Backspace}
	p.x, p.y = s.r.Position()
	p.lost = p.x < 0 || p.y < 0 || p.x >= p.w
	s.r.Render(s.cells.RenderBuffer)
	_ = s.r.Flush()
	for _, y := range s.fresh {
		known = known && p.line(y, s.was.Line(y), s.cells.Line(y))
	}
	if b := p.finish(); known && len(b) < s.buf.Len()-begun {
		s.buf.Truncate(begun)
		s.buf.Write(b)
		s.r.SetPosition(p.x, p.y)
	}
}

// enter begins with a renderer that knows nothing of the terminal.
func (s *screen) enter(f *Frame) {
	s.buf.Reset()
	s.modes = modes{}
	s.lines, s.seed = nil, maphash.MakeSeed()
	s.cells, s.was = uv.NewScreenBuffer(f.W, f.H), uv.NewScreenBuffer(f.W, f.H)
	s.r = uv.NewTerminalRenderer(&s.buf, s.opt.Env)
	s.r.SetColorProfile(s.opt.Profile)
	s.r.SetBackspace(s.opt.Backspace)
	if s.opt.Tabs {
		s.r.SetTabStops(f.W)
	}
	s.r.SetFullscreen(true)
	s.r.Erase()
}

// fit follows the terminal's size. After a resize, even to the same size, the terminal may show anything.
func (s *screen) fit(f *Frame) {
	resized := s.cells.Width() != f.W || s.cells.Height() != f.H
	if resized {
		s.cells.RenderBuffer, s.was.RenderBuffer = uv.NewRenderBuffer(f.W, f.H), uv.NewRenderBuffer(f.W, f.H)
		s.lines = nil
	}
	if resized || f.Anew {
		s.r.Resize(f.W, f.H)
		s.r.Erase()
	}
}

// fill puts the lines that are new into the cells and reports whether there were any.
func (s *screen) fill(content string) bool {
	known := s.lines != nil
	if !known {
		s.lines, s.sums = make([]string, s.cells.Height()), make([]uint64, s.cells.Height())
	}
	before, changed := s.sums, false
	s.fresh = s.fresh[:0]
	for y := range s.lines {
		var line string
		line, content, _ = strings.Cut(content, "\n")
		if known && line == s.lines[y] {
			continue
		}
		if !changed {
			s.sums, changed = slices.Clone(before), true
		}
		s.lines[y] = line
		s.fresh = append(s.fresh, y)
		copy(s.was.Line(y), s.cells.Line(y))
		uv.NewStyledString(line).Draw(s.cells, uv.Rect(0, y, s.cells.Width(), 1))
		s.sums[y] = s.sum(s.cells.Line(y))
		if strings.TrimSpace(ansi.Strip(line)) == "" { // the renderer may erase the end of the screen, the line above included
			s.cells.TouchLine(0, y-1, s.cells.Width())
		}
	}
	if changed {
		s.scroll(known && moved(before, s.sums))
	}
	return changed
}

// scroll has the renderer look for lines that can be moved on the terminal. That takes a look at every line, and where lines
// are moved any line may have to be drawn again.
func (s *screen) scroll(on bool) {
	s.r.SetScrollOptim(on)
	if !on {
		return
	}
	for y := range s.lines {
		s.cells.TouchLine(0, y, s.cells.Width())
	}
}

// moved reports whether a line that was and is unlike all others changed its place: without one the renderer moves nothing.
func moved(before, after []uint64) bool {
	was := make(map[uint64]int, len(before)) // index, -1: several
	for y, sum := range before {
		if _, twice := was[sum]; twice {
			y = -1
		}
		was[sum] = y
	}
	seen := make(map[uint64]int, len(after))
	for _, sum := range after {
		seen[sum]++
	}
	for y, sum := range after {
		if from, ok := was[sum]; ok && from >= 0 && from != y && seen[sum] == 1 {
			return true
		}
	}
	return false
}

func (s *screen) sum(line uv.Line) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	for i := range line {
		_, _ = h.WriteString(line[i].Content) // never fails
	}
	return h.Sum64()
}

// bracket returns what was drawn, between what keeps the terminal from showing it half done: synchronized output where there
// is such a thing, else a hidden cursor. Changes of the cursor's visibility are part of it.
func (s *screen) bracket(cursor, enters bool) []byte {
	_ = s.r.Flush() // a buffer takes all
	var out bytes.Buffer
	if enters {
		out.WriteString(ansi.ResetModifyOtherKeys + ansi.SetModeAltScreenSaveCursor)
	}
	draws, differs := s.buf.Len() > 0, enters || cursor != s.modes.cursor
	blinks := draws && cursor && s.modes.cursor && !s.modes.sync
	if draws && s.modes.sync {
		out.WriteString(ansi.SetModeSynchronizedOutput)
	}
	if differs && !cursor || blinks {
		out.WriteString(ansi.ResetModeTextCursorEnable)
	}
	out.Write(s.buf.Bytes())
	s.buf.Reset()
	if differs && cursor || blinks {
		out.WriteString(ansi.SetModeTextCursorEnable)
	}
	if draws && s.modes.sync {
		out.WriteString(ansi.ResetModeSynchronizedOutput)
	}
	s.modes.cursor = cursor
	return out.Bytes()
}
