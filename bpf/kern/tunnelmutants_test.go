// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/compile"
	"hooktop/probes/ktest"
)

// tunnelMutants are faults of a compiler of tunnel lines: each changes an image where it matters.
func tunnelMutants() map[string]func(m *compile.Image) {
	lines := func(f func(l *compile.TunnelLine)) func(m *compile.Image) {
		return func(m *compile.Image) {
			for i := range m.Tunnels {
				f(&m.Tunnels[i])
			}
		}
	}
	prefixes := func(f func(p netip.Prefix) netip.Prefix) func(m *compile.Image) {
		return func(m *compile.Image) {
			for i := range m.Prefixes {
				m.Prefixes[i] = f(m.Prefixes[i])
			}
		}
	}
	return map[string]func(m *compile.Image){
		"strip forgotten":      lines(func(l *compile.TunnelLine) { l.Strip = false }),
		"count strips":         lines(func(l *compile.TunnelLine) { l.Strip = true }),
		"VNI forgotten":        lines(func(l *compile.TunnelLine) { l.AnyVNI = true }),
		"any VNI forgotten":    lines(func(l *compile.TunnelLine) { l.AnyVNI = false }),
		"VNI one more":         lines(func(l *compile.TunnelLine) { l.VNI++ }),
		"endpoint forgotten":   lines(func(l *compile.TunnelLine) { l.To = netip.Addr{} }),
		"endpoint is the next": lines(func(l *compile.TunnelLine) { l.To = l.To.Next() }),
		"port is another":      lines(func(l *compile.TunnelLine) { l.Port ^= 1 }),
		"kind is the next":     lines(func(l *compile.TunnelLine) { l.Kind++ }),
		"peers forgotten":      lines(func(l *compile.TunnelLine) { l.Peers.Len = 0 }),
		"peers one short":      lines(func(l *compile.TunnelLine) { l.Peers.Len -= min(1, l.Peers.Len-min(1, l.Peers.Len)) }),
		"inner forgotten":      lines(func(l *compile.TunnelLine) { l.Inner.Len = 0 }),
		"inner one short":      lines(func(l *compile.TunnelLine) { l.Inner.Len -= min(1, l.Inner.Len) }),
		"peers for inner":      lines(func(l *compile.TunnelLine) { l.Inner = l.Peers }),
		"inner for peers":      lines(func(l *compile.TunnelLine) { l.Peers = l.Inner }),
		"lists of the first":   lines(func(l *compile.TunnelLine) { l.Inner.Offset = 1 }),
		"counters shifted":     lines(func(l *compile.TunnelLine) { l.Hit++ }),
		"lines upside down":    func(m *compile.Image) { slices.Reverse(m.Tunnels) },
		"the first forgotten":  func(m *compile.Image) { m.Tunnels = m.Tunnels[1:] },
		"the last forgotten":   func(m *compile.Image) { m.Tunnels = m.Tunnels[:len(m.Tunnels)-1] },
		"prefixes one shorter": prefixes(func(p netip.Prefix) netip.Prefix { return netip.PrefixFrom(p.Addr(), p.Bits()-1) }),
		"prefixes one longer": prefixes(func(p netip.Prefix) netip.Prefix {
			return netip.PrefixFrom(p.Addr(), min(p.Bits()+1, p.Addr().BitLen()))
		}),
		"prefixes of IPv4 only": prefixes(func(p netip.Prefix) netip.Prefix {
			if p.Addr().Is4() {
				return p
			}
			return netip.PrefixFrom(netip.IPv6Unspecified(), 128)
		}),
	}
}

// probing is a policy whose lines differ from each other in one thing at a time.
const probing = `tunnel vxlan port 4789 vni 100 to 192.0.2.1 peers 192.0.2.0/25,198.51.100.9 inner 10.50.0.0/17,2001:db8:50::/48 strip
tunnel vxlan port 4789 vni 100 to 192.0.2.1 count
tunnel vxlan port 4789 vni 200 to 192.0.2.1 peers 192.0.2.0/24 inner 10.60.0.0/16 strip
tunnel vxlan port 4789 vni 300 count
tunnel vxlan port 4789 vni 100 to 2001:db8::1 peers 2001:db8::/65 inner 10.50.0.0/17,2001:db8:50::/48 strip
tunnel geneve port 7000 vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.70.0.0/16,2001:db8:70::/48 strip
tunnel gre vni any to 192.0.2.1 peers 192.0.2.0/24 inner 10.90.0.0/16,2001:db8:90::/48 strip
tunnel gre vni 5 count
tunnel ipip to 192.0.2.1 peers 192.0.2.0/24 inner 10.91.0.0/16,2001:db8:91::/48 strip
`

// edges are addresses just inside and just outside of what probing names.
func edges() [][2]netip.Addr {
	pair := func(peer, inner string) [2]netip.Addr {
		return [2]netip.Addr{netip.MustParseAddr(peer), netip.MustParseAddr(inner)}
	}
	return [][2]netip.Addr{
		pair("192.0.2.7", "10.50.0.9"), pair("192.0.2.127", "10.50.127.255"), pair("192.0.2.128", "10.50.0.9"), pair("192.0.2.7", "10.50.128.0"),
		pair("198.51.100.9", "10.50.0.9"), pair("198.51.100.8", "10.50.0.9"), pair("192.0.2.7", "10.51.0.1"), pair("192.0.2.7", "2001:db8:50::9"),
		pair("192.0.2.7", "2001:db8:51::9"), pair("192.0.2.7", "10.60.0.9"), pair("192.0.2.255", "10.60.255.1"), pair("192.0.3.7", "10.60.0.9"),
		pair("192.0.2.7", "10.70.0.9"), pair("192.0.2.7", "2001:db8:70::9"), pair("192.0.2.7", "10.90.0.9"), pair("192.0.2.7", "2001:db8:90::9"),
		pair("192.0.2.7", "10.91.0.9"), pair("192.0.2.7", "2001:db8:91::9"), pair("2001:db8::7", "10.50.0.9"),
		pair("2001:db8:0:0:7fff::1", "10.50.0.9"), pair("2001:db8:0:0:8000::1", "10.50.0.9"), pair("2001:db8::7", "2001:db8:50::9"),
	}
}

// probesOf are packets in tunnels of every kind that probing names, from all edges.
func probesOf(rnd *rand.Rand) [][]byte {
	var out [][]byte
	for _, e := range edges() {
		to := "192.0.2.1"
		if e[0].Is6() {
			to = "2001:db8::1"
		}
		for _, vni := range []uint32{100, 101, 200, 300, 5} {
			inside := inner(e[1])
			out = append(out, enclosed(e[0], to, acl.VXLAN, 4789, vni, inside), enclosed(e[0], to, acl.VXLAN, 4788, vni, inside))
			if e[0].Is4() {
				out = append(out, enclosed(e[0], "192.0.2.2", acl.VXLAN, 4789, vni, inside), enclosed(e[0], to, acl.Geneve, 7000, vni, inside),
					enclosed(e[0], to, acl.GRE, 0, vni, inside))
			}
		}
		if e[0].Is4() {
			out = append(out, enclosed(e[0], to, acl.IPIP, 0, 0, inner(e[1])))
		}
	}
	rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// inner is a datagram to the host from an address inside a tunnel.
func inner(from netip.Addr) []byte {
	to := "10.50.0.1"
	if from.Is6() {
		to = "2001:db8:50::1"
	}
	return ktest.IP(from.String(), to, acl.UDP, ktest.UDP(4000, 53, []byte("question")))
}

// enclosed is a frame with a packet in a tunnel of a kind, on a port where the kind has one.
func enclosed(from netip.Addr, to string, kind acl.TunnelKind, port uint16, vni uint32, packet []byte) []byte {
	host, guest, router := [6]byte{2, 0, 0, 0, 0, 2}, [6]byte{2, 0, 0, 0, 9, 9}, [6]byte{2, 0, 0, 0, 0, 1}
	etherType, next := uint16(0x0800), uint8(4)
	if packet[0]>>4 == 6 {
		etherType, next = 0x86dd, 41
	}
	proto, payload := uint8(acl.UDP), packet
	switch kind {
	case acl.VXLAN:
		payload = ktest.UDP(50000, port, ktest.VXLANHeader(vni, ktest.Ether(guest, guest, nil, packet)))
	case acl.Geneve:
		payload = ktest.UDP(50000, port, ktest.GeneveHeader(vni, etherType, nil, packet))
	case acl.GRE:
		proto, payload = 47, ktest.GREHeader(etherType, &vni, nil, packet)
	default:
		proto = next
	}
	return ktest.Ether(host, router, nil, ktest.IP(from.String(), to, proto, payload))
}

// A compiler that is wrong about tunnel lines is caught: what each mutant makes of some packet is not what the reference says.
func TestTunnelMutantsOfTheCompilerAreCaught(t *testing.T) {
	r := newTunnelRig(t, probing)
	frames := probesOf(rand.New(rand.NewPCG(1, 2)))
	differs := func() string {
		for _, f := range frames {
			if _, what := r.compare(t, r.xdp, f, true); what != "" {
				return what
			}
		}
		return ""
	}
	if what := differs(); what != "" {
		t.Fatalf("the compiler as it is: %s", what)
	}
	for name, mutate := range tunnelMutants() {
		img, err := compile.Compile(&r.policy, compile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		mutate(img)
		if r.gen, err = r.p.WritePolicy(img); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r.p.setGeneration(1, r.gen)
		if err := r.p.ForgetTunnels(1, 0); err != nil {
			t.Fatal(err)
		}
		if differs() == "" {
			t.Errorf("%s: no packet told", name)
		}
	}
	t.Logf("%d packets, %d mutants", len(frames), len(tunnelMutants()))
}
