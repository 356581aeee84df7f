// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestSearch(t *testing.T) {
	c := newHost(t).load()
	for text, want := range map[string]string{
		"":           "ip_rcv nf_conntrack_in skb:kfree_skb tcp:tcp_probe tcp_v4_rcv groupless nameless tcp_ack.isra.0",
		"rcv":        "ip_rcv tcp_v4_rcv",
		"tcp":        "tcp_v4_rcv tcp:tcp_probe tcp_ack.isra.0",
		"tcp_probe":  "tcp:tcp_probe",
		"tcpr":       "tcp_v4_rcv tcp:tcp_probe tcp_ack.isra.0",
		"v4 TCP":     "tcp_v4_rcv",
		"nfin":       "nf_conntrack_in",
		"tcp_*":      "tcp:tcp_probe tcp_v4_rcv tcp_ack.isra.0",
		"*,!*_rcv":   "nf_conntrack_in skb:kfree_skb tcp:tcp_probe groupless nameless tcp_ack.isra.0",
		"tcp_[":      "",
		"kfree":      "skb:kfree_skb", // the function of that name is forbidden
		"twice":      "",
		"zork":       "",
		"skb:kf":     "skb:kfree_skb",
		"\xff\x00zz": "",
	} {
		got, total := c.Search(text, 100)
		if names(got) != want || total != len(got) {
			t.Errorf("%q finds %q of %d, want %q", text, names(got), total, want)
		}
	}
	if got, total := c.Search("", 2); names(got) != "ip_rcv nf_conntrack_in" || total != 8 {
		t.Errorf("the first two are %q of %d", names(got), total)
	}
	if got, total := c.Search("", 0); len(got) != 0 || total != 8 {
		t.Errorf("none are %q of %d", names(got), total)
	}
	if got, _ := c.Search("ip_rcv", 1); got[0].Signature == "" || got[0].SKB != 0 {
		t.Errorf("ip_rcv is %+v", got[0])
	}
}

// The heap of the best is compared with sorting all.
func TestBestAgainstSorting(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		all := make([]hit, random.IntN(60))
		best := make([]hit, 0, random.IntN(20))
		for i := range all {
			all[i] = hit{int32(random.IntN(10)), int32(i)}
			best = push(best, all[i])
		}
		order := func(a, b hit) int {
			if a.worse(b) {
				return 1
			}
			return -1
		}
		slices.SortFunc(all, order)
		slices.SortFunc(best, order)
		if want := all[:min(len(all), cap(best))]; !slices.Equal(best, want) {
			t.Fatalf("best %v, want %v", best, want)
		}
	}
}

// A word is found exactly when its letters stand in the name in that order.
func TestLikenessAgainstSubsequences(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	text := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abc_"[random.IntN(4)]
		}
		return string(b)
	}
	for range 50_000 {
		name, word := text(random.IntN(12)), text(1+random.IntN(4))
		rest, in := word, false
		for i := range len(name) {
			if rest != "" && name[i] == rest[0] {
				rest = rest[1:]
			}
		}
		in = rest == ""
		score := likeness(name, word)
		if (score >= 0) != in {
			t.Fatalf("%q in %q: score %d", word, name, score)
		}
		if piece := strings.Contains(name, word); piece != (score >= wholePiece) {
			t.Fatalf("%q in %q in one piece: score %d", word, name, score)
		}
		if set := letters(word); in && letters(name)&set != set {
			t.Fatalf("%q is in %q, but its letters are not", word, name)
		}
	}
}

// slowDistance is optimal string alignment by its definition.
func slowDistance(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	i, j := len(a)-1, len(b)-1
	change := 1
	if a[i] == b[j] {
		change = 0
	}
	best := min(slowDistance(a[:i], b)+1, slowDistance(a, b[:j])+1, slowDistance(a[:i], b[:j])+change)
	if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
		best = min(best, slowDistance(a[:i-1], b[:j-1])+1)
	}
	return best
}

func TestDistanceAgainstItsDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	text := func() string {
		b := make([]byte, random.IntN(7))
		for i := range b {
			b[i] = "abc"[random.IntN(3)]
		}
		return string(b)
	}
	for range 5000 {
		a, b, limit := text(), text(), random.IntN(5)
		want := min(slowDistance(a, b), limit+1)
		if got := distance(a, b, limit); got != want {
			t.Fatalf("%q to %q within %d: %d, want %d", a, b, limit, got, want)
		}
	}
	if got := distance(strings.Repeat("a", 300), strings.Repeat("a", 300), 4); got != 5 {
		t.Errorf("a name of 300 letters is %d away: longer ones than the kernel has are not compared", got)
	}
}

func TestNearest(t *testing.T) {
	c := newHost(t).load()
	for name, want := range map[string]string{"tcp_v4_rvc": "tcp_v4_rcv", "ip_rcv": "ip_rcv", "tcp:tcp_prob": "tcp:tcp_probe", "kfree_sk": "skb:kfree_skb",
		"KFREE_SKB": "skb:kfree_skb", "x": "", "": "", "nf_contrack_in": "nf_conntrack_in"} {
		if got := strings.Join(c.Nearest(name, 3), " "); got != want {
			t.Errorf("nearest to %q: %q, want %q", name, got, want)
		}
	}
}
