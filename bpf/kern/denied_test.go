// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"hooktop/bpf"
	"hooktop/netcfg/acl"
)

// remembered tells whether a packet that was denied is denied again without being judged: the policy's image is changed, in place, into
// one that denies nothing, which no generation tells of. Once in a while a packet is judged anew so that its header may be told of, hence
// the tries.
func remembered(t *testing.T, p *Pipeline, gen uint32, once func() (passed bool)) bool {
	t.Helper()
	img := &p.policy.images[gen%aclSlots]
	records := img.Record[:16] // more than policies here have
	for range 20 {
		if once() {
			t.Fatal("it is not denied")
		}
		deny, before := img.Deny, slices.Clone(records)
		img.Deny = [2]uint32{}
		for i := range records {
			records[i].Flags &^= recordDeny
		}
		passed := once()
		img.Deny = deny
		copy(records, before)
		if !passed {
			return true
		}
		forget(p.table.slots, 1) // where it is known by now
		forget(p.table.slots, 2)
	}
	return false
}

const recordDeny = 0x4 // RECORD_DENY

// fewer keeps guests, which are slow, short.
func fewer(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// A verdict is kept where it follows from the key alone, whatever the source port that no rule asks for; else each packet is judged.
func TestADeniedFlowIsJudgedOnce(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	progs := map[Hook]*ebpf.Program{XDPGeneric: loadFor(t, p, 1, XDPGeneric), TCIngress: loadFor(t, p, 2, TCIngress)}
	ping := acl.Packet{Dev: "eth0", Src: udp("10.0.0.1", 1, "10.0.0.9", 1).Src, Dst: udp("10.0.0.1", 1, "10.0.0.9", 1).Dst, Proto: acl.ICMP, Type: 8}
	for _, c := range []struct {
		name, policy string
		k            acl.Packet
		ports        uint16 // how far source ports go apart
		kept         bool
	}{
		{"default", "default in deny", udp("10.0.0.1", 1000, "10.0.0.9", 53), 0, true},
		{"rule", "deny in udp", udp("10.0.0.1", 1000, "10.0.0.9", 53), 0, true},
		{"IPv6", "deny in udp", udp("2001:db8::1", 1000, "2001:db8::9", 53), 0, true},
		{"ICMP", "deny in icmp", ping, 0, true},
		{"another source port", "deny in udp", udp("10.0.0.1", 1000, "10.0.0.9", 53), 1, true},
		{"another source port, and the policy tells others apart", "allow in udp from any port 67\ndeny in udp", udp("10.0.0.1", 1000, "10.0.0.9", 53), 1, true},
		{"a source port that the policy tells apart", "allow in udp from any port 68\ndeny in udp from any port 1001\ndeny in udp", udp("10.0.0.1", 1000, "10.0.0.9", 53), 1, false},
		{"established", "deny in udp\nallow in udp established", udp("10.0.0.1", 1000, "10.0.0.9", 53), 1, true},
		{"log", "deny in udp log", udp("10.0.0.1", 1000, "10.0.0.9", 53), 0, false},
		{"count", "count in udp\ndeny in udp", udp("10.0.0.1", 1000, "10.0.0.9", 53), 0, false},
	} {
		for hook, prog := range progs {
			gen := writePolicy(t, p, c.policy)
			keep(t, p, gen)
			once := func() bool {
				k := c.k
				c.k.SPort ^= c.ports
				code, err := prog.Run(&ebpf.RunOptions{Data: frameFor(k)})
				if err != nil {
					t.Fatal(err)
				}
				return code != map[Hook]uint32{XDPGeneric: drop, TCIngress: tcShot}[hook]
			}
			if got := remembered(t, p, gen, once); got != c.kept {
				t.Errorf("%s, %s: the verdict is kept: %t, want %t", hook, c.name, got, c.kept)
			}
		}
	}
}

// What is denied is let through as soon as the policy says so: another generation, one that comes back, a lease that ends by taking it
// back; and is counted where it belongs, once.
func TestADeniedFlowFollowsThePolicy(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, XDPGeneric)
	frame := udpFrame(1, 100)
	deny := writePolicy(t, p, "deny in udp")
	keep(t, p, deny)
	send := func(n int, pass bool) {
		t.Helper()
		for range n {
			if passes(t, prog, frame) != pass {
				t.Fatalf("it passes: %t, want %t", !pass, pass)
			}
		}
	}
	send(5, false)
	for range 3 {
		allow := writePolicy(t, p, "allow in udp")
		if err := p.TryPolicy(allow, nil, time.Minute); err != nil {
			t.Fatal(err)
		}
		send(4, true)
		if err := p.RestorePolicy(); err != nil {
			t.Fatal(err)
		}
		if c, err := p.PolicyCounts(allow); err != nil || c.Rules[0].Packets != 4 {
			t.Errorf("allowed were 4: %+v, %v", c, err)
		}
		send(3, false)
		if e := slotOf(t, p, frameKey(frame, 1)); e != nil {
			t.Errorf("a denied flow is in the table: %+v", e)
		}
	}
	counts, err := p.PolicyCounts(deny)
	if err != nil || counts.Rules[0].Packets != 14 || counts.Rules[0].Bytes != 1400 {
		t.Errorf("denied were 14: %+v, %v", counts.Rules, err)
	}
	c, err := p.Counters()
	if err != nil || c.Devices[1].DeniedIn != (Count{14, 1400}) || c.Devices[1].FoldedIn != (Count{12, 1200}) {
		t.Errorf("the device: %+v, %v", c.Devices[1], err)
	}
	if !remembered(t, p, deny, func() bool { return passes(t, prog, frame) }) {
		t.Error("a flow that was in the table is judged with each packet")
	}
	if err := p.Forget(1); err != nil {
		t.Fatal(err)
	}
	if again, err := p.PolicyCounts(deny); err != nil || again.Rules[0].Packets < counts.Rules[0].Packets {
		t.Errorf("the rule counted %d packets before its device went, %d after: %v", counts.Rules[0].Packets, again.Rules[0].Packets, err)
	}
}

// A flow that was denied is let through once its answer was seen, on whichever CPU.
func TestADeniedFlowMayBecomeEstablished(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	in, out := loadFor(t, p, 1, XDPGeneric), loadFor(t, p, 1, TCEgress)
	const text = "default in deny\nallow in udp established"
	gen := writePolicy(t, p, text)
	keep(t, p, gen)
	for n := range uint16(fewer(20)) {
		k := udp("10.0.0.9", 53, "10.0.0.1", 1000+n)
		on(t, 0, func() {
			for range 4 {
				if passes(t, in, frameFor(k)) {
					t.Errorf("%v: an answer to nothing passes", k)
				}
			}
		})
		asks := k
		asks.Dir, asks.Src, asks.Dst, asks.SPort, asks.DPort = acl.Out, k.Dst, k.Src, k.DPort, k.SPort
		on(t, 1, func() { run(t, out, frameFor(asks), false) })
		on(t, 0, func() {
			if !passes(t, in, frameFor(k)) || !passes(t, in, frameFor(k)) {
				t.Errorf("%v: its answer is denied", k)
			}
			k.SPort++ // the same but for a source port that no rule names
			if passes(t, in, frameFor(k)) {
				t.Errorf("%v: an answer to nothing passes beside one that is an answer", k)
			}
		})
	}
}

// on runs f on the n-th of the CPUs that this process has, or on the last one.
func on(t *testing.T, n int, f func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the thread ends with this
		var all, one unix.CPUSet
		err := unix.SchedGetaffinity(0, &all)
		for cpu := range 1024 {
			if all.IsSet(cpu) && n >= 0 {
				one = unix.CPUSet{}
				one.Set(cpu)
				n--
			}
		}
		if err == nil {
			err = unix.SchedSetaffinity(0, &one)
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// A rule that denied ends: what it denied is let through, also a flow that said nothing while it ended, whose verdict was kept.
func TestADenyRuleExpires(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, XDPGeneric)
	a := parsePolicy(t, "deny in udp\ndeny in tcp")
	a.Rules[1].Expires.At = time.Now().Add(time.Hour)
	talks, silent := udpFrame(1, 100), udpFrame(2, 100)
	keepForASecond(t, p, &a, func() bool {
		for range 3 {
			if passes(t, prog, talks) || passes(t, prog, silent) {
				return false
			}
		}
		return true
	})
	for late := time.After(30 * time.Second); !passes(t, prog, talks); {
		select {
		case <-late:
			t.Fatal("the rule does not end")
		default:
		}
	}
	p.PolicyState() // from now on verdicts are kept until the next rule ends
	if !passes(t, prog, silent) {
		t.Error("a verdict of before the rule ended holds")
	}
	p.PolicyState()
	if !passes(t, prog, talks) {
		t.Error("it came back")
	}
}

// One flow that is denied again and again fills the rule's last headers as its pace allows.
func TestRepeatedFlowsAreSampled(t *testing.T) {
	onOneCPU(t)
	const samples = 20
	p := openPipeline(t, Options{Flows: 64, Samples: samples})
	prog := loadFor(t, p, 1, XDPGeneric)
	keep(t, p, writePolicy(t, p, "deny in udp"))
	late := time.After(60 * time.Second)
	for got := 0; got < 3*samples; {
		select {
		case <-late:
			t.Fatalf("%d headers, want %d", got, 3*samples)
		default:
		}
		if passes(t, prog, udpFrame(1, 100)) {
			t.Fatal("it is not denied")
		}
		words, _ := told(t, p)
		got += len(words)
	}
	for _, hz := range []int{100, 250, 300, 1000} {
		for _, rate := range []int{1, 20, 64, 5000} {
			c := constants{hz: hz, rates: [2]int{0, rate}}
			if spans := float64(hz) / float64(int(1)<<c.repeatShift()); spans < float64(min(rate, hz)) || spans > float64(max(2*rate, hz)) {
				t.Errorf("%d Hz, %d headers a second: %.0f spans", hz, rate, spans)
			}
		}
	}
}

// Flows of a flood drive each other out, and what they counted is kept, by rule and by device; no allowed flow is driven out.
func TestDeniedFlowsThatCollideAreCounted(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, XDPGeneric)
	const known = 10
	text := "allow in udp from 10.0.0.0/28\ndeny in udp from 10.0.0.0/17\ndeny in udp from any port 1024-1026\ndeny in udp"
	a := parsePolicy(t, text)
	gen := writeACL(t, p, &a)
	keep(t, p, gen)
	rnd, want, denied := rand.New(rand.NewPCG(1, 2)), make([]uint64, 4), uint64(0)
	for i := range fewer(60_000) {
		n := rnd.Uint32N(1 << 16)
		if i < known {
			n = uint32(i) + 1
		}
		frame := udpFrame(n, 60+int(n%100))
		k := ktestPacket(frame)
		d := acl.Evaluate(&a, k, nil)
		want[d.Index]++
		if d.Verdict == acl.Deny {
			denied++
		}
		if passes(t, prog, frame) != (d.Verdict == acl.Allow) {
			t.Fatalf("packet %d: oracle %+v", i, d)
		}
	}
	counts, err := p.PolicyCounts(gen)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range counts.Rules {
		if r.Packets != want[i] {
			t.Errorf("rule %d counted %d packets, want %d", i, r.Packets, want[i])
		}
	}
	c, err := p.Counters()
	if err != nil || c.Devices[1].DeniedIn.Packets != denied || c.Stats.Evictions != 0 {
		t.Errorf("denied: %+v, want %d; %+v, %v", c.Devices[1].DeniedIn, denied, c.Stats, err)
	}
	live := 0
	if err := p.LiveDenied().Scan(nil, func(int, *Entry) bool { live++; return true }); err != nil {
		t.Fatal(err)
	}
	fresh, err := p.stat(uint32(bpf.XdpStatSTAT_NEW_DENIED))
	if err != nil || fresh != uint64(live) || live < 1000 || live > p.sizes.DeniedPerCPU*deniedWays {
		t.Errorf("%d entries, %d made of empty ones, %v", live, fresh, err)
	}
	t.Logf("%d packets denied, %d entries", denied, live)
}

// ktestPacket is the packet of a udpFrame on eth0.
func ktestPacket(frame []byte) acl.Packet {
	k := plainKey(frame)
	f := k.Decode()
	return acl.Packet{Dir: acl.In, Dev: "eth0", Src: f.Src.Netip(), Dst: f.Dst.Netip(), Proto: acl.UDP, SPort: f.SPort, DPort: f.DPort}
}

// Packets that differ in their source port, or in the type of ICMP, alone: the programs decide as the oracle, whatever came before.
func TestNeighboursOfDeniedFlows(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	progs := loadInstances(t, p)
	denied := 0
	for n := range fewer(60) {
		rnd := rand.New(rand.NewPCG(uint64(n), 8))
		a, text := randomPolicy(t, n, rnd)
		if limited(&a) {
			a.Rules = slices.DeleteFunc(a.Rules, func(r acl.Rule) bool { return r.Action == acl.Limit })
		}
		var ports []uint16
		for _, r := range a.Rules {
			for _, x := range r.From.Ports.List {
				ports = append(ports, x.Lo-1, x.Lo, x.Hi, x.Hi+1)
			}
		}
		gen := writeACL(t, p, &a)
		for slot := range p.policy.states {
			p.setGeneration(uint16(slot), gen)
		}
		src := newSource(&a, uint64(n))
		for range 60 {
			c := src.next()
			if c.seen || c.wire != len(c.frame) || len(c.frame) < 14+40 || !framable(c.k) {
				continue
			}
			for range 6 {
				if want := acl.Evaluate(&a, c.k, nil).Verdict; progs.verdict(t, c.k, frameOf(c.k, rnd)) != want {
					t.Fatalf("policy %d: %v: the oracle says %v, in\n%s", n, c.k, want, text)
				} else if want == acl.Deny {
					denied++
				}
				if c.k.SPort = uint16(rnd.Uint32()); len(ports) > 0 && rnd.IntN(3) > 0 {
					c.k.SPort = ports[rnd.IntN(len(ports))]
				}
				if c.k.Proto == acl.ICMP || c.k.Proto == acl.ICMPv6 {
					c.k.SPort, c.k.Type = 0, uint8(rnd.Uint32())
				} else if !slices.Contains([]uint8{acl.TCP, acl.UDP}, c.k.Proto) || c.k.Frag == acl.Later {
					c.k.SPort = 0
				}
			}
		}
	}
	if denied < fewer(1000) {
		t.Errorf("only %d packets were denied", denied)
	}
	t.Logf("%d packets denied", denied)
}
