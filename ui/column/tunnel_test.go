// SPDX-License-Identifier: Apache-2.0

package column

import (
	"net/netip"
	"testing"
	"time"

	"hooktop/probes/snap"
)

func vxlan() TunnelRow {
	return TunnelRow{Tunnel: &snap.Tunnel{Kind: "vxlan", VNI: 100, HasVNI: true, Peer: netip.MustParseAddr("10.4.3.9"), Local: netip.MustParseAddr("10.9.0.1"),
		Port: 4789, Dev: "eth0", Inner: "eth", Line: 14, Packets: 1000, Bytes: 90000, Stripped: 900, Errors: []snap.Count{{Name: "short", N: 7}, {Name: "bad flags", N: 3}},
		PPS: 19900, ErrPS: 18, Last: 2 * time.Second}, Fate: "strips"}
}

func ipip() TunnelRow {
	return TunnelRow{Tunnel: &snap.Tunnel{Kind: "ipip", Peer: netip.MustParseAddr("2001:db8::9"), Local: netip.MustParseAddr("2001:db8::1"), Inner: "ip6"}, Fate: "none"}
}

func TestTunnelFilters(t *testing.T) {
	cols := Tunnels()
	for _, c := range []struct {
		filter string
		vxlan  bool
		ipip   bool
	}{
		{"vxlan", true, false}, {"kind:ipip", false, true}, {"peer:10.4.0.0/16", true, false}, {"10.9.0.1", true, false}, {"local:2001:db8::/32", false, true},
		{"vni:100", true, false}, {"vni:0", false, false}, {"port:4789", true, false}, {"inner:eth", true, false}, {"pps:>10k", true, false}, {"errs:>0", true, false},
		{"errors:10", true, false}, {"fate:strips", true, false}, {"policy:none", false, true}, {"stripped:>0", true, false}, {"last:>1s", true, false},
		{"dev:eth0", true, false}, {"line:14", true, false}, {"!kind:vxlan", false, true}, {"bytes:>1k or kind:ipip", true, true},
	} {
		f, err := cols.Parse(c.filter)
		if err != nil {
			t.Errorf("%s: %v", c.filter, err)
			continue
		}
		pass := f.Compile()
		if a, b := pass(vxlan()), pass(ipip()); a != c.vxlan || b != c.ipip {
			t.Errorf("%s passes %v, %v", c.filter, a, b)
		}
	}
}

// TestTunnelCellsFilterThemselves: what + makes of a cell passes that row.
func TestTunnelCellsFilterThemselves(t *testing.T) {
	cols := Tunnels()
	for _, row := range []TunnelRow{vxlan(), ipip()} {
		for i := range cols.All() {
			c := &cols.All()[i]
			term := c.Only(row)
			if term == "" {
				continue
			}
			f, err := cols.Parse(term)
			if err != nil || !f.Compile()(row) {
				t.Errorf("%s: %q does not pass its own row: %v", c.Key, term, err)
			}
		}
	}
}
