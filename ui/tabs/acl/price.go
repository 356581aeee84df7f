// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
)

// prices are what packets cost by the draft, stage by stage, as they were measured when they were asked for.
type prices struct {
	busy bool
	seq  uint64 // of the draft
	list []snap.Price
}

// noPrices says why none can be asked for.
func (t *Tab) noPrices() string {
	if why := t.cant(); why != "" {
		return why
	}
	return core.When(t.prices.busy, "a measurement is under way")
}

// askPrices has the draft measured. It takes seconds and nothing waits for it.
func (t *Tab) askPrices() tea.Cmd {
	if t.noPrices() != "" {
		return nil
	}
	t.prices = prices{busy: true, seq: t.send.seq}
	file := t.draft.File
	return func() tea.Msg {
		return core.DoMsg{Intent: snap.Intent{Kind: snap.PricePolicy, Policy: snap.PolicyWish{Text: file.String()}}}
	}
}

func (t *Tab) gotPrices(a snap.Answer) { t.prices.busy, t.prices.list = false, a.Prices }

// priceStages lists them while the draft is the one that was measured.
func (t *Tab) priceStages(b *detail.Body) {
	p := &t.prices
	switch {
	case p.seq != t.send.seq:
		return
	case p.busy:
		b.Line(themes.TextDim, "           measuring it stage by stage "+t.env.Glyphs.Ellipsis)
		return
	case len(p.list) == 0:
		return
	}
	b.Line(themes.TextDim, fmt.Sprintf("  %-19s %8s %8s %10s %8s", "ns a packet up to", "now", "after", "flows now", "after"))
	told := map[string]bool{}
	for i := range p.list {
		s := &p.list[i]
		if s.Why != "" && s.Same == [2]float64{} && s.Flows == [2]float64{} {
			told[s.Stage] = true
			continue
		}
		text := fmt.Sprintf("  %-4s %-14s %8s %8s %10s %8s", s.Hook, s.Stage, nsText(s.Same[0]), nsText(s.Same[1]), nsText(s.Flows[0]), nsText(s.Flows[1]))
		b.Line(themes.Text, t.twin(format.Clean(text)))
	}
	for i := range p.list {
		if s := &p.list[i]; told[s.Stage] {
			delete(told, s.Stage)
			b.Text(themes.TextDim, t.twin(format.Clean("  "+s.Stage+": "+s.Why)))
		}
	}
}

func nsText(ns float64) string {
	if ns <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", ns)
}
