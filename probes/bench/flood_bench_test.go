// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
	"hooktop/bpf/kern"
)

// toHost is a datagram for a host of an arena; senders give it its source.
func toHost() []byte {
	b := udp4()
	here := netip.MustParseAddr(liveHere).As4()
	copy(b, hostMAC[:])
	copy(b[30:], here[:])
	return b
}

// measureFlood is S8: packets from anywhere, of which a policy lets a thousand hosts through.
func measureFlood(t *testing.T, r *Report) {
	const rules = 1000
	list := blocklist(rules)
	for i := range list { // a port that the flood does not have: no source is let through by chance
		list[i].port = 443
	}
	col := plane(t, 1<<24, 8192)
	plant := newPlant(t, "default in deny\n"+each(list, "\n", "allow in udp from ADDR to any port PORT")+"\n")
	a := newArena(t, col.Programs["send_random"], toHost())
	bare := a.add("bare XDP_DROP", func(c *competitor) { c.attach(t, col.Programs["drop"]) })
	ours := a.add("hooktop", func(c *competitor) { plant.attach(t, c, kern.XDPNative) })
	var peers []*competitor
	for name, text := range nftSets(list) {
		text = strings.Replace(text, "@s counter drop", "@s accept\ncounter drop", 1)
		peers = append(peers, a.add(name, func(c *competitor) { c.nft(t, text) }))
	}
	a.race(9)
	for _, c := range peers {
		c.counted(t)
	}
	if n := ours.received(t); n > 0 {
		t.Errorf("hooktop let %d of %d frames through", n, ours.sent)
	}
	set := fastest(peers)
	r.Rows = append(r.Rows, FromRounds("S8", fmt.Sprintf("flood from random sources, default deny, %d rules: the fastest nft set (%s) / hooktop", rules, set.name), "x", AtLeast(1.5),
		Ratios(set.ns, ours.ns), ns(set.name, set.ns)+", "+ns("hooktop", ours.ns)+", "+ns("bare XDP_DROP", bare.ns)))
	measureKept(t, r)
}

// measureKept is how often a packet of a flow that is known finds its entry gone, in a table a quarter of whose places are used.
func measureKept(t *testing.T, r *Report) {
	const flows, passes = 1 << 16, 4
	pin(t)
	var lost []float64
	for range 5 { // each with a hash of its own
		col := plane(t, flows, slotsPerFlow*flows)
		perPacket(t, col.Programs["ours_each"], udp4(), 2*flows)
		before := newFlows(t, col)
		perPacket(t, col.Programs["ours_each"], udp4(), passes*flows)
		lost = append(lost, 100*float64(newFlows(t, col)-before)/(passes*flows))
		col.Close()
	}
	r.Rows = append(r.Rows, FromRounds("S8", "packets of known flows that are judged again, at a load of 0.25", "%", AtMost(0.1), lost))
}

// newFlows is how many entries the table's programs have made.
func newFlows(t *testing.T, col *ebpf.Collection) (n uint64) {
	t.Helper()
	var shards []uint64
	if err := col.Maps["ht_stats"].Lookup(uint32(bpf.XdpStatSTAT_NEW_FLOWS), &shards); err != nil {
		t.Fatal(err)
	}
	for _, s := range shards {
		n += s
	}
	return n
}

const knownFlows = 4096

// listen has the host take the datagrams, with a socket that nobody reads, and answer each source once, so that conntrack takes
// the flows for established.
func (c *competitor) listen(t *testing.T) (answer func()) {
	t.Helper()
	c.Neighbour(t, "r0", livePeer, [6]byte{2, 0, 0, 0, 0, 1})
	s := c.UDPSocket(t, liveHere+":80")
	if err := s.SetReadBuffer(1); err != nil {
		t.Fatal(err)
	}
	return func() {
		for i := range uint32(knownFlows) {
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], 0x0a000000|i)
			if _, err := s.WriteToUDPAddrPort([]byte("x"), netip.AddrPortFrom(netip.AddrFrom4(b), 1234)); err != nil {
				t.Fatalf("answer: %v", err)
			}
		}
	}
}

// measureAllowed is S10: datagrams of known flows on their way into a socket.
func measureAllowed(t *testing.T, r *Report) {
	const rules = 1000
	list := blocklist(rules)
	for i := range list { // hosts that send nothing here
		b := list[i].from.As4()
		b[0] = 20
		list[i] = blocked{netip.AddrFrom4(b), 80}
	}
	col := plane(t, knownFlows, 8192)
	plant := newPlant(t, "default in allow\n"+each(list, "\n", "deny in udp from ADDR to any port PORT")+"\n")
	const tracked = "table inet t {\nchain c { type filter hook input priority 0; policy accept;\nct state established,related counter accept\n%s\n}\n}\n"
	a := newArena(t, col.Programs["send_each"], toHost())
	none := a.add("no firewall", nil)
	stub := a.add("bare XDP_PASS", func(c *competitor) { c.attach(t, col.Programs["pass"]) })
	native := a.add("hooktop, native", func(c *competitor) { plant.attach(t, c, kern.XDPNative) })
	generic := a.add("hooktop, generic", func(c *competitor) { plant.attach(t, c, kern.XDPGeneric) })
	tc := a.add("hooktop, tc", func(c *competitor) { plant.attach(t, c, kern.TCIngress) })
	pass := a.add("generic XDP_PASS", func(c *competitor) { c.attachBy(t, col.Programs["pass"], kern.XDPGeneric) })
	next := a.add("empty tc program", func(c *competitor) { c.attachBy(t, col.Programs["next"], kern.TCIngress) })
	nft := a.add("nft and conntrack", func(c *competitor) {
		c.nft(t, fmt.Sprintf(tracked, each(list, "\n", "ip saddr ADDR udp dport PORT counter drop")))
	})
	var answers []func()
	for _, c := range a.all {
		answers = append(answers, c.listen(t))
		c.warmup = 2 * knownFlows
	}
	a.race(1)
	for i, answer := range answers {
		answer()
		a.all[i].ns = nil
	}
	a.race(11)
	if n := len(strings.Split(nft.feed(t, "", "conntrack", "-L", "-p", "udp"), "\n")); n < knownFlows {
		t.Errorf("conntrack knows %d of %d flows", n, knownFlows)
	}
	theirs := less(nft.ns, none.ns)
	for _, one := range []struct {
		*competitor
		floor, empty *competitor // what is taken off, and what a program that does nothing takes
	}{{native, stub, stub}, {generic, none, pass}, {tc, none, next}} {
		own := less(one.ns, one.floor.ns)
		r.Rows = append(r.Rows, FromRounds("S10", fmt.Sprintf("what %s adds to allowed, established traffic / nft and conntrack", one.name), "x", AtMost(0.25), Ratios(own, theirs),
			ns(one.name, one.ns)+", "+ns(one.empty.name, one.empty.ns)+", "+ns(nft.name, nft.ns)+", "+ns(none.name, none.ns)))
	}
}

// measureDevices is how the cost grows with devices that hooktop watches, each with a program of its own. Frames are of known flows,
// and nftables drops them right behind the program.
func measureDevices(t *testing.T, r *Report) {
	curve := Curve{Name: "interfaces", Title: "Counting a frame of a known flow on one of many devices", X: "devices", Y: "ns a frame, its sending included"}
	col := plane(t, knownFlows, 8192)
	plant := newPlant(t, "default in allow\n")
	for _, devices := range []int{1, 4, 16} {
		ours, bare := newArena(t, col.Programs["send_each"], toHost()), newArena(t, col.Programs["send_each"], toHost())
		for i := range devices {
			ours.add(fmt.Sprintf("hooktop %d", i), func(c *competitor) { plant.attach(t, c, kern.XDPNative); c.nft(t, netdev("", "counter drop")) })
			bare.add(fmt.Sprintf("XDP_PASS %d", i), func(c *competitor) { c.attach(t, col.Programs["pass"]); c.nft(t, netdev("", "counter drop")) })
		}
		for _, c := range slices.Concat(ours.all, bare.all) {
			c.runs = liveRuns / devices
		}
		for range 7 {
			ours.race(1)
			bare.race(1)
		}
		for _, c := range slices.Concat(ours.all, bare.all) {
			c.counted(t)
		}
		curve.Add("hooktop", At(float64(devices), ours.mean()))
		curve.Add("bare XDP_PASS", At(float64(devices), bare.mean()))
	}
	r.Curves = append(r.Curves, curve)
}

// mean is what a frame took in each round, over all hosts.
func (a *arena) mean() []float64 {
	out := make([]float64, len(a.all[0].ns))
	for i := range out {
		for _, c := range a.all {
			out[i] += c.ns[i] / float64(len(a.all))
		}
	}
	return out
}
