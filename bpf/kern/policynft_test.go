// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/acltest"
	"hooktop/probes/ktest"
)

// besides is a namespace with two devices that get the same frames: nftables decides on n1, hooktop on h1.
type besides struct {
	here, there *ktest.NS
	p           *Pipeline
	passed      map[string]int // packet sockets behind the filters, by device and protocol
}

func newBesides(t *testing.T) *besides {
	b := &besides{here: ktest.NewNS(t), there: ktest.NewNS(t), passed: map[string]int{}}
	for _, n := range []*ktest.NS{b.here, b.there} { // or the kernel tells of its multicast groups meanwhile
		n.Sysctl(t, "ipv6/conf/all/disable_ipv6", "1")
		n.Sysctl(t, "ipv6/conf/default/disable_ipv6", "1")
	}
	for _, dev := range []string{"n", "h"} {
		ktest.Veth(t, b.there, dev+"0", b.here, dev+"1")
		b.listen(t, dev+"1")
	}
	b.p = openPipeline(t, Options{Flows: 1024})
	dev := Device{Index: b.here.Index(t, "h1"), Name: "h1", Slot: slotsByName["eth0"]}
	b.here.Do(t, func() error {
		_, err := b.p.AttachTCX(dev, TCIngress)
		if errors.Is(err, ErrNoTCX) {
			_, err = b.p.AttachXDP(dev, false)
		}
		return err
	})
	return b
}

// listen opens a socket for all protocols that are delivered: unlike ETH_P_ALL, which is served before the ingress hooks.
func (b *besides) listen(t *testing.T, dev string) {
	index := b.here.Index(t, dev)
	for _, proto := range []uint16{unix.ETH_P_IP, unix.ETH_P_IPV6, unix.ETH_P_ARP} {
		b.here.Do(t, func() error {
			s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				return err
			}
			t.Cleanup(func() { unix.Close(s) })
			b.passed[fmt.Sprint(dev, proto)] = s
			if err := unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20); err != nil {
				return err
			}
			return unix.Bind(s, &unix.SockaddrLinklayer{Protocol: proto<<8 | proto>>8, Ifindex: index})
		})
	}
}

// arrived are the numbers, in the last four bytes, of frames that got past the filter of a device since the last call.
func (b *besides) arrived(t *testing.T, dev string) map[uint32]bool {
	out, buf := map[uint32]bool{}, make([]byte, 2048)
	for name, s := range b.passed {
		if !strings.HasPrefix(name, dev) {
			continue
		}
		for {
			n, err := unix.Read(s, buf)
			if errors.Is(err, unix.EAGAIN) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			out[binary.BigEndian.Uint32(buf[n-4:n])] = true
		}
	}
	return out
}

// load replaces the rules of nftables.
func (b *besides) load(t *testing.T, n *acltest.NFT) {
	b.here.Do(t, func() error {
		c := exec.Command("nft", "-f", "-")
		c.Stdin = strings.NewReader("add table netdev t\ndelete table netdev t\n" + n.Text)
		if text, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("nft -f: %w: %s", err, text)
		}
		return nil
	})
}

// counted reads the counters of nftables as the policy has its rules, the default last.
func (b *besides) counted(t *testing.T, n *acltest.NFT, rules int) []Count {
	var text []byte
	b.here.Do(t, func() (err error) {
		text, err = exec.Command("nft", "-j", "list", "table", "netdev", "t").Output()
		return err
	})
	var all struct {
		Nftables []struct {
			Rule *struct {
				Expr []struct{ Counter *Count }
			}
		}
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	out, at := make([]Count, rules+1), 0
	for _, line := range all.Nftables {
		if line.Rule == nil {
			continue
		}
		for _, e := range line.Rule.Expr {
			if e.Counter != nil {
				const ethernet = 14 // nftables counts from the network header on
				owner := (n.Owners[at] + rules + 1) % (rules + 1)
				out[owner].plus(e.Counter.Packets, e.Counter.Bytes+ethernet*e.Counter.Packets)
				at++
			}
		}
	}
	if at != len(n.Owners) {
		t.Fatalf("nftables shows %d counters of %d", at, len(n.Owners))
	}
	return out
}

// decided adds up counters that end a packet's way: all packets, once each.
func decided(a *acl.Policy, counts []Count) (n int) {
	for i, c := range counts {
		if i == len(a.Rules) || a.Rules[i].Action.Final() {
			n += int(c.Packets)
		}
	}
	return n
}

func (b *besides) ours(t *testing.T, gen uint32) []Count {
	counts, err := b.p.PolicyCounts(gen)
	if err != nil {
		t.Fatal(err)
	}
	var out []Count
	for _, r := range append(counts.Rules, counts.Default[0]) {
		out = append(out, Count{r.Packets, r.Bytes})
	}
	return out
}

// settled waits until both have decided so many frames.
func (b *besides) settled(t *testing.T, a *acl.Policy, n *acltest.NFT, gen uint32, frames int) (theirs, ours []Count) {
	late, again := time.After(ktest.Patience), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for {
		theirs, ours = b.counted(t, n, len(a.Rules)), b.ours(t, gen)
		if decided(a, theirs) >= frames && decided(a, ours) >= frames {
			return theirs, ours
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("of %d frames nftables decided %d, hooktop %d", frames, decided(a, theirs), decided(a, ours))
		}
	}
}

// twoFilters makes a policy that both can say, and packets for it.
func twoFilters(t *testing.T, n int) (acl.Policy, []acl.Packet) {
	rnd := rand.New(rand.NewPCG(uint64(n), 5))
	text := acltest.Crowded(rnd, 10+rnd.IntN(60))
	if n%3 == 2 {
		text = acltest.Spread(rnd, 200)
	}
	a := parsePolicy(t, text)
	a.Rules = slices.DeleteFunc(a.Rules, func(r acl.Rule) bool { return !acltest.Expressible(&r) })
	s := acl.NewSampler(uint64(n), &a)
	var packets []acl.Packet
	for i := range 400 {
		k := s.Any()
		if len(a.Rules) > 0 && i%8 > 0 {
			k = s.For(&a.Rules[i%len(a.Rules)])
		}
		k.Dir, k.Dev, k.VLAN, k.VNI = acl.In, "eth0", 0, 0
		if k.NotIP = i%50 == 0; framable(k) && !k.Dst.Is4In6() {
			packets = append(packets, k)
		}
	}
	return a, packets
}

// The same rules in nftables and the same frames: the same frames get through, and each rule counts the same packets and bytes.
func TestRulesDecideAsInNftables(t *testing.T) {
	ktest.HostState(t)
	b := newBesides(t)
	policies := 12
	if testing.Short() {
		policies = 3
	}
	var sent, through, rules, met int
	for n := range policies {
		a, packets := twoFilters(t, n)
		peer := acltest.ToNFT(&a, "n1", true)
		b.load(t, &peer)
		gen := writeACL(t, b.p, &a)
		if err := errors.Join(b.p.TryPolicy(gen, nil, time.Hour), b.p.KeepPolicy(gen)); err != nil {
			t.Fatal(err)
		}
		b.arrived(t, "")
		rnd, want := rand.New(rand.NewPCG(uint64(n), 6)), map[uint32]bool{}
		var frames [][]byte
		for i, k := range packets {
			frames = append(frames, binary.BigEndian.AppendUint32(frameOf(k, rnd), uint32(i)))
			if acl.Evaluate(&a, k, nil).Verdict == acl.Allow {
				want[uint32(i)] = true
			}
		}
		b.there.SendFrames(t, "n0", frames...)
		b.there.SendFrames(t, "h0", frames...)
		theirs, ours := b.settled(t, &a, &peer, gen, len(frames))
		for i := range ours {
			if ours[i] != theirs[i] {
				what := "default"
				if i < len(a.Rules) {
					what = a.Rules[i].String()
				}
				t.Errorf("policy %d: %s: hooktop counted %+v, nftables %+v", n, what, ours[i], theirs[i])
			}
			if i < len(a.Rules) && ours[i].Packets > 0 {
				met++
			}
		}
		if nft, hooktop := b.arrived(t, "n1"), b.arrived(t, "h1"); !maps.Equal(nft, want) || !maps.Equal(hooktop, want) {
			t.Errorf("policy %d: %d frames got past nftables, %d past hooktop, %d by the oracle", n, len(nft), len(hooktop), len(want))
		}
		if t.Failed() {
			t.Fatalf("rules of nftables:\n%s", peer.Text)
		}
		sent, through, rules = sent+len(frames), through+len(want), rules+len(a.Rules)
	}
	t.Logf("%d policies, %d frames on each device, %d let through, %d of %d rules met", policies, sent, through, met, rules)
}
