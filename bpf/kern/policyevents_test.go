// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
	"hooktop/netcfg/acl"
)

// told reads what waits, each event in words: "rule 1 log sample deny".
func told(t testing.TB, p *Pipeline) (words []string, events []PolicyEvent) {
	t.Helper()
	p.ReadPolicyEvents(func(e *PolicyEvent) {
		by, index, ok := p.What(e.Gen, e.Hit)
		if !ok {
			t.Errorf("event of hit %d of generation %d, which nobody knows", e.Hit, e.Gen)
		}
		text := "default"
		if by == acl.ByRule {
			text = fmt.Sprintf("rule %d", index)
		}
		for _, flag := range []struct {
			on   bool
			word string
		}{{e.Log, "log"}, {e.Sample, "sample"}, {e.Deny, "deny"}, {e.Limited, "limited"}, {e.Bare, "bare"}} {
			if flag.on {
				text += " " + flag.word
			}
		}
		kept := *e
		kept.frame = e.Frame()
		words, events = append(words, text), append(events, kept)
	})
	return words, events
}

// Each program tells of each verdict what the rules ask for, with the frame's beginning.
func TestEventsOfEachVerdict(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64, LogRate: 1000, Samples: 1000})
	keep(t, p, writePolicy(t, p, strings.Join([]string{
		"default in deny", "default out deny",
		"count tcp log \"seen\"",                                   // 0
		"deny tcp to any port 23 log \"telnet\"",                   // 1
		"allow tcp to any port 80 log",                             // 2
		"deny udp to any port 53",                                  // 3
		"limit udp to any port 99 rate 1/h per source burst 1 log", // 4
		"allow udp to any port 98",                                 // 5
		"allow udp to any port 97 log",                             // 6
		"count icmp", "allow icmp type echo-request log",           // 7, 8
	}, "\n")))
	packet := func(proto uint8, port uint16) acl.Packet {
		k := udp("10.0.0.1", 1000, "10.0.0.9", port)
		k.Proto = proto
		return k
	}
	ping := acl.Packet{Dev: "eth0", Src: packet(17, 1).Src, Dst: packet(17, 1).Dst, Proto: acl.ICMP, Type: 8}
	for _, hook := range []Hook{XDPGeneric, TCIngress, TCEgress} {
		prog := loadFor(t, p, 1, hook)
		port := map[Hook]uint16{XDPGeneric: 1, TCIngress: 2, TCEgress: 3}[hook]
		for _, c := range []struct {
			name string
			k    acl.Packet
			want []string
		}{
			{"deny with log, past a count with log", packet(acl.TCP, 23), []string{"rule 0 log deny", "rule 1 log sample deny"}},
			{"again: deny is judged each time", packet(acl.TCP, 23), []string{"rule 0 log deny", "rule 1 log sample deny"}},
			{"allow with log, past a count with log", packet(acl.TCP, 80), []string{"rule 0 log", "rule 2 log"}},
			{"default, past a count with log", packet(acl.TCP, 81), []string{"rule 0 log deny", "default sample deny"}},
			{"deny without log", packet(acl.UDP, 53), []string{"rule 3 sample deny"}},
			{"allow without log", packet(acl.UDP, 98), nil},
			{"allow with log", packet(acl.UDP, 97), []string{"rule 6 log"}},
			{"again: the flow is known", packet(acl.UDP, 97), nil},
			{"allow with log, past a count without", ping, []string{"rule 8 log"}},
			{"again: it is judged each time", ping, []string{"rule 8 log"}},
			{"default", packet(acl.UDP, 96), []string{"default sample deny"}},
			{"malformed", acl.Packet{Malformed: true}, []string{"default sample deny bare"}},
			{"not IP", acl.Packet{NotIP: true}, []string{"default sample deny bare"}},
		} {
			c.k.SPort = 1000 + port // no flow of another hook
			frame := frameFor(c.k)
			if _, err := prog.Run(&ebpf.RunOptions{Data: frame}); err != nil {
				t.Fatal(err)
			}
			words, events := told(t, p)
			if !slices.Equal(words, c.want) {
				t.Errorf("%s, %s: %q, want %q", hook, c.name, words, c.want)
			}
			for _, e := range events {
				k := e.Key.Decode()
				if e.Len != len(frame) || !bytes.Equal(e.frame, frame[:min(len(frame), EventBytes)]) {
					t.Errorf("%s, %s: %d bytes, frame\n% x, want\n% x", hook, c.name, e.Len, e.frame, frame)
				}
				if k.Egress != (hook == TCEgress) || k.Dev != 1 || !e.Bare && (k.SPort != c.k.SPort && c.k.Proto != acl.ICMP || k.Proto != c.k.Proto) {
					t.Errorf("%s, %s: key %+v", hook, c.name, k)
				}
				if now := MonotonicNs(); e.At == 0 || e.At > now || now-e.At > uint64(time.Hour) {
					t.Errorf("%s, %s: at %d, it is %d", hook, c.name, e.At, now)
				}
			}
		}
		limited := packet(acl.UDP, 99)
		limited.Src = limited.Src.Next()
		limited.SPort = 2000 + port
		for i, want := range []string{"rule 4 log", "rule 4 log deny limited"} {
			if port > 1 {
				want = "rule 4 log deny limited" // the source's token is gone
			}
			if _, err := prog.Run(&ebpf.RunOptions{Data: frameFor(limited)}); err != nil {
				t.Fatal(err)
			}
			if words, _ := told(t, p); !slices.Equal(words, []string{want}) {
				t.Errorf("%s, limit, packet %d: %q, want %q", hook, i, words, want)
			}
		}
	}
}

// Frames of any length: what is beyond the 128th byte stays out, what is there comes whole.
func TestEventsOfFramesOfAllLengths(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64, Samples: 1 << 20})
	keep(t, p, writePolicy(t, p, "default in deny\ndefault out deny"))
	for _, hook := range []Hook{XDPGeneric, TCIngress, TCEgress} {
		prog := loadFor(t, p, 1, hook)
		for n := 14; n < 300; n++ {
			frame := make([]byte, n)
			for i := range frame {
				frame[i] = byte(n + i)
			}
			if _, err := prog.Run(&ebpf.RunOptions{Data: frame}); err != nil {
				t.Fatal(err)
			}
			_, events := told(t, p)
			if len(events) != 1 || events[0].Len != n || !bytes.Equal(events[0].frame, frame[:min(n, EventBytes)]) {
				t.Fatalf("%s, %d bytes: %+v", hook, n, events)
			}
		}
	}
}

// A log tells so much a second by the kernel's clock, and counts the rest; what is counted is told with the next event.
func TestAFloodIsToldAtItsPace(t *testing.T) {
	const rate, samples = 3, 5
	p := openPipeline(t, Options{Flows: 64, LogRate: rate, Samples: samples})
	prog := loadFor(t, p, 1, XDPGeneric)
	gen := writePolicy(t, p, "deny in udp log\ndefault in deny")
	keep(t, p, gen)
	frame := udpFrame(1, 100)
	begin := p.Clock()
	sent, logged, missed, sampled := uint64(0), uint64(0), uint64(0), uint64(0)
	late := time.After(30 * time.Second)
	for missed == 0 { // until a second event of the rule tells what came between
		select {
		case <-late:
			t.Fatal("no event tells of those that were not told of")
		default:
		}
		if passes(t, prog, frame) {
			t.Fatal("it is not denied")
		}
		sent++
		_, events := told(t, p)
		for _, e := range events {
			missed += e.Missed
			if e.Log {
				logged++
			}
			if e.Sample {
				sampled++
			}
		}
	}
	// A second has begun and one at least has ended; each CPU may have let one more through.
	seconds := uint64(p.Clock().Ago(begin.Jiffies)/time.Second) + 2
	most := uint64(p.sizes.CPUs) * seconds
	if logged > rate*seconds+most || logged < rate || sampled > samples*seconds+most || sampled < samples {
		t.Errorf("%d logged, %d sampled in %d seconds", logged, sampled, seconds)
	}
	c, err := p.PolicyCounts(gen)
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Rules[0]; r.Packets != sent || sent != logged+r.Missed || missed > r.Missed {
		t.Errorf("sent %d: counted %d, %d told of, %d not (%d of them announced)", sent, r.Packets, logged, r.Missed, missed)
	}
}

// Rings that nobody reads: every packet of a rule with log is told of, suppressed or counted as lost.
func TestEventsThatFindNoRoomAreCounted(t *testing.T) {
	const each = 20_000
	for _, rate := range []int{1 << 30, 500} {
		p := openPipeline(t, Options{Flows: 64, LogRate: rate, Samples: 1 << 30})
		prog := loadFor(t, p, 1, XDPGeneric)
		gen := writePolicy(t, p, "count in udp log\ndeny in udp log")
		keep(t, p, gen)
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				if _, err := prog.Run(&ebpf.RunOptions{Data: udpFrame(1, 100), Repeat: each}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		logged, sampled := [2]uint64{}, uint64(0)
		p.ReadPolicyEvents(func(e *PolicyEvent) {
			_, index, _ := p.What(e.Gen, e.Hit)
			if e.Log {
				logged[index]++
			}
			if e.Sample {
				sampled++
			}
		})
		c, err := p.Counters()
		if err != nil {
			t.Fatal(err)
		}
		counts, err := p.PolicyCounts(gen)
		if err != nil {
			t.Fatal(err)
		}
		sum := c.Stats.EventLost
		for i, r := range counts.Rules {
			if r.Packets != 2*each {
				t.Errorf("rule %d counted %d packets, sent were %d", i, r.Packets, 2*each)
			}
			sum += logged[i] + r.Missed
		}
		if sum != 4*each || sampled+c.Stats.SampleLost != 2*each {
			t.Errorf("rate %d: %d of %d: %v told of, %+v, %d lost; %d headers and %d lost", rate, sum, 4*each, logged, counts.Rules, c.Stats.EventLost, sampled, c.Stats.SampleLost)
		}
		if rate == 1<<30 && (c.Stats.EventLost == 0 || c.Stats.SampleLost == 0) {
			t.Errorf("the rings had room for everything: %+v", c.Stats)
		}
		t.Logf("rate %d: %v told of, %d and %d suppressed, %d lost; %d headers, %d lost", rate, logged, counts.Rules[0].Missed, counts.Rules[1].Missed,
			c.Stats.EventLost, sampled, c.Stats.SampleLost)
	}
}

// The reader sleeps until there is something, and no event finds it asleep for ever.
func TestTheReaderIsWokenForEachEvent(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64, LogRate: 1 << 30, Samples: 1 << 30})
	prog := loadFor(t, p, 1, XDPGeneric)
	keep(t, p, writePolicy(t, p, "deny in udp"))
	for i := range 2000 {
		sent := make(chan error, 1)
		go func() {
			_, err := prog.Run(&ebpf.RunOptions{Data: udpFrame(1, 100)})
			sent <- err
		}()
		for got := 0; got == 0; {
			if err := p.WaitPolicyEvents(); err != nil {
				t.Fatalf("event %d: %v", i, err)
			}
			for p.ReadPolicyEvents(func(*PolicyEvent) { got++ }) {
			}
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
	if err := p.RingPolicyEvents(); err != nil {
		t.Fatal(err)
	}
	if err := p.WaitPolicyEvents(); err != nil { // comes back without an event
		t.Fatal(err)
	}
}

// A dry run tells nobody.
func TestADryRunTellsNothing(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	gen := writePolicy(t, p, "count in udp log\ndeny in udp log\ndefault in deny")
	frames := []Judge{{Frame: udpFrame(1, 100), Slot: 1}, {Frame: make([]byte, 60), Slot: 1}}
	if _, err := p.JudgePolicy(gen, frames); err != nil {
		t.Fatal(err)
	}
	if words, _ := told(t, p); len(words) != 0 {
		t.Errorf("told: %q", words)
	}
}

func TestAnOdometerAddsUpWhatWraps(t *testing.T) {
	var o odometer
	for _, step := range []struct {
		shard, now uint32
		gained     uint64
	}{{0, 5, 5}, {1, 7, 7}, {0, 4, 0}, {0, 9, 4}, {0, 1 << 31, 1<<31 - 9}, {0, 1<<31 + 8, 8}, {0, 1<<32 - 2, 1<<31 - 10}, {0, 3, 5}} {
		if got := o.take(step.shard, step.now); got != step.gained {
			t.Errorf("%+v: gained %d", step, got)
		}
	}
}

// A tag that the device took out stands in the frame again.
func TestATagIsPutBack(t *testing.T) {
	frame := udpFrame(1, 200)
	e := PolicyEvent{frame: frame[:EventBytes], tag: 0x8100<<16 | 0x2064}
	got := e.Frame()
	if len(got) != EventBytes || binary.BigEndian.Uint32(got[12:]) != 0x81002064 || !bytes.Equal(got[:12], frame[:12]) || !bytes.Equal(got[16:], frame[12:EventBytes-4]) {
		t.Errorf("% x", got)
	}
}

// An event costs the reader no memory, however many come.
func TestDecodingAllocatesNothing(t *testing.T) {
	e := policyEvents{missed: map[ruleHit]*odometer{}}
	raw := bpf.XdpPolicyEvent{Gen: 3, Hit: 7, Flags: eventLog | eventSample, Captured: 60}
	e.decode(&raw)
	if n := testing.AllocsPerRun(100, func() { e.decode(&raw) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
