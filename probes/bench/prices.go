// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
)

// priceFor is how long each of two policies is measured, about.
const priceFor = time.Second

// Prices measures two policies, what decides now and a draft, one after the other: what the screen shows of hooktop bench.
func Prices(ctx context.Context, now, draft string) ([]snap.Price, error) {
	var out []snap.Price
	for i, text := range []string{now, draft} {
		file, err := policy.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("measure: %w", err)
		}
		w := Wish{Policy: file.ACL(), For: priceFor}
		w.Policy.Guard = acl.Guard(nil)
		got, err := Measure(ctx, w)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = make([]snap.Price, len(got.List))
		}
		for n, s := range got.List {
			to := &out[n]
			to.Hook, to.Stage, to.Why = s.Hook, s.Name, s.Why
			if s.One != nil {
				to.Same[i] = s.One.Ns
			}
			if s.Many != nil {
				to.Flows[i] = s.Many.Ns
			}
		}
	}
	return out, nil
}
