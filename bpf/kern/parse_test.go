// SPDX-License-Identifier: Apache-2.0

package kern_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"hooktop/bpf/kern"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// The parser of the programs, through the very program that is attached, against tables and against the reference.

func openShadow(t testing.TB, l3 bool) *kern.Shadow {
	t.Helper()
	s, err := kern.OpenShadow(l3)
	if err != nil {
		t.Fatalf("open dry run: %+v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// flowText writes a key as the corpus does.
func flowText(k snap.FlowKey, flags uint8) string {
	end := func(a snap.Addr, port uint16) string { return netip.AddrPortFrom(a.Netip(), port).String() }
	s := fmt.Sprintf("%s > %s %d", end(k.Src, k.SPort), end(k.Dst, k.DPort), k.Proto)
	if k.VLAN != 0 {
		s += fmt.Sprintf(" vlan %d", k.VLAN)
	}
	if k.Stacked {
		s += " stacked"
	}
	s += [...]string{"", " first", " later"}[k.Frag]
	if flags != 0 {
		s += fmt.Sprintf(" flags %02x", flags)
	}
	return s
}

func foundText(f kern.Found) string {
	switch {
	case f.Flow:
		return flowText(f.Key.Decode(), f.TCPFlags)
	case f.Reason == "":
		return ktest.NotIP
	}
	return f.Reason
}

func TestParserTable(t *testing.T) {
	shadows := map[bool]*kern.Shadow{false: openShadow(t, false), true: openShadow(t, true)}
	for _, c := range corpus() {
		got, err := shadows[c.l3].Run(c.frame, c.wire)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if text := foundText(got); text != c.want {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
		if want := max(c.wire, len(c.frame)); got.Bytes != want {
			t.Errorf("%s: %d bytes counted, want %d", c.name, got.Bytes, want)
		}
		ref := ktest.Parse(ktest.Frame{Data: c.frame, Wire: c.wire, L3: c.l3, Slot: 1, Tag: -1})
		if text := refText(ref); text != c.want {
			t.Errorf("%s: the reference says %s, want %s", c.name, text, c.want)
		}
	}
}

func refText(p ktest.Parsed) string {
	if p.Why != "" {
		return p.Why
	}
	return flowText(p.Key, p.TCPFlags)
}

// compare runs a frame through program and reference.
func compare(t testing.TB, s *kern.Shadow, frame []byte, wire int, l3 bool) {
	t.Helper()
	got, err := s.Run(frame, wire)
	if err != nil {
		t.Fatal(err)
	}
	ref := ktest.Parse(ktest.Frame{Data: frame, Wire: wire, L3: l3, Slot: 1, Tag: -1})
	if foundText(got) != refText(ref) || got.Bytes != ref.Len || got.Flow && got.Key != kern.EncodeKey(ref.Key) {
		t.Fatalf("program: %s, %d bytes\nreference: %s, %d bytes\nwire %d, l3 %v, frame %x",
			foundText(got), got.Bytes, refText(ref), ref.Len, wire, l3, frame)
	}
}

// Every frame of the corpus, cut at every length: as a short frame, and as a capture of the whole one.
func TestParserCuts(t *testing.T) {
	shadows := map[bool]*kern.Shadow{false: openShadow(t, false), true: openShadow(t, true)}
	n := 0
	for _, c := range corpus() {
		for cut := kern.ShadowMin; cut <= len(c.frame); cut++ {
			compare(t, shadows[c.l3], c.frame[:cut], cut, c.l3)
			compare(t, shadows[c.l3], c.frame[:cut], max(c.wire, len(c.frame)), c.l3)
			n += 2
		}
	}
	t.Logf("%d frames, no difference", n)
}

// Random frames, and corpus frames with a few bytes changed: those get deep into the parser.
func TestParserRandom(t *testing.T) {
	rounds := 150_000
	if testing.Short() {
		rounds = 5_000 // a test run waits for RCU, a millisecond on an emulated 5.10
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	shadows := map[bool]*kern.Shadow{false: openShadow(t, false), true: openShadow(t, true)}
	all := corpus()
	flows := 0
	for range rounds {
		c := all[rnd.IntN(len(all))]
		frame := mutate(rnd, c)
		wire := len(frame)
		switch rnd.IntN(8) {
		case 0:
			wire += rnd.IntN(2000)
		case 1:
			wire += rnd.IntN(200_000)
		}
		compare(t, shadows[c.l3], frame, wire, c.l3)
		if ktest.Parse(ktest.Frame{Data: frame, Wire: wire, L3: c.l3, Tag: -1}).Why == "" {
			flows++
		}
	}
	if flows < rounds/10 || flows > rounds*9/10 {
		t.Errorf("%d of %d frames are flows: the generator misses one side", flows, rounds)
	}
	t.Logf("%d frames, %d of them flows, no difference", rounds, flows)
}

// interesting are values that lengths, offsets, protocols and tags trip over.
var interesting = [...]byte{0, 1, 4, 5, 6, 8, 17, 20, 43, 44, 0x45, 0x46, 50, 51, 58, 59, 60, 0x60, 0x81, 0x86, 0x88, 0xa8, 0xdd, 132, 135, 139, 140, 0xff}

func mutate(rnd *rand.Rand, c sample) []byte {
	frame := append([]byte(nil), c.frame...)
	head := 12
	if c.l3 {
		head = 0
	}
	for range rnd.IntN(5) {
		at := head + rnd.IntN(max(1, min(len(frame)-head, 90)))
		if at >= len(frame) {
			continue
		}
		if rnd.IntN(2) == 0 {
			frame[at] = interesting[rnd.IntN(len(interesting))]
		} else {
			frame[at] = byte(rnd.Uint32())
		}
	}
	switch rnd.IntN(6) {
	case 0:
		frame = frame[:kern.ShadowMin+rnd.IntN(len(frame)-kern.ShadowMin+1)]
	case 1:
		frame = append(frame, make([]byte, rnd.IntN(60))...)
	case 2:
		for i := range frame[head:] {
			if rnd.IntN(3) == 0 {
				frame[head+i] = byte(rnd.Uint32())
			}
		}
	}
	return frame
}

func FuzzParser(f *testing.F) {
	for _, c := range corpus() {
		f.Add(c.frame, uint32(c.wire), c.l3)
	}
	shadows := map[bool]*kern.Shadow{false: openShadow(f, false), true: openShadow(f, true)}
	f.Fuzz(func(t *testing.T, frame []byte, wire uint32, l3 bool) {
		if len(frame) < kern.ShadowMin || len(frame) > kern.ShadowMax {
			return
		}
		compare(t, shadows[l3], frame, max(len(frame), int(wire%1_000_000)), l3)
	})
}
