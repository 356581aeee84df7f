// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
)

// TestImpactCountsWhatLimitsHoldBack: two flows of one source share its bucket, and a source within its rate is not named.
func TestImpactCountsWhatLimitsHoldBack(t *testing.T) {
	var flows []snap.Flow
	for i, f := range []struct {
		src string
		pps float64
	}{{"192.0.2.1", 300}, {"192.0.2.1", 100}, {"192.0.2.2", 90}} {
		flows = append(flows, snap.Flow{
			Device: "eth0", Rates: [len(snap.Windows)]snap.Rate{{PPS: f.pps, BPS: f.pps * 800}},
			Key: snap.FlowKey{Src: snap.AddrFrom(netip.MustParseAddr(f.src)), Dst: snap.AddrFrom(netip.MustParseAddr("192.0.2.9")), Proto: acl.UDP, SPort: uint16(i), DPort: 53},
		})
	}
	const limit = "limit in udp to any port 53 rate 100/s per source\n"
	for _, c := range []struct {
		was, is                   string
		dropped, limited, allowed int
		drop, held, pass          float64
	}{
		{"", limit, 0, 2, 0, 0, 300, 0},
		{limit, "", 0, 0, 2, 0, 0, 300},
		{"deny in udp\n", limit, 0, 0, 3, 0, 0, 190},
		{limit, "deny in udp\n", 3, 0, 0, 190, 0, 0},
		{limit, strings.ReplaceAll(limit, "100/s", "10/s"), 0, 3, 0, 0, 90 + 80, 0},
		{limit, limit, 0, 0, 0, 0, 0, 0},
	} {
		was, is := read(t, c.was), read(t, c.is)
		got, drops, err := impact(flows, was, is, oracle(was, time.Now()), oracle(is, time.Now()))
		near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
		if err != nil || got.Dropped != c.dropped || got.Limited != c.limited || got.Allowed != c.allowed ||
			!near(got.DropRate.PPS, c.drop) || !near(got.LimitRate.PPS, c.held) || !near(got.PassRate.PPS, c.pass) || !near(drops["eth0"], c.drop+c.held) {
			t.Errorf("%q to %q: %+v, %v, %v", c.was, c.is, got, drops, err)
		}
	}
}

func read(t *testing.T, text string) *acl.Policy {
	t.Helper()
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p := f.ACL()
	return &p
}
