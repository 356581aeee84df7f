// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/paint"
	"hooktop/ui/widget/box"
	"hooktop/ui/widget/cmdlog"
	"hooktop/ui/widget/start"
	"hooktop/ui/widget/toast"
)

// overlay is what stands over the tab and has the keyboard: help, palette, pickers, the start screen.
type overlay interface {
	Key(tea.KeyPressMsg) (done bool, cmd tea.Cmd)
	Paste(string) tea.Cmd
	View(w, h int) box.Box
	Hints() []core.Binding
}

// model is the root: it knows the tabs by their interface only.
type model struct {
	opt  Options
	ctx  context.Context
	env  *core.Env
	tabs []core.Tab
	at   int // index of the tab in view
	own  *keys.Own
	w, h int

	feed  feed
	look  look
	views views

	over    overlay
	start   *start.Model // the start screen while it is open, else nil
	begun   time.Time    // when the engine said that it had started
	stays   bool         // the user opened the start screen: it waits for a key
	confirm *confirm
	toasts  toast.List
	log     cmdlog.Log
	recent  []string // labels run from the palette, newest first
	guard   keys.EscGuard
	last    string // the key pressed last
	mouse   bool
	synced  bool // the terminal answered that it can synchronize output

	host hostActions
}

// painter draws what the model shows (paint.Painter).
type painter interface {
	Show(paint.Frame)
	Say(seq string)
	Report(tea.ModeReportMsg)
}

// hostActions are the things around the terminal that only Run can do.
type hostActions struct {
	painter painter
	suspend func() // ctrl+z
	quit    func()
	slow    func() bool // whether a write took long since the last call
	written func() int64
	clip    func(text string) error
}

// look is how the theme came to be chosen.
type look struct {
	auto       bool // nobody named a theme: the terminal's answer decides
	background themes.Background
	profile    themes.Profile
	all        []loaded // every theme that there is, read once
	asked      time.Time
}

// loaded is a theme, or why it can't be used.
type loaded struct {
	name  string
	theme *themes.Theme
	err   error
}

// views caches the last drawing.
type views struct {
	dirty bool
	last  tea.View
	w, h  int  // of the terminal
	anew  bool // the terminal may show anything: every cell is to be drawn
	top   int  // lines above the body
	body  int  // lines of the body
	bar   []tabSpan
}

type confirm struct {
	core.ConfirmMsg
	key  string
	also string // another key that means yes, "" for none
}

// newModel joins the parts. now is the clock of everything timed.
func newModel(ctx context.Context, o Options, env *core.Env, l look, own *keys.Own, host hostActions) *model {
	m := &model{opt: o, ctx: ctx, env: env, look: l, own: own, host: host, mouse: o.Mouse}
	for _, make := range o.Tabs {
		m.tabs = append(m.tabs, make(env))
	}
	if d := m.drafter(); d >= 0 {
		env.Draft = m.tabs[d].(core.Drafter).Draft
	}
	m.feed = feed{hz: o.Hz, focus: true}
	if m.feed.hz == 0 {
		m.feed.hz = 2
	}
	if o.Reduced {
		m.feed.hz = min(m.feed.hz, 1)
	}
	m.start = start.New(env, o.Version)
	m.over = m.start
	m.views.dirty = true
	return m
}

func (m *model) tab() core.Tab { return m.tabs[m.at] }

// tickMsg comes once a second: toasts fade, states age.
type tickMsg struct{}

func tick() tea.Cmd { return tea.Tick(time.Second, func(time.Time) tea.Msg { return tickMsg{} }) }

// Init implements tea.Model.
func (m *model) Init() tea.Cmd {
	m.look.asked = m.env.Now()
	cmds := []tea.Cmd{m.next(), tick()}
	ask := paint.Questions(m.opt.Env)
	if m.look.profile != themes.NoColor {
		ask += ansi.RequestBackgroundColor
	}
	return tea.Batch(append(cmds, m.say(ask))...)
}

// say sends a sequence to the terminal that is no part of the picture.
func (m *model) say(seq string) tea.Cmd {
	p := m.host.painter
	return func() tea.Msg { p.Say(seq); return nil }
}

// Update implements tea.Model. It copies pointers and moves integers; what takes time goes into commands.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) { // these two know themselves whether anything changes on the screen
	case tickMsg:
		return m, m.onTick(msg)
	case frameMsg:
		return m, m.onFrame(msg)
	}
	m.views.dirty = true
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width == 0 || msg.Height == 0 { // the framework's first, which without its renderer it does not know
			return m, nil
		}
		m.w, m.h = min(msg.Width, maxWidth), min(msg.Height, maxHeight)
		m.views.w, m.views.h, m.views.anew = msg.Width, msg.Height, true
		return m, core.Ask
	case tea.KeyPressMsg:
		cmd := m.onKey(msg)
		m.ask(false)
		return m, cmd
	case tea.PasteMsg:
		return m, m.onPaste(msg)
	case tea.MouseMsg:
		return m, m.onMouse(msg)
	case tea.FocusMsg:
		m.feed.focus = true
		m.ask(true)
	case tea.BlurMsg:
		m.feed.focus = false
		m.ask(true)
	case tea.BackgroundColorMsg:
		m.onBackground(msg)
	case tea.ModeReportMsg:
		m.host.painter.Report(msg)
		if msg.Mode == ansi.ModeSynchronizedOutput && msg.Value.IsReset() {
			m.synced = true
		}
	case tagged:
		return m, m.onTagged(msg)
	case resumedMsg:
		m.feed.skipGap = true
		return m, m.onResumed(msg)
	default:
		return m, m.onShell(m.at, msg)
	}
	return m, nil
}

// onShell carries out what tab i asks of the shell; what it does not know goes to the tab.
func (m *model) onShell(i int, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case nil:
	case core.AskMsg:
		m.ask(true)
	case core.ToastMsg:
		m.toasts.Add(m.env.Now(), msg)
	case core.LogMsg:
		m.log.Add(m.env.Now(), msg.Command)
	case core.CopyMsg:
		return m.copy(msg)
	case core.PickMsg:
		return m.pick(i, msg)
	case core.ConfirmMsg:
		m.askConfirm(msg)
	case core.GoMsg:
		return m.goToName(msg)
	case core.TellMsg:
		if to := m.named(msg.Tab); to >= 0 {
			return m.toTab(to, msg.With)
		}
	case core.DoMsg:
		return m.do(i, msg)
	case core.AnswerMsg:
		m.answered(msg)
		return m.toTab(i, msg)
	default:
		return m.toTab(i, msg)
	}
	return nil
}

// toTab hands a message to a tab and marks what comes back as its own.
func (m *model) toTab(i int, msg tea.Msg) tea.Cmd {
	return tag(i, m.tabs[i].Update(msg))
}

func (m *model) do(i int, d core.DoMsg) tea.Cmd {
	ctx, b := m.ctx, m.opt.Backend
	return func() tea.Msg {
		return tagged{i, core.AnswerMsg{Intent: d.Intent, Answer: b.Do(ctx, d.Intent), Quiet: d.Quiet}}
	}
}

func (m *model) answered(msg core.AnswerMsg) {
	a := msg.Answer
	if a.Command != "" {
		m.log.Add(m.env.Now(), a.Command)
	}
	switch {
	case a.Err != "" && msg.Quiet:
	case a.Err != "":
		m.toasts.Add(m.env.Now(), core.ToastMsg{Sev: snap.Crit, Text: a.Err})
	case a.Text != "":
		m.toasts.Add(m.env.Now(), core.ToastMsg{OK: true, Text: a.Text})
	}
}

func (m *model) onTick(tickMsg) tea.Cmd {
	now := m.env.Now()
	if _, counting := m.trialNow(); m.toasts.Expire(now) || m.ageing(now) || counting {
		m.views.dirty = true
	}
	m.recover(now)
	m.leaveStart(now)
	return tick()
}
