// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

// Bindings implements core.Tab.
func (t *Tab) Bindings() []core.Binding {
	moved := func(f func(table.Mover), _ int) tea.Cmd { f(t.current()); return nil }
	empty := core.When(t.current().Total() == 0, "there is no row")
	return append(table.Moving(moved, func(n int) { t.current().MoveColumn(n) }),
		core.Binding{Keys: []string{"tab"}, Name: "pane.next", Help: "programs, interfaces", Section: "MOVE", Hint: 1, Do: t.walk},
		core.Binding{Keys: []string{"shift+tab"}, Name: "pane.previous", Help: "programs, interfaces", Section: "MOVE", Do: t.walk},
		core.Binding{Keys: []string{"enter"}, Name: "programs.open", Help: "open", Section: "MOVE", Hint: 2, Disabled: empty, Do: func() tea.Cmd {
			t.current().Hold()
			t.zoom = !t.zoom
			return nil
		}},
		core.Binding{Keys: []string{"esc"}, Name: "programs.back", Help: "back", Section: "MOVE", Do: func() tea.Cmd { t.zoom = false; return nil }},
		core.Binding{Keys: []string{"e"}, Name: "programs.mode", Help: "mode", Section: "PROGRAMS", Hint: 3, Disabled: t.cant(false), Do: t.pickMode},
		core.Binding{Keys: []string{"a"}, Name: "programs.watch", Help: "add interface", Section: "PROGRAMS", Hint: 4, Disabled: t.cant(true), Do: t.watch},
		core.Binding{Keys: []string{"D"}, Name: "programs.unwatch", Help: "stop watching", Section: "PROGRAMS", Hint: 5, Disabled: t.cant(false), Do: t.unwatch},
		core.Binding{Keys: []string{"x"}, Name: "programs.actions", Help: "act", Section: "PROGRAMS", Hint: 6, Disabled: empty, Do: t.pickAction},
		core.Binding{Keys: []string{"y"}, Name: "programs.copy", Help: "copy row", Section: "PROGRAMS", Disabled: empty, Do: t.copy})
}

func (t *Tab) walk() tea.Cmd {
	t.lower = !t.lower
	t.focus()
	return nil
}

// target is the interface that an action is about: the row of the lower table, or the program's device in the upper one.
func (t *Tab) target() (link, bool) {
	if t.lower {
		l, ok := t.links.Selected()
		if !ok {
			return link{}, false
		}
		return *l, true
	}
	p, ok := t.programs.Selected()
	if !ok {
		return link{}, false
	}
	for i := range t.rows {
		if t.rows[i].Name == p.Dev {
			return t.rows[i], true
		}
	}
	return link{}, false
}

// cant says why an interface can't be added (out: true) or changed now.
func (t *Tab) cant(out bool) string {
	if why := t.frame.State.ReadOnly; why != "" {
		return "read-only: " + format.Clean(why)
	}
	if t.frame.State.Fallback != "" {
		return "eBPF can't run here"
	}
	l, ok := t.target()
	switch {
	case out && !ok, out && l.out == "":
		return "choose an interface that was left out (tab)"
	case !ok:
		return "choose an interface (tab)"
	case !out && l.out != "":
		return "it is not watched; a adds it"
	}
	return ""
}

func (t *Tab) watch() tea.Cmd {
	l, ok := t.target()
	if !ok || l.out == "" {
		return nil
	}
	return core.Do(snap.Intent{Kind: snap.WatchInterface, Target: l.Name})
}

// unwatch asks first.
func (t *Tab) unwatch() tea.Cmd {
	l, ok := t.target()
	if !ok || l.out != "" {
		return nil
	}
	return confirm("stop watching "+format.Clean(l.Name)+"? its programs are detached, its flows go.", "stop",
		snap.Intent{Kind: snap.UnwatchInterface, Target: l.Name})
}

// pickMode offers the attach modes with what each costs.
func (t *Tab) pickMode() tea.Cmd {
	l, ok := t.target()
	if !ok || l.out != "" {
		return nil
	}
	name := l.Name
	set := func(mode string) func() tea.Cmd {
		return func() tea.Cmd { return core.Do(snap.Intent{Kind: snap.SetMode, Target: name, Arg: mode}) }
	}
	mark := func(mode, detail string) string {
		if l.Mode == mode {
			return "now; " + detail
		}
		return detail
	}
	return core.Pick("mode of "+format.Clean(name), []core.Choice{
		core.Item("auto", "tc: slows nothing, resets no link", set("auto")),
		core.Item("generic", mark("generic", "after the driver: copies large packets"), set("generic")),
		core.Item("tc", mark("tc", "above the driver: sees stripped VLANs"), set("tc")),
		core.Item("native", mark("native", "in the driver: fastest, asks first"), func() tea.Cmd { return askNative(&l) }),
	})
}

// askNative says what native XDP may cost and asks. Measured on veth: bulk TCP 13 to 3.6-6 Gbit/s; on NICs (mlx5, ENA)
// attach and detach can reset the link.
func askNative(l *link) tea.Cmd {
	cost := "a NIC may reset its link for seconds, now and when it is detached."
	if strings.HasPrefix(l.Name, "veth") {
		cost = "its peer loses TSO: bulk TCP may fall to a third."
	}
	return confirm("native XDP on "+format.Clean(l.Name)+"? "+cost, "attach", snap.Intent{Kind: snap.SetMode, Target: l.Name, Arg: "native"})
}

func confirm(question, verb string, in snap.Intent) tea.Cmd {
	return func() tea.Msg {
		return core.ConfirmMsg{Question: question, Verb: verb, Do: func() tea.Cmd { return core.Do(in) }}
	}
}

func (t *Tab) pickAction() tea.Cmd {
	t.current().Hold()
	l, ok := t.target()
	list := []core.Choice{core.Item("copy row", "y", t.copy), core.Item("open", "enter", func() tea.Cmd { t.zoom = true; return nil })}
	title := "act"
	if ok {
		title = format.Clean(l.Name)
		if t.cant(true) == "" {
			list = append(list, core.Item("add "+title, "a", t.watch))
		}
		if t.cant(false) == "" {
			list = append(list, core.Item("mode of "+title, "e", t.pickMode), core.Item("stop watching "+title, "D  asks", t.unwatch))
		}
	}
	return core.Pick(title, list)
}

func (t *Tab) copy() tea.Cmd {
	text := ""
	if t.lower {
		if l, ok := t.links.Selected(); ok {
			text = fmt.Sprintf("%s mode %s in %spps out %spps: %s", l.Name, l.Mode, format.SI(l.In.PPS), format.SI(l.Out.PPS), why(l))
		}
	} else if p, ok := t.programs.Selected(); ok {
		text = fmt.Sprintf("%d %s %s %s %s %d insns %s", p.ID, p.Name, p.Hook, p.Dev, p.State, p.Insns, p.Reason)
	}
	if text == "" {
		return nil
	}
	return func() tea.Msg { return core.CopyMsg{Text: format.Clean(text), What: "row"} }
}
