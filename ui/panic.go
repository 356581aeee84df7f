// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"io"
	"runtime/debug"

	tea "charm.land/bubbletea/v2"
)

// PanicError is a panic of the screen or one of its commands, reported after the terminal was restored. %+v prints the
// stack too.
type PanicError struct {
	Where string // "update", "view", "a command", "signals" …
	Value any
	Stack []byte
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("the screen failed in %s: %v", e.Where, e.Value)
}

// Format implements fmt.Formatter.
func (e *PanicError) Format(s fmt.State, verb rune) {
	_, _ = io.WriteString(s, e.Error()) // a formatter has nobody to tell
	if verb == 'v' && s.Flag('+') {
		_, _ = fmt.Fprintf(s, "\n%s", e.Stack)
	}
}

// rescue ends the program with a PanicError when the function that defers it panics.
func rescue(where string, end func(error)) {
	if v := recover(); v != nil {
		end(&PanicError{where, v, debug.Stack()})
	}
}

// safe keeps panics of the model away from the framework, which would print them over the screen that is still up.
type safe struct {
	m   *model
	end func(error)
}

// Init implements tea.Model.
func (s *safe) Init() (cmd tea.Cmd) {
	defer rescue("start", s.end)
	return s.guard(s.m.Init())
}

// Update implements tea.Model. After a panic the model stands as it was: a nil one would make the framework panic by itself.
func (s *safe) Update(msg tea.Msg) (next tea.Model, cmd tea.Cmd) {
	next = s
	defer rescue("update", s.end)
	_, cmd = s.m.Update(msg)
	return next, s.guard(cmd)
}

// View implements tea.Model. The framework asks for it after each message; it goes to the painter, the framework draws nothing.
// After a panic the last view stands until the program has ended.
func (s *safe) View() (v tea.View) {
	v = s.m.views.last
	defer rescue("view", s.end)
	f := s.m.picture()
	s.m.host.painter.Show(f)
	return f.View
}

// guard rescues a command, and the commands that it returns.
func (s *safe) guard(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() (msg tea.Msg) {
		defer rescue("a command", s.end)
		msg = cmd()
		if msg != nil && ofFramework(msg) {
			eachCmd(msg, s.guard)
		}
		return msg
	}
}
