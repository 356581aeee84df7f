// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"strconv"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/trial"
)

// trialNow is the trial that runs, or the canary. What is left of its time counts on between frames, also while paused: the
// kernel's clock does, and the engine's.
func (m *model) trialNow() (trial.State, bool) {
	f := m.feed.frame0()
	now := m.env.Now()
	since := now.Sub(m.feed.arrived)
	s := trial.State{Policy: &f.Policy, Host: format.Clean(f.Host)}
	switch c := &f.Policy.Canary; {
	case f.Policy.Trial.Gen != 0:
		s.Left = f.Policy.Trial.Lease - since
	case c.Gen != 0: // frames may be rarer than its lease is renewed
		s.Left, s.Stalled = c.Left-since, c.Lease < since && m.isStale(now)
	default:
		return trial.State{}, false
	}
	return s, true
}

// changes is C: the panel of the trial or canary that runs, else the review of what is staged.
func (m *model) changes() tea.Cmd {
	if _, on := m.trialNow(); !on {
		return m.goToName(core.GoMsg{Tab: snap.ACLTab, With: core.ReviewMsg{}})
	}
	to := max(m.named(snap.ACLTab), 0)
	return m.openOverlay(trial.New(m.env, m.trialNow, func(d core.DoMsg) tea.Cmd { return m.do(to, d) }))
}

// changeHint ranks the key in the footer: it matters where edits are.
func (m *model) changeHint() int {
	if m.drafting() {
		return 6
	}
	return 0
}

// drafting reports whether the tab in view shows lines of the draft.
func (m *model) drafting() bool {
	switch m.tab().Name() {
	case snap.ACLTab, snap.DecapTab, snap.ChainTab:
		return true
	}
	return false
}

// foot is the lines below the body: message and hints, or the trial that runs. A field, question or message takes the first
// of them then; countdown and keys stay.
func (m *model) foot(n int) []string {
	s, on := m.trialNow()
	if !on {
		return []string{m.messageLine(), m.hintLine()}[:n]
	}
	isStart := m.start != nil && m.over == overlay(m.start)
	_, isPanel := m.over.(*trial.Panel)
	reach := trial.Near
	switch {
	case isPanel:
		reach = trial.Here
	case m.over != nil && !isStart, m.confirm != nil, m.tab().Capturing():
		reach = trial.After
	case m.toasts.Line(m.env, m.w) != "":
	default:
		return []string{trial.First(m.env, s, m.w), trial.Second(m.env, s, m.w)}
	}
	return []string{m.messageLine(), trial.Short(m.env, s, m.w, reach)}
}

// leaving says what ends with hooktop, "" when nothing that was decided on does; enforced: packets pass again.
func (m *model) leaving() (text string, enforced bool) {
	p := &m.feed.frame0().Policy
	staged := ""
	if p.Draft.Seq > 0 && p.Draft.Text != "" && p.Draft.Text != p.Text && p.Draft.Text != p.Trial.Text && p.Draft.Text != p.Canary.Text {
		staged = "staged edits stay on disk as draft"
	}
	switch {
	case m.feed.frame0().State.ReadOnly != "": // it ends with the other one
		return "", false
	case p.Trial.Gen != 0:
		text = "v" + strconv.FormatUint(uint64(p.Trial.Gen), 10) + " was not kept: quitting takes it back"
		if p.Kept != 0 {
			text += " and ends v" + strconv.FormatUint(uint64(p.Kept), 10)
		}
	case p.Canary.Gen != 0:
		text = "v" + strconv.FormatUint(uint64(p.Canary.Gen), 10) + " is still a canary: quitting takes it back"
		if p.Kept != 0 {
			text += " and ends v" + strconv.FormatUint(uint64(p.Kept), 10)
		}
	case p.Kept != 0:
		text = "quitting ends v" + strconv.FormatUint(uint64(p.Kept), 10)
	default:
		return staged, false
	}
	if p.Readmits.PPS > 0 {
		text += ", readmits " + format.SI(p.Readmits.PPS) + "pps " + m.bitrate(p.Readmits.BPS)
	}
	text += opened(m.feed.frame0().Chains.Rows)
	if staged != "" {
		text += "; " + staged
	}
	return text, true
}

// opened says which chains packets go through no more, "" when there is none.
func opened(rows []snap.Chain) string {
	switch len(rows) {
	case 0:
		return ""
	case 1:
		return ", opens chain " + format.Clean(rows[0].Name)
	}
	return ", opens " + strconv.Itoa(len(rows)) + " chains"
}

// quit ends the program. It asks only when something ends with it that somebody decided on. Whatever is answered, a trial
// that is not kept falls back.
func (m *model) quit() tea.Cmd {
	do := m.host.quit
	leave := func() tea.Cmd { return func() tea.Msg { do(); return nil } }
	text, enforced := m.leaving()
	if text == "" || m.small() {
		return leave()
	}
	if m.over != nil {
		m.closeOverlay()
	}
	m.askConfirm(core.ConfirmMsg{Question: text + ". quit?", Verb: "quit", Do: leave})
	if !enforced {
		m.confirm.also = "ctrl+c"
	}
	return nil
}
