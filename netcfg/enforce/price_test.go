// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

func TestADraftHasAPrice(t *testing.T) {
	r := newRig(t, nil)
	stage := func(flows int) snap.Draft {
		t.Helper()
		list := make([]snap.Flow, flows)
		for i := range list {
			list[i] = snap.Flow{Device: "eth0", Key: snap.FlowKey{Src: snap.AddrFrom(ssh("10.0.0.8", 1).Peer), Dst: snap.AddrFrom(ssh("10.0.0.8", 1).Local), Proto: acl.UDP, SPort: uint16(i)}}
		}
		r.good(r.s.Stage(snap.PolicyWish{Text: denyTelnet}, list))
		return r.s.View(false).Draft
	}
	if d := stage(0); d.PriceNs != [2]float64{} || r.plane.priced != nil {
		t.Errorf("nothing to measure with costs %v, by %v", d.PriceNs, r.plane.priced)
	}
	if d := stage(3); d.PriceNs != [2]float64{100, 102} || !slices.Equal(r.plane.priced, slices.Repeat([]int{3}, 2*pricedRounds)) {
		t.Errorf("no policy and the second generation cost %v, by %v", d.PriceNs, r.plane.priced)
	}
	r.s.Look(World{Ways: []acl.WayIn{ssh("10.0.0.8", 50122), ssh("10.0.0.9", 50122)}})
	r.plane.priced = nil
	if stage(500); !slices.Equal(r.plane.priced, slices.Repeat([]int{maxPriced}, 2*pricedRounds)) {
		t.Errorf("measured with %v packets", r.plane.priced)
	}
	r.plane.fail["price"] = errors.New("no clock")
	d := stage(3)
	if d.PriceNs != [2]float64{} || !strings.Contains(strings.Join(d.Remarks, "\n"), "what it costs is not known: no clock") {
		t.Errorf("%v %q", d.PriceNs, d.Remarks)
	}
}
