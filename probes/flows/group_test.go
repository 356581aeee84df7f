// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
)

func TestGroupsAddUp(t *testing.T) {
	s, c := filled(3000)
	join := &fakeJoin{}
	flows := slowAnswer(t, s, c.now, snap.FlowQuery{Sort: "pps", Filter: "proto:tcp"}, join)
	for _, by := range Groups() {
		v := s.Answer(c.now, snap.FlowQuery{Group: by[0], Filter: "proto:tcp", Limit: 5000}, join)
		if v.Rows != nil || len(v.Groups) != v.Matched || v.Matched < 2 {
			t.Fatalf("%s: %d rows, %d groups of %d", by[0], len(v.Rows), len(v.Groups), v.Matched)
		}
		var n int
		var packets, want uint64
		seen := map[string]bool{}
		for i, g := range v.Groups {
			n, packets = n+g.Flows, packets+g.Packets
			if i > 0 && g.Rates[0].PPS > v.Groups[i-1].Rates[0].PPS {
				t.Fatalf("%s: group %d is not in order", by[0], i)
			}
			if seen[g.Value] {
				t.Fatalf("%s: %q twice", by[0], g.Value)
			}
			seen[g.Value] = true
		}
		for i := range flows {
			want += flows[i].Packets
		}
		if n != len(flows) || packets != want {
			t.Errorf("%s: %d flows, %d packets in groups, want %d, %d", by[0], n, packets, len(flows), want)
		}
		last := v.Groups[len(v.Groups)-1].Value
		if last == "" {
			last = v.Groups[len(v.Groups)-2].Value
		}
		w := s.Answer(c.now, snap.FlowQuery{Group: by[0], Filter: "proto:tcp", Limit: 2, FollowGroup: last}, join)
		if w.Cursor < 0 || v.Groups[w.Cursor].Value != last {
			t.Errorf("%s: %q is followed to %d", by[0], last, w.Cursor)
		}
	}
}

func TestGroupValues(t *testing.T) {
	f := newFake(1, 8)
	s, c := New(f, Options{}), newClock(f)
	in := snap.FlowKey{Src: ip4(10, 1, 2, 3), Dst: ip4(192, 168, 0, 9), SPort: 40001, DPort: 443, Proto: 6, Dev: 1}
	out := snap.FlowKey{Src: in.Dst, Dst: in.Src, SPort: 443, DPort: 40001, Proto: 6, Dev: 1, Egress: true}
	ping := snap.FlowKey{Src: in.Src, Dst: in.Dst, SPort: 8 << 8, Proto: 1, Dev: 2}
	for _, k := range []snap.FlowKey{in, out, ping} {
		f.send(Encode(&k), 0, 10, 100, 0, false, 0)
	}
	collect(t, s, c.tick(time.Second))
	for _, g := range []struct{ by, want string }{
		{"source", "10.1.2.3×2 192.168.0.9×1"},
		{"destination", "192.168.0.9×2 10.1.2.3×1"},
		{"port", "443/tcp×2 icmp×1"},
		{"subnet", "10.1.2.0/24×3"},
		{"device", "eth0×2 eth1×1"},
		{"process", "postgres×1 curl×1 a-very-long-process-name-1×1"},
	} {
		var got []string
		for _, x := range s.Answer(c.now, snap.FlowQuery{Group: g.by, Sort: "flows", Limit: 9}, &fakeJoin{}).Groups {
			got = append(got, fmt.Sprintf("%s×%d", x.Value, x.Flows))
		}
		slices.Sort(got)
		want := strings.Fields(g.want)
		slices.Sort(want)
		if !slices.Equal(got, want) && g.by != "process" {
			t.Errorf("%s: %q, want %q", g.by, got, want)
		}
	}
}

func TestUnanswered(t *testing.T) {
	f := newFake(1, 64)
	s, c := New(f, Options{}), newClock(f)
	rnd := rand.New(rand.NewPCG(3, 3))
	want := map[snap.FlowKey]bool{}
	for i := range 20 {
		k := snap.FlowKey{Src: ip4(10, 0, 0, i), Dst: ip4(10, 9, 0, 1), SPort: uint16(1000 + i), DPort: 22, Proto: 6, Dev: 1}
		f.send(Encode(&k), 0, 3, 60, []uint8{synFlag, synFlag | 0xc0, 0x12}[i%3], false, 0)
		back := snap.FlowKey{Src: k.Dst, Dst: k.Src, SPort: k.DPort, DPort: k.SPort, Proto: 6, Dev: 2, VLAN: 10, Egress: rnd.IntN(2) == 0}
		reply := i%4 == 0
		if reply {
			f.send(Encode(&back), 0, 1, 60, 0x14, false, 0)
		}
		want[k] = i%3 < 2 && !reply
	}
	collect(t, s, c.tick(time.Second))
	n := 0
	for _, r := range all(s, c.now) {
		if r.Unanswered != want[r.Key] {
			t.Errorf("%v: unanswered %v", r.Key, r.Unanswered)
		}
		if r.Unanswered {
			n++
		}
	}
	if v := s.Answer(c.now, snap.FlowQuery{Filter: "unanswered:yes", Limit: 64}, nil); v.Matched != n || n == 0 {
		t.Errorf("the filter finds %d, rows say %d", v.Matched, n)
	}
	k := snap.FlowKey{Src: ip4(10, 9, 0, 1), Dst: ip4(10, 0, 0, 1), SPort: 22, DPort: 1001, Proto: 6, Dev: 3}
	f.send(Encode(&k), 0, 1, 60, 0x14, false, 0)
	collect(t, s, c.tick(time.Second))
	if v := s.Answer(c.now, snap.FlowQuery{Filter: "unanswered:yes", Limit: 64, Rerank: true}, nil); v.Matched != n-1 {
		t.Errorf("after a reset came back %d are unanswered, want %d", v.Matched, n-1)
	}
}

func TestTrendOfRowsInView(t *testing.T) {
	x := newFour(4000, 3000, 2000)
	q := snap.FlowQuery{Limit: 2}
	x.run(1)
	x.s.Answer(x.c.now, q, nil)
	for i := range 70 {
		x.run(1)
		v := x.s.Answer(x.c.now, q, nil)
		for j, r := range v.Rows {
			if len(r.Trend) != min(i+1, trendLen) {
				t.Fatalf("after %d s %d values", i+1, len(r.Trend))
			}
			for _, p := range r.Trend {
				if p != float32(x.pps[j]) {
					t.Fatalf("row %d: %v, sent %d a second", j, r.Trend, x.pps[j])
				}
			}
		}
	}
	if n := len(x.s.trends.flows); n != 2 {
		t.Errorf("%d histories for 2 rows in view", n)
	}
	for range 70 {
		x.run(1)
	}
	if n := len(x.s.trends.flows); n != 0 {
		t.Errorf("%d histories a minute after the last look", n)
	}
}

func TestJoinsAreBudgeted(t *testing.T) {
	s, c := filled(3 * joinBudget)
	join := &fakeJoin{}
	q := snap.FlowQuery{Filter: "process:nginx", Limit: 10}
	matched := 0
	for i := range 3 {
		v := s.Answer(c.now, q, join)
		if join.owners > (i+1)*(joinBudget+10) {
			t.Fatalf("answer %d asked for %d owners", i, join.owners)
		}
		if v.Partial != (i < 2) {
			t.Errorf("answer %d: partial %v", i, v.Partial)
		}
		if v.Matched <= matched {
			t.Fatalf("answer %d knows %d flows of nginx, %d before", i, v.Matched, matched)
		}
		matched = v.Matched
	}
	asked := join.owners
	if v := s.Answer(c.now, q, join); v.Partial || v.Matched != matched || join.owners-asked > 10 {
		t.Errorf("a fourth answer asked for %d owners more and finds %d, before %d", join.owners-asked, v.Matched, matched)
	}
}
