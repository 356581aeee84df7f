// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
)

// prefixNear is a prefix of a length around an address that random frames come from too.
func prefixNear(rnd *rand.Rand, base string, bits ...int) string {
	a := netip.MustParseAddr(base)
	b := a.As16()
	b[15] ^= byte(rnd.IntN(256))
	if a.Is6() {
		b[7] ^= byte(rnd.IntN(4))
	} else {
		b[14] ^= byte(rnd.IntN(2))
	}
	return netip.PrefixFrom(netip.AddrFrom16(b).Unmap(), bits[rnd.IntN(len(bits))]).Masked().String()
}

// randomTunnels is a policy of a few to many tunnel lines that speak of the same few ports, VNIs, addresses and prefixes. What the
// language refuses is left out.
func randomTunnels(rnd *rand.Rand) string {
	text := ""
	for n := range 1 + rnd.IntN(30) {
		var b strings.Builder
		if rnd.IntN(10) == 0 {
			b.WriteString("off ")
		}
		kind := []acl.TunnelKind{acl.VXLAN, acl.VXLAN, acl.Geneve, acl.GRE, acl.IPIP}[rnd.IntN(5)]
		fmt.Fprintf(&b, "tunnel %s", kind)
		if kind.WellKnown() != 0 && rnd.IntN(3) == 0 {
			fmt.Fprintf(&b, " port %d", 7000+rnd.IntN(3))
		}
		strip := rnd.IntN(3) > 0
		if kind.HasVNI() && (strip && kind != acl.GRE || rnd.IntN(3) > 0) {
			fmt.Fprintf(&b, " vni %d", 100+rnd.IntN(3))
		}
		six := rnd.IntN(4) == 0
		peers := []string{prefixNear(rnd, "192.0.2.7", 24, 25, 28, 31, 32), prefixNear(rnd, "198.51.100.9", 8, 24, 30)}
		to := fmt.Sprintf("192.0.2.%d", 1+rnd.IntN(2))
		if six {
			to, peers = "2001:db8::1", []string{prefixNear(rnd, "2001:db8::7", 32, 62, 64, 127), prefixNear(rnd, "2001:db8::9", 128)}
		}
		if strip || rnd.IntN(2) == 0 {
			fmt.Fprintf(&b, " to %s peers %s", to, strings.Join(peers[:1+rnd.IntN(2)], ","))
		}
		if strip {
			fmt.Fprintf(&b, " inner 10.%d.0.0/%d,2001:db8:%d::/48 strip", 50+n, 16+rnd.IntN(4), 50+n)
		} else {
			b.WriteString(" count")
		}
		if next := text + b.String() + "\n"; accepted(next) {
			text = next
		}
	}
	return text
}

func accepted(text string) bool {
	_, err := policy.Parse(text)
	return err == nil
}

// randomTunnelFrame is a packet in a tunnel that some line may speak of, mostly from an address that one of them lets out.
func randomTunnelFrame(rnd *rand.Rand, lines []acl.Tunnel) []byte {
	base := []string{"192.0.2.7", "192.0.2.7", "198.51.100.9", "2001:db8::7"}[rnd.IntN(4)]
	from := netip.MustParsePrefix(prefixNear(rnd, base, netip.MustParseAddr(base).BitLen())).Addr()
	to := fmt.Sprintf("192.0.2.%d", 1+rnd.IntN(2))
	if from.Is6() {
		to = "2001:db8::1"
	}
	kind := []acl.TunnelKind{acl.VXLAN, acl.VXLAN, acl.Geneve, acl.GRE, acl.IPIP}[rnd.IntN(5)]
	port, vni := kind.WellKnown(), uint32(100+rnd.IntN(4))
	if rnd.IntN(3) == 0 {
		port = uint16(7000 + rnd.IntN(3))
	}
	source := netip.AddrFrom4([4]byte{10, byte(50 + rnd.IntN(31)), byte(rnd.IntN(256)), 9})
	if n := len(lines); n > 0 && rnd.IntN(4) > 0 {
		l := &lines[rnd.IntN(n)]
		kind, port = l.Kind, l.Port
		if !l.AnyVNI && rnd.IntN(4) > 0 {
			vni = l.VNI
		}
		if len(l.Inner) > 0 {
			source = acl.FirstHost(l.Inner[rnd.IntN(len(l.Inner))])
		}
	}
	return enclosed(from, to, kind, port, vni, inner(source))
}

// Random policies of tunnel lines: the programs agree with the reference on every packet, its line and its reason.
func TestTunnelPoliciesAtRandom(t *testing.T) {
	policies, each := 30, 100
	switch {
	case *tunnelRounds > 0:
		policies = max(*tunnelRounds/each/10, 1)
	case testing.Short():
		policies = 3
	}
	stripped, lines, whys := 0, 0, map[string]int{}
	r := newTunnelRig(t, "")
	for n := range policies {
		rnd := rand.New(rand.NewPCG(*oracleSeed, uint64(n)))
		text := randomTunnels(rnd)
		r.enforce(t, text)
		lines += len(r.policy.Tunnels)
		for range each {
			frame := randomTunnelFrame(rnd, r.policy.Tunnels)
			want, differs := r.compare(t, r.xdp, frame, true)
			if differs != "" {
				t.Fatalf("seed %d, policy %d: %s (reference: %q, line %d) of\n%x\nunder\n%s", *oracleSeed, n, differs, want.Why, want.Line, frame, text)
			}
			if want.Strip {
				stripped++
			}
			whys[want.Why]++
		}
	}
	if stripped < policies*each/50 {
		t.Errorf("%d of %d packets were unwrapped", stripped, policies*each)
	}
	for _, why := range []string{"", "not ours", "VNI not allowed", "peer not allowed", "inner source not allowed"} {
		if whys[why] < policies/2 {
			t.Errorf("%d packets fell to %q: the generator misses it: %v", whys[why], why, whys)
		}
	}
	t.Logf("%d policies of %d lines, %d packets, %d unwrapped, no difference; %v", policies, lines, policies*each, stripped, whys)
}
