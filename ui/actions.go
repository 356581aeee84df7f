// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/widget/cmdlog"
	"hooktop/ui/widget/help"
	"hooktop/ui/widget/palette"
	"hooktop/ui/widget/picker"
	"hooktop/ui/widget/start"
)

const everywhere = "EVERYWHERE"

const maxRecent = 8

// global are the keys that mean the same everywhere. Only what exists is bound.
func (m *model) global() []core.Binding {
	bs := m.tabBindings()
	if _, on := m.trialNow(); on || m.named(snap.ACLTab) >= 0 {
		bs = append(bs, m.bind("changes", "review, trial", m.changeHint(), m.changes, "C"))
	}
	return append(bs,
		m.bind("tab.previous", "previous tab", 0, func() tea.Cmd { return m.goTo(m.at - 1) }, "["),
		m.bind("tab.next", "next tab", 0, func() tea.Cmd { return m.goTo(m.at + 1) }, "]"),
		m.bind("pause", m.pauseWord(), 50, m.pause, "space", "Z"),
		m.bind("slower", "slower", 0, func() tea.Cmd { return m.step(-1) }, "{"),
		m.bind("faster", "faster", 0, func() tea.Cmd { return m.step(1) }, "}"),
		m.bind("refresh", "refresh now", 0, m.refresh, "r"),
		m.bind("palette", "any command", 90, m.openPalette, ":"),
		m.bind("theme", "theme", 0, m.openThemes, "T"),
		m.bind("units", "units", 0, m.units, "U"),
		m.bind("mouse", "mouse on, off", 0, m.toggleMouse, "m"),
		m.bind("log", "what hooktop did", 0, m.openLog, "@"),
		m.bind("start", "attached, and warnings", 0, m.openStart, "!"),
		m.bind("help", "help", 100, m.openHelp, "?", "f1"),
		m.bind("repaint", "repaint", 0, m.repaint, "ctrl+l"),
		m.bind("suspend", "suspend", 0, m.suspend, "ctrl+z"),
		m.bind("quit", "quit", 0, m.quit, "q", "ctrl+c"),
	)
}

func (m *model) bind(name, words string, hint int, do func() tea.Cmd, keys ...string) core.Binding {
	return core.Binding{Keys: keys, Name: name, Help: words, Section: everywhere, Hint: hint, Do: do}
}

// tabBindings gives each tab its digit.
func (m *model) tabBindings() []core.Binding {
	var out []core.Binding
	for i, t := range m.tabs {
		out = append(out, m.bind("tab."+strings.ToLower(t.Name()), t.Name()+" tab", 0,
			func() tea.Cmd { return m.goTo(i) }, strconv.Itoa(digit(m.tabs, i))))
	}
	return out
}

// order is the tab bar of the finished product: a tab keeps its digit when its neighbours arrive.
func order() []string {
	return []string{"Flows", "ACL", "Decap", "Chain", "Trace", "Events", "Latency", "Programs"}
}

// digit is the key of tab i: its place in the order, or the first free one for a tab that has none.
func digit(tabs []core.Tab, i int) int {
	if at := slices.Index(order(), tabs[i].Name()); at >= 0 {
		return at + 1
	}
	taken := map[int]bool{}
	for _, t := range tabs {
		taken[slices.Index(order(), t.Name())+1] = true
	}
	free := 0
	for j := 0; j <= i; j++ {
		if slices.Contains(order(), tabs[j].Name()) {
			continue
		}
		for free++; taken[free]; free++ {
		}
	}
	return free
}

// named is the index of the tab of a name, -1 when this build has none.
func (m *model) named(name string) int {
	return slices.IndexFunc(m.tabs, func(t core.Tab) bool { return t.Name() == name })
}

// drafter is the index of the tab that holds the draft of the policy, -1 when this build has none.
func (m *model) drafter() int {
	return slices.IndexFunc(m.tabs, func(t core.Tab) bool { _, ok := t.(core.Drafter); return ok })
}

// goToName brings the tab of a name into view and hands it what it is to do there.
func (m *model) goToName(msg core.GoMsg) tea.Cmd {
	i := m.named(msg.Tab)
	if i < 0 {
		return nil
	}
	cmd := m.goTo(i)
	if msg.With == nil {
		return cmd
	}
	return tea.Batch(cmd, m.toTab(i, msg.With))
}

// goTo brings a tab into view; beyond the ends it wraps.
func (m *model) goTo(i int) tea.Cmd {
	i = (i + len(m.tabs)) % len(m.tabs)
	if i == m.at {
		return nil
	}
	m.at = i
	if i == m.alertTab() {
		m.feed.unseen = false
	}
	m.ask(true)
	if m.feed.frame == nil {
		return nil
	}
	return m.give(m.feed.frame)
}

func (m *model) pauseWord() string {
	if m.env.Paused {
		return "resume"
	}
	return "pause"
}

func (m *model) pause() tea.Cmd {
	m.env.Paused = !m.env.Paused
	m.feed.want = 0
	m.feed.skipGap = true
	m.ask(true)
	if f := m.feed.waiting; f != nil && !m.env.Paused {
		return m.show(f)
	}
	return nil
}

// rates in frames a second, for { and }.
func rates() []float64 { return []float64{0.2, 0.5, 1, 2, 5, 10} }

func (m *model) step(by int) tea.Cmd {
	rs := rates()
	at := 0
	for i, r := range rs {
		if r <= m.feed.hz {
			at = i
		}
	}
	top := len(rs) - 1
	if m.env.Reduced {
		top = slices.Index(rs, 1)
	}
	m.feed.hz = rs[min(max(at+by, 0), top)]
	m.feed.halved = 0
	m.ask(true)
	text := hz(m.feed.hz)
	if m.feed.hz == rs[len(rs)-1] {
		text += ": for local terminals, it costs bytes"
	}
	return toastCmd(core.ToastMsg{Text: "refresh " + text})
}

func hz(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) + "Hz" }

func toastCmd(t core.ToastMsg) tea.Cmd { return func() tea.Msg { return t } }

// units walks through bits and bytes, local time and UTC.
func (m *model) units() tea.Cmd {
	u := &m.env.Units
	u.Bytes = !u.Bytes
	if !u.Bytes {
		u.UTC = !u.UTC
	}
	text := "bits per second"
	if u.Bytes {
		text = "bytes per second"
	}
	zone := ", local time"
	if u.UTC {
		zone = ", UTC"
	}
	return toastCmd(core.ToastMsg{Text: "units: " + text + zone})
}

func (m *model) toggleMouse() tea.Cmd {
	m.mouse = !m.mouse
	return nil
}

func (m *model) repaint() tea.Cmd {
	m.views.anew = true
	return nil
}

func (m *model) suspend() tea.Cmd {
	do := m.host.suspend
	return func() tea.Msg { do(); return nil }
}

func (m *model) openOverlay(o overlay) tea.Cmd {
	m.over = o
	m.ask(false)
	return nil
}

func (m *model) closeOverlay() {
	m.over, m.start = nil, nil
	m.ask(false)
}

func (m *model) openLog() tea.Cmd { return m.openOverlay(cmdlog.Open(m.env, &m.log)) }

func (m *model) openHelp() tea.Cmd {
	return m.openOverlay(help.New(m.env, m.tab().Name(), m.bindings(), m.notes()))
}

func (m *model) openStart() tea.Cmd {
	m.start = start.New(m.env, m.opt.Version)
	if f := m.feed.frame0(); f.Seq > 0 {
		m.start.Frame = f
	}
	m.start.Asked, m.stays, m.feed.unseen = true, true, false
	return m.openOverlay(m.start)
}

func (m *model) openPalette() tea.Cmd {
	cmds := palette.FromBindings(m.bindings())
	for i, l := range m.look.all {
		cmds = append(cmds, palette.Command{Label: "theme " + l.name, Do: func() tea.Cmd { return m.setTheme(i) }})
	}
	return m.openOverlay(palette.New(m.env, cmds, m.recent, func(label string) {
		m.recent = append([]string{label}, slices.DeleteFunc(m.recent, func(s string) bool { return s == label })...)
		m.recent = m.recent[:min(len(m.recent), maxRecent)]
	}))
}

// openThemes picks a theme; each one shows while the selection is on it, esc brings the former one back.
func (m *model) openThemes() tea.Cmd {
	items := make([]core.PickItem, len(m.look.all))
	current := 0
	for i, l := range m.look.all {
		items[i] = core.PickItem{Label: l.name}
		if l.err == nil && l.theme.Name == m.env.Theme.Name {
			current = i
		}
	}
	before, auto := m.env.Theme, m.look.auto
	p := picker.New(m.env, "theme", items, nil)
	p.Select(current)
	p.Moved = m.setTheme
	p.Done = m.setTheme
	p.Closed = func() tea.Cmd { m.env.Theme, m.look.auto = before, auto; return nil }
	return m.openOverlay(p)
}

func (m *model) setTheme(i int) tea.Cmd {
	l := m.look.all[i]
	if l.err != nil {
		return toastCmd(core.ToastMsg{Sev: snap.Crit, Text: l.err.Error()})
	}
	m.look.auto = false
	m.env.Theme = m.painted(l.theme)
	return nil
}

// painted gives the theme its own background where it contradicts the terminal's, or always when asked to.
func (m *model) painted(th *themes.Theme) *themes.Theme {
	if m.opt.Paint {
		return th.Painted()
	}
	return th.For(m.look.background)
}

// answerWait is how long the terminal may take to say its background before a chosen look stays.
const answerWait = 200 * time.Millisecond

func (m *model) onBackground(msg tea.BackgroundColorMsg) {
	if msg.Color == nil || m.env.Now().Sub(m.look.asked) > answerWait {
		return
	}
	m.look.background = themes.LightBackground
	if msg.IsDark() {
		m.look.background = themes.DarkBackground
	}
	if !m.look.auto {
		m.env.Theme = m.painted(m.env.Theme)
		return
	}
	for _, l := range m.look.all {
		if l.err == nil && l.name == themes.Auto(m.look.background) {
			m.env.Theme = m.painted(l.theme)
		}
	}
}

// pick opens a picker for tab i.
func (m *model) pick(i int, msg core.PickMsg) tea.Cmd {
	p := picker.New(m.env, msg.Title, msg.Items, nil)
	p.Done = func(n int) tea.Cmd { return tag(i, msg.Done(n)) }
	return m.openOverlay(p)
}
