// SPDX-License-Identifier: Apache-2.0

package paint

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"hooktop/ui/term"
)

// abilities are what the terminal said about itself.
type abilities struct {
	sync      bool // mode 2026: output between two marks is shown at once
	graphemes bool // mode 2027: it counts cells by grapheme
	setCore   bool // and does so only when it is told to
}

// Questions asks about them. Apple's Terminal prints a part of such questions.
func Questions(env []string) string {
	if strings.Contains(term.Getenv(env, "TERM_PROGRAM"), "Apple") {
		return ""
	}
	return ansi.RequestModeSynchronizedOutput + ansi.RequestModeUnicodeCore
}

// modes are what is switched on at the terminal, the alternate screen aside.
type modes struct {
	abilities
	mouse  tea.MouseMode
	focus  bool
	title  string
	cursor bool // shown
	shape  int  // DECSCUSR, 0: the user's own
}

// adopt follows what became known of the terminal since the last frame.
func (s *screen) adopt(can abilities) {
	if can == s.modes.abilities {
		return
	}
	if can.graphemes != s.modes.graphemes { // lines may take other cells now
		s.cells.Method = ansi.WcWidth
		if can.graphemes {
			s.cells.Method = ansi.GraphemeWidth
		}
		s.r.SetGraphemeWidth(can.graphemes)
		s.lines = nil
	}
	if can.setCore && !s.modes.setCore {
		s.say(ansi.SetModeUnicodeCore)
	}
	s.modes.abilities = can
}

func (s *screen) say(seq string) { _, _ = s.r.WriteString(seq) } // a buffer takes all

// set switches what differs between the terminal and the view.
func (s *screen) set(v *tea.View, enters bool) {
	if enters {
		if s.opt.Tabs {
			s.say(ansi.SetTabEvery8Columns)
		}
		// The alternate screen has a keyboard of its own: keys that differ shall arrive so, in kitty's way or in xterm's.
		s.say(ansi.SetModeBracketedPaste + ansi.SetModifyOtherKeys2 + ansi.PushKittyKeyboard(ansi.KittyDisambiguateEscapeCodes))
	}
	if v.ReportFocus != s.modes.focus {
		s.modes.focus = v.ReportFocus
		s.say(pick(v.ReportFocus, ansi.SetModeFocusEvent, ansi.ResetModeFocusEvent))
	}
	if v.MouseMode != s.modes.mouse {
		s.modes.mouse = v.MouseMode
		s.say(pick(v.MouseMode != tea.MouseModeNone, mouseOn, mouseOff))
	}
	if v.WindowTitle != s.modes.title {
		s.modes.title = v.WindowTitle
		s.say(ansi.SetWindowTitle(v.WindowTitle))
	}
	if n := shape(v.Cursor); n != s.modes.shape {
		s.modes.shape = n
		s.say(ansi.SetCursorStyle(n))
	}
}

// Buttons, wheel and drags are reported: all that the screen uses. Off means off whatever was on.
const (
	mouseOn  = ansi.SetModeMouseButtonEvent + ansi.SetModeMouseExtSgr
	mouseOff = ansi.ResetModeMouseButtonEvent + ansi.ResetModeMouseAnyEvent + ansi.ResetModeMouseExtSgr
)

func pick(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

// shape is the cursor's shape as DECSCUSR counts it.
func shape(c *tea.Cursor) int {
	switch {
	case c == nil:
		return 0
	case c.Blink:
		return int(c.Shape)*2 + 1
	}
	return int(c.Shape)*2 + 2
}

// leave returns what gives the terminal back as it was entered.
func (s *screen) leave() []byte {
	if s.r == nil {
		return nil
	}
	s.say(ansi.ResetModifyOtherKeys + ansi.PopKittyKeyboard(1))
	s.r.MoveTo(0, s.cells.Height()-1) // for terminals that have no alternate screen
	s.say(ansi.ResetModeAltScreenSaveCursor)
	if !s.modes.cursor {
		s.say(ansi.SetModeTextCursorEnable)
	}
	s.say(ansi.ResetModeBracketedPaste)
	s.modes.cursor = true
	s.set(&tea.View{}, false)
	if s.modes.setCore {
		s.say(ansi.ResetModeUnicodeCore)
	}
	_ = s.r.Flush() // a buffer takes all
	s.r = nil
	b := append([]byte(nil), s.buf.Bytes()...)
	s.buf.Reset()
	return b
}
