// SPDX-License-Identifier: Apache-2.0

// Package programs is the Programs tab: hooktop's own BPF programs, the interfaces that are watched and those left out.
package programs

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/table"
)

// Tab is the Programs screen: two tables, one of which has the keyboard.
type Tab struct {
	env   *core.Env
	frame *snap.Frame

	programs *table.Model[snap.Program, programID]
	links    *table.Model[link, string]
	rows     []link
	lower    bool // the interfaces have the keyboard
	zoom     bool // the pane about the row fills the screen
	width    int
	high     int
}

// programID tells programs apart that could not be loaded too: those have no kernel id.
type programID struct {
	id              uint32
	name, hook, dev string
}

// link is an interface, watched or left out.
type link struct {
	snap.Interface
	out string // why it is left out, "" when it is watched
}

// New makes the tab.
func New(env *core.Env) core.Tab { return newTab(env) }

func newTab(env *core.Env) *Tab {
	t := &Tab{env: env, frame: &snap.Frame{}}
	t.programs = table.New(env, func(p *snap.Program) programID { return programID{p.ID, p.Name, p.Hook, p.Dev} }, programColumns(env))
	t.programs.Flag = func(p *snap.Program) table.Mark { return programMark(env.Glyphs, p) }
	t.links = table.New(env, func(l *link) string { return l.Name }, linkColumns(env))
	t.links.Flag = func(l *link) table.Mark { return linkMark(env.Glyphs, l) }
	t.focus()
	return t
}

// Name implements core.Tab.
func (t *Tab) Name() string { return "Programs" }

// Update implements core.Tab.
func (t *Tab) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case core.FrameMsg:
		t.take(msg.Frame)
	case tea.MouseClickMsg:
		t.click(msg)
	case tea.MouseWheelMsg:
		switch msg.Button {
		case tea.MouseWheelUp:
			t.current().Move(-1)
		case tea.MouseWheelDown:
			t.current().Move(1)
		}
	}
	return nil
}

// click puts the cursor on a row of either table.
func (t *Tab) click(m tea.MouseClickMsg) {
	list, _ := detail.Split(t.width)
	if m.Button != tea.MouseLeft || t.zoom || m.X >= list {
		return
	}
	y, up := m.Y, t.upper()
	if t.lower = up == 0 || y > up; t.lower && up > 0 {
		y -= up + 1
	}
	t.focus()
	if y > 0 {
		t.current().Click(m.X, y)
	}
}

func (t *Tab) take(f *snap.Frame) {
	if f == nil {
		return
	}
	t.frame = f
	t.programs.SetWindow(table.Window[snap.Program]{Rows: f.Programs, Total: len(f.Programs), Cursor: table.Missing})
	t.rows = links(f)
	t.links.SetWindow(table.Window[link]{Rows: t.rows, Total: len(t.rows), Cursor: table.Missing})
}

// links puts the watched interfaces before those left out, both in the engine's order.
func links(f *snap.Frame) []link {
	out := make([]link, 0, len(f.Interfaces)+len(f.LeftOut))
	for _, i := range f.Interfaces {
		out = append(out, link{Interface: i})
	}
	for _, l := range f.LeftOut {
		out = append(out, link{Interface: snap.Interface{Name: l.Name}, out: l.Why})
	}
	return out
}

// Query implements core.Tab: the frame carries programs and interfaces anyway.
func (t *Tab) Query(*snap.Query) {}

// Capturing implements core.Tab.
func (t *Tab) Capturing() bool { return false }

// Cursor implements core.Tab.
func (t *Tab) Cursor() *tea.Cursor {
	if t.zoom || t.current().Total() == 0 {
		return nil
	}
	y := t.current().Line()
	if t.lower {
		y += t.upper() + 1
	}
	return tea.NewCursor(0, y)
}

// mover is what both tables have in common.
type mover interface {
	table.Mover
	View(w, h int) []string
	Hold()
	At() int
	Total() int
	Line() int
	Click(x, y int) (string, bool)
}

func (t *Tab) current() mover {
	if t.lower {
		return t.links
	}
	return t.programs
}

func (t *Tab) focus() { t.programs.Blur, t.links.Blur = t.lower, !t.lower }
