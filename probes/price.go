// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"

	"hooktop/probes/snap"
)

// price measures what packets cost by what decides now and by a text, apart: it takes seconds.
func (p *policer) price(text string, answer func(snap.Answer)) {
	measure := p.b.Config.Prices
	switch {
	case measure == nil:
		answer(snap.Answer{Err: "measure: this engine only looks"})
		return
	case p.busy.price:
		answer(snap.Answer{Err: "measure: a measurement is under way: wait for its figures"})
		return
	}
	v := p.svc.View(false)
	now := v.Text
	if v.Trial.Gen != 0 {
		now = v.Trial.Text
	}
	p.busy.price = true
	var a snap.Answer
	p.b.Apart(func(ctx context.Context) {
		var err error
		if a.Prices, err = measure(ctx, now, text); err != nil {
			a.Err = clean(err.Error())
		}
	}, func() {
		p.busy.price = false
		answer(a)
	})
}
