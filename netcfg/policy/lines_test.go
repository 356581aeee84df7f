// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// shown writes pairs as an editor would.
func shown(a, b File) string {
	var out []string
	for _, p := range Pairs(a, b) {
		switch {
		case p.Old == 0:
			out = append(out, "+ "+b.Line(p.New).String())
		case p.New == 0:
			out = append(out, "- "+a.Line(p.Old).String())
		case p.Moved:
			out = append(out, fmt.Sprintf("> %s (%d)", b.Line(p.New), p.Old))
		case a.Line(p.Old).String() != b.Line(p.New).String():
			out = append(out, "~ "+b.Line(p.New).String())
		default:
			out = append(out, "  "+b.Line(p.New).String())
		}
	}
	return strings.Join(out, "\n")
}

func TestPairsShowWhatAnEditorDid(t *testing.T) {
	base := parsed(t, "# web\nallow in  tcp to any port 80\ndeny  in  from 192.0.2.1\n\nset a { 10.0.0.0/8 }\nallow out\ndefault in deny\n")
	d := NewDraft(base)
	for _, e := range []Edit{
		{Verb: Replace, At: 2, Line: line(t, "deny udp")}, // nothing alike: its identity says so
		{Verb: Insert, At: 3, Line: line(t, "deny  in  from 192.0.2.2")},
		{Verb: Delete, At: 4},
		{Verb: Replace, At: 5, Line: line(t, "set a { 10.0.0.0/9 }")},
		{Verb: Move, At: 6, To: 1},
		{Verb: Toggle, At: 7},
	} {
		var err error
		if d, err = d.Do(e); err != nil {
			t.Fatal(err)
		}
	}
	want := "> allow out (6)\n  # web\n~ deny  udp\n~ deny  in  from 192.0.2.2\n  \n~ set a { 10.0.0.0/9 }\n~ off default in deny"
	if got := shown(base, d.File); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
	// The same texts without identities: nothing says any more that the first rule became the second.
	text := parsed(t, d.File.String())
	want = "> allow out (6)\n  # web\n+ deny  udp\n- allow in  tcp to any port 80\n~ deny  in  from 192.0.2.2\n  \n~ set a { 10.0.0.0/9 }\n~ off default in deny"
	if got := shown(base, text.Inherit(base)); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

// TestPairsAreWhole: every line of both files is told once, those of b in their order.
func TestPairsAreWhole(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 9))
	texts := []string{"deny  in  tcp to any port 23", "allow out", "# note", "", "count", "limit in  rate 5/s per source burst 5", "tunnel vxlan count"}
	random := func() File {
		var list []string
		for range rnd.IntN(12) {
			list = append(list, texts[rnd.IntN(len(texts))])
		}
		return parsed(t, strings.Join(append(list, ""), "\n"))
	}
	for range 2000 {
		a, b := random(), random()
		olds, next := map[int]bool{}, 1
		for _, p := range Pairs(a, b) {
			if p.Old > 0 && olds[p.Old] || p.New > 0 && p.New != next {
				t.Fatalf("%+v after %d lines of\n%s\nagainst\n%s", p, next-1, b, a)
			}
			if p.New > 0 {
				next++
			}
			if p.Old > 0 {
				olds[p.Old] = true
			}
		}
		if len(olds) != a.Len() || next != b.Len()+1 {
			t.Fatalf("%d of %d old lines and %d of %d new ones", len(olds), a.Len(), next-1, b.Len())
		}
	}
}

// TestLinesOfTunnelsAndChainsAreFoundAgain: one that was edited or switched off in its place is the same line.
func TestLinesOfTunnelsAndChainsAreFoundAgain(t *testing.T) {
	const a, b = "tunnel vxlan port 4789 vni 100 count\n", "tunnel vxlan port 4789 vni 200 count\n"
	const fw = "chain fw in lan0 match any service via 10.9.0.2 dev fw0 return fw1 via 10.9.0.6 mark %s upstream via 10.0.0.1 dev wan0 fail open\n"
	mark := func(m string) string { return strings.ReplaceAll(fw, "%s", m) }
	for _, c := range []struct {
		old, text string
		want      []Pair
	}{
		{a + b, a + "off " + b, []Pair{{1, 1, false}, {2, 2, false}}},
		{a + b, "off " + b, []Pair{{1, 0, false}, {2, 1, false}}},
		{a + b, strings.ReplaceAll(a, "100", "300") + b, []Pair{{1, 1, false}, {2, 2, false}}},
		{a, "tunnel geneve port 6081 vni any count\n", []Pair{{0, 1, false}, {1, 0, false}}},
		{mark("0x10/0xf0"), mark("0x20/0xf0"), []Pair{{1, 1, false}}},
		{mark("0x10/0xf0"), "off " + mark("0x10/0xf0"), []Pair{{1, 1, false}}},
	} {
		old, err := Parse(c.old)
		if err != nil {
			t.Fatal(err)
		}
		is, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Pairs(old, is); !slices.Equal(got, c.want) {
			t.Errorf("%q and %q: %v, want %v", c.old, c.text, got, c.want)
		}
	}
}
