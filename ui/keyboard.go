// SPDX-License-Identifier: Apache-2.0

package ui

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/keys"
)

// bindings are the keys that hold now: the shell's and those of the tab in view, as the user chose them. The tab's come
// first, so that help begins with the place where one is.
func (m *model) bindings() []core.Binding {
	return m.own.Apply(append(m.tab().Bindings(), m.global()...))
}

// onKey gives a key to whoever has the keyboard: split sequences nobody, then overlay, confirmation, a tab's field, and at
// last the bindings.
func (m *model) onKey(k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	if m.guard.Drop(m.env.Now(), key) {
		return nil
	}
	m.last = key
	switch key {
	case "ctrl+z":
		return m.suspend()
	case "ctrl+l":
		return m.repaint()
	}
	switch {
	case m.small():
		if key == "q" || key == "ctrl+c" {
			return m.quit()
		}
		return nil
	case m.over != nil:
		return m.overKey(k, key)
	case m.confirm != nil:
		return m.confirmKey(key)
	case m.tab().Capturing():
		return m.captureKey(k, key)
	case key == "esc" && m.toasts.Dismiss():
		return nil
	}
	return m.bound(k, key)
}

// overKey lets the overlay act. The start screen hands on what is not its own: a key never gets lost there.
func (m *model) overKey(k tea.KeyPressMsg, key string) tea.Cmd {
	over := m.over
	isStart := m.start != nil && over == overlay(m.start)
	if isStart && (key == "ctrl+c" || key == "q") {
		return m.quit()
	}
	if isStart && key == "!" && !m.start.Asked { // the one of the launch, which would leave by itself: it was asked for now
		return m.openStart()
	}
	done, cmd := over.Key(k)
	if done && m.over == over {
		m.closeOverlay()
	}
	if done && isStart && key != "esc" && key != "enter" && key != "space" && key != "!" {
		return m.bound(k, key)
	}
	return cmd
}

// captureKey gives keys to a tab's field. ctrl+c cancels the field before it would quit.
func (m *model) captureKey(k tea.KeyPressMsg, key string) tea.Cmd {
	switch key {
	case "ctrl+c":
		k = keys.Press("esc")
	case "f1":
		return m.openHelp()
	}
	return m.toTab(m.at, k)
}

// bound runs the binding of a key. A binding without Do of its own is the tab's to carry out: it gets the key that it
// knows, whatever key the user chose.
func (m *model) bound(k tea.KeyPressMsg, key string) tea.Cmd {
	built := append(m.tab().Bindings(), m.global()...)
	b := keys.Find(m.own.Apply(built), key)
	switch {
	case b == nil && keys.Find(built, key) != nil:
		return nil // the user took this key away from its binding
	case b == nil:
		return m.toTab(m.at, k)
	case b.Disabled != "":
		m.toasts.Add(m.env.Now(), core.ToastMsg{Sev: snap.Warn, Text: b.Help + ": " + b.Disabled})
		return nil
	case b.Do != nil:
		if b.Section == everywhere {
			return b.Do()
		}
		return tag(m.at, b.Do())
	}
	for i := range built {
		if built[i].Name == b.Name && keys.Find(built[i:i+1], key) == nil {
			k = keys.Press(built[i].Keys[0])
		}
	}
	return m.toTab(m.at, k)
}

// askConfirm puts a question on the message line. The letter is never the one that led here.
func (m *model) askConfirm(c core.ConfirmMsg) {
	key := "y"
	if m.last == key {
		key = "d"
	}
	c.Question, c.Verb = format.Clean(c.Question), format.Clean(c.Verb)
	m.confirm = &confirm{ConfirmMsg: c, key: key}
	m.ask(false)
}

func (m *model) confirmKey(key string) tea.Cmd {
	c := m.confirm
	m.confirm = nil
	if key != c.key && key != c.also {
		m.toasts.Add(m.env.Now(), core.ToastMsg{Text: c.Verb + ": not done"})
		return nil
	}
	return tag(m.at, c.Do())
}

// onPaste takes pasted text as one edit of a field; anywhere else it would be a burst of commands, and is dropped.
func (m *model) onPaste(p tea.PasteMsg) tea.Cmd {
	switch {
	case m.over != nil && m.over != overlay(m.start):
		return m.over.Paste(p.Content)
	case m.over == nil && m.confirm == nil && m.tab().Capturing():
		cmd := m.toTab(m.at, p)
		m.ask(false)
		return cmd
	}
	m.toasts.Add(m.env.Now(), core.ToastMsg{Sev: snap.Warn, Text: "paste ignored: no field is open"})
	return nil
}

// onMouse serves the tab bar; what happens in the body goes to the tab in its own coordinates.
func (m *model) onMouse(msg tea.MouseMsg) tea.Cmd {
	if !m.mouse || m.over != nil || m.confirm != nil || m.small() {
		return nil
	}
	at := msg.Mouse()
	if click, ok := msg.(tea.MouseClickMsg); ok && at.Y == 0 && click.Button == tea.MouseLeft {
		for _, s := range m.views.bar {
			if at.X >= s.from && at.X < s.to {
				return m.goTo(s.tab)
			}
		}
		return nil
	}
	y := at.Y - m.views.top
	if y < 0 || y >= m.views.body {
		return nil
	}
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.MouseClickMsg:
		msg.Y = y
		cmd = m.toTab(m.at, msg)
	case tea.MouseWheelMsg:
		msg.Y = y
		cmd = m.toTab(m.at, msg)
	}
	m.ask(false)
	return cmd
}
