// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"net/netip"
	"strings"
	"testing"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
)

// checkTunnel holds VNI and inner addresses against tshark's word, where that finds a VXLAN or Geneve header on a port that hooktop knows
// too.
func checkTunnel(t *testing.T, name string, got *kern.FoundTunnel, row tsharkRow, compared map[string]int) {
	t.Helper()
	for kind, port := range map[string]string{"vxlan": "4789", "geneve": "6081"} {
		vni := row.first(kind + ".vni")
		if vni == "" || row.first("udp.dstport") != port {
			continue
		}
		if got == nil || got.Kind.String() != kind || int(got.VNI) != row.number(t, kind+".vni") {
			t.Errorf("%s: %+v, tshark says %s %s", name, got, kind, vni)
			continue
		}
		for field, have := range map[string]func(k snap.FlowKey) snap.Addr{
			"src": func(k snap.FlowKey) snap.Addr { return k.Src }, "dst": func(k snap.FlowKey) snap.Addr { return k.Dst },
		} {
			want, ok := row.inner(kind, field)
			switch {
			case !ok: // no IP inside, as far as the capture goes
			case got.Inner == nil:
				t.Errorf("%s: %s inside is not seen (%s), tshark says %v", name, field, got.Why, want)
			case have(got.Inner.Decode()).Netip() != want:
				t.Errorf("%s: %s %v inside, tshark says %v", name, field, have(got.Inner.Decode()).Netip(), want)
			}
			if ok && field == "src" {
				compared[kind]++
			}
		}
	}
}

// inner is an address, src or dst, of the packet behind the tunnel header.
func (r tsharkRow) inner(kind, field string) (netip.Addr, bool) {
	outer, inside, _ := strings.Cut(r["frame.protocols"], ":"+kind)
	for _, layer := range strings.Split(inside, ":") {
		if layer != "ip" && layer != "ipv6" {
			continue
		}
		all := strings.Fields(r[layer+"."+field])
		n := 0 // of the same kind outside
		for _, o := range strings.Split(outer, ":") {
			if o == layer {
				n++
			}
		}
		if n >= len(all) {
			return netip.Addr{}, false
		}
		a, err := netip.ParseAddr(all[n])
		return a, err == nil
	}
	return netip.Addr{}, false
}

func tunnelled(t *testing.T, text string) acl.Policy {
	t.Helper()
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return f.ACL()
}

// A packet that is described as inside a tunnel is put into it, unwrapped by its line and judged by its VNI.
func TestExplainInsideATunnel(t *testing.T) {
	p := tunnelled(t, `tunnel vxlan vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.50.0.0/16 strip
tunnel gre vni 7 to 192.0.2.1 peers 198.51.100.0/24 inner 10.60.0.0/16 strip
tunnel geneve vni 9 to 2001:db8::1 peers 2001:db8::/64 inner 2001:db8:9::/48 strip
deny in tcp to any port 23 vni 100
allow in tcp from 10.0.0.0/8
`)
	for _, c := range []struct {
		packet, verdict string
		line            int
	}{
		{"tcp 10.50.0.9:1 > 10.50.0.1:23 vni 100", "deny", 0},
		{"tcp 10.50.0.9:1 > 10.50.0.1:22 vni 100", "allow", 0},
		{"tcp 10.60.0.9:1 > 10.50.0.1:23 vni 7", "allow", 1},
		{"udp [2001:db8:9::1]:1 > [2001:db8::1]:53 vni 9", "allow", 2},
	} {
		k, errs := acl.ParsePacket(c.packet)
		if errs != nil {
			t.Fatal(errs)
		}
		got, err := Explain(p, k, nil)
		if err != nil {
			t.Errorf("%s: %v", c.packet, err)
			continue
		}
		if got.Verdict.String() != c.verdict || got.Tunnel == nil || !got.Tunnel.Strips || got.Tunnel.Line != c.line || got.Found.String() != k.String() {
			t.Errorf("%s: %v, tunnel %+v, found %v", c.packet, got.Verdict, got.Tunnel, got.Found)
		}
	}
	k, errs := acl.ParsePacket("udp 192.0.2.7:5 > 192.0.2.1:4789")
	if errs != nil {
		t.Fatal(errs)
	}
	if got, err := Explain(p, k, nil); err != nil || got.Tunnel == nil || got.Tunnel.Why != "short" || got.Tunnel.Strips {
		t.Errorf("a datagram without a VXLAN header: %+v (%v)", got.Tunnel, err)
	}
}

// What stays in its tunnel: the programs say why, and judge the outer packet.
func TestExplainWhatStaysInATunnel(t *testing.T) {
	p := tunnelled(t, `tunnel vxlan vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.50.0.0/16 strip
off tunnel vxlan vni 400 to 192.0.2.1 peers 192.0.2.0/24 inner 10.40.0.0/16 strip
tunnel geneve vni 300 peers 2001:db8::/64,198.51.100.0/24 count
deny in udp to 192.0.2.1 port 4789
`)
	own := []netip.Addr{netip.MustParseAddr("10.50.0.1")}
	for _, c := range []struct {
		packet, why, verdict string
		line                 int
	}{
		{"tcp 10.50.0.9:1 > 10.50.0.1:22 vni 100", "", "allow", 0},
		{"tcp 10.50.0.9:1 > 10.50.0.1:22 vni 101", "VNI not allowed", "deny", -1},
		{"tcp 10.40.0.9:1 > 10.50.0.1:22 vni 400", "VNI not allowed", "deny", -1},
		{"tcp 10.51.0.9:1 > 10.50.0.1:22 vni 100", "inner source not allowed", "deny", 0},
		{"tcp 10.50.0.1:1 > 10.50.0.1:22 vni 100", "inner source forged", "deny", 0},
		{"tcp 10.50.0.9:1 > 10.50.0.1:22 vni 300", "", "allow", 2},
	} {
		k, errs := acl.ParsePacket(c.packet)
		if errs != nil {
			t.Fatal(errs)
		}
		got, err := Explain(p, k, own)
		if err != nil {
			t.Errorf("%s: %v", c.packet, err)
			continue
		}
		if tun := got.Tunnel; tun == nil || tun.Why != c.why || tun.Strips != (c.why == "" && c.line == 0) || tun.Line != c.line || tun.VNI != k.VNI || got.Verdict.String() != c.verdict {
			t.Errorf("%s: %v, tunnel %+v, found %v", c.packet, got.Verdict, got.Tunnel, got.Found)
		}
	}
	k, errs := acl.ParsePacket("tcp 10.50.0.9:1 > 10.50.0.1:22 vni 5")
	if errs != nil {
		t.Fatal(errs)
	}
	if _, err := Explain(tunnelled(t, "tunnel gue count\n"), k, nil); err == nil {
		t.Error("a packet in a tunnel that no line speaks of was built")
	}
}
