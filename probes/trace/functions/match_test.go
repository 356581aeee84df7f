// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"errors"
	"math/rand/v2"
	"path"
	"strings"
	"testing"
)

func names(found []Function) string {
	var out []string
	for _, f := range found {
		out = append(out, f.Name)
	}
	return strings.Join(out, " ")
}

func TestMatch(t *testing.T) {
	c := newHost(t).load()
	for pattern, want := range map[string]string{
		"ip_rcv":                     "ip_rcv",
		"tcp_*,ip_rcv":               "ip_rcv tcp_ack.isra.0 tcp_v4_rcv",
		"*, !tcp_*  !nameless":       "ip_rcv nf_conntrack_in",
		"?p_rcv":                     "ip_rcv",
		"[it]*_rcv":                  "ip_rcv tcp_v4_rcv",
		"skb:kfree_skb":              "skb:kfree_skb",
		"*:*":                        "groupless skb:kfree_skb tcp:tcp_probe",
		"*:*,!tcp_probe,ip_rcv":      "groupless ip_rcv skb:kfree_skb",
		"*:*,!skb:*":                 "groupless tcp:tcp_probe",
		"tcp:*,tcp_*":                "tcp:tcp_probe tcp_ack.isra.0 tcp_v4_rcv",
		"tcp_probe":                  "tcp:tcp_probe",
		"net:groupless":              "groupless",
		"ip_rcv,ip_rcv,ip_*,!notone": "ip_rcv",
	} {
		got, err := c.Match(pattern, 100)
		if err != nil || names(got) != want {
			t.Errorf("%q matches %q (%v), want %q", pattern, names(got), err, want)
		}
	}
	if f, err := c.Match("ip_rcv", 1); err != nil || len(f[0].Args) != 2 || f[0].Args[0].Name != "skb" {
		t.Errorf("arguments are %+v (%v)", f, err)
	}
}

func TestMatchWhereOnlyEventsCanBeTraced(t *testing.T) {
	h := newHost(t)
	h.remove("/sys/bus/event_source/devices/kprobe")
	c := h.load()
	for pattern, want := range map[string]string{"*": "groupless skb:kfree_skb tcp:tcp_probe", "kfree_*": "skb:kfree_skb", "*,!tcp_*": "groupless skb:kfree_skb"} {
		got, err := c.Match(pattern, 100)
		if err != nil || names(got) != want {
			t.Errorf("%q matches %q (%v), want %q", pattern, names(got), err, want)
		}
	}
	for _, pattern := range []string{"ip_rcv", "ip_*"} {
		if _, err := c.Match(pattern, 100); err == nil || !strings.Contains(err.Error(), "this kernel offers no kprobes") {
			t.Errorf("%q: %v", pattern, err)
		}
	}
	if _, err := c.Match("*", 2); err == nil || !strings.Contains(err.Error(), "3 tracepoints") {
		t.Errorf("too many: %v", err)
	}
	if _, err := c.Match("ip_rvc", 100); err == nil || !errors.Is(err, ErrUnknown) ||
		!strings.Contains(err.Error(), "did you mean ip_rcv? (this kernel offers no kprobes") {
		t.Errorf("a name mistyped where no function can be traced: %v", err)
	}
}

func TestMatchSaysWhy(t *testing.T) {
	c := newHost(t).load()
	for pattern, want := range map[string]struct {
		is   error
		text string
	}{
		"ip_rvc":            {ErrUnknown, `trace "ip_rvc": ip_rvc: no such function in this kernel: did you mean ip_rcv?`},
		"tcp_v4_rcvv":       {ErrUnknown, `did you mean tcp_v4_rcv?`},
		"kfree_skbs":        {ErrUnknown, `did you mean skb:kfree_skb?`},
		"nothing_like_it":   {ErrUnknown, `trace "nothing_like_it": nothing_like_it: no such function in this kernel`},
		"zork*":             {ErrNothing, `trace "zork*": zork* matches nothing: no function of this kernel that can be traced has such a name`},
		"kfree_*":           {ErrNothing, `kfree_* matches nothing among the functions, but tracepoints: write *:kfree_*`},
		"ip_rcv,zork*":      {ErrNothing, `zork* matches nothing`},
		"skb:kfree_sbk":     {ErrNothing, `this kernel has no such tracepoint: did you mean skb:kfree_skb?`},
		"skb:zork*":         {ErrNothing, `this kernel has no tracepoint of such a name`},
		"ip_rcv,!ip_*":      {ErrNothing, `matches nothing once everything behind a ! is excluded`},
		"*":                 {ErrTooMany, `it matches too many: 5 functions, at most 3 at once: narrow it (tcp_v4_*), or exclude some (!*_get)`},
		"twice":             {ErrCannot, `trace "twice": twice cannot be traced: this kernel has more than one function of that name`},
		"inlined":           {ErrCannot, `inlined cannot be traced: the kernel has inlined it everywhere, or marked it notrace`},
		"kfree":             {ErrCannot, `kfree cannot be traced: the kernel forbids probes on it`},
		"":                  {nil, `read pattern "": it is empty`},
		" , ":               {nil, `it is empty`},
		"!ip_rcv":           {nil, `it only excludes: name what to trace first, like *,!ip_rcv`},
		"ip_*,!":            {nil, `! excludes nothing`},
		"tcp:":              {nil, `"tcp:" is no group:name`},
		":tcp":              {nil, `":tcp" is no group:name`},
		"ip_[":              {nil, `"ip_[": a [ has no ]`},
		"ip_\x1b[2J":        {nil, `"ip_\x1b[2J" has what no name of the kernel has`},
		"\x1b]0;x\a,ip_rcv": {nil, `"\x1b]0;x\a" has what no name`},
		"ip_\u202ervc":      {nil, `has what no name`},
	} {
		_, err := c.Match(pattern, 3)
		if err == nil || !strings.Contains(err.Error(), want.text) || want.is != nil && !errors.Is(err, want.is) {
			t.Errorf("%q: %v, want %q", pattern, err, want.text)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x1b\a") {
			t.Errorf("%q: the message passes control characters on: %q", pattern, err)
		}
	}
}

// Globs of stars alone are matched by code of their own: path.Match is its twin.
func TestGlobAgainstPathMatch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(letters string, most int) string {
		b := make([]byte, random.IntN(most+1))
		for i := range b {
			b[i] = letters[random.IntN(len(letters))]
		}
		return string(b)
	}
	hits := 0
	for range 200_000 {
		pattern, name := text("ab_*", 6), text("ab_", 9)
		want, err := path.Match(pattern, name)
		if err != nil {
			t.Fatal(err)
		}
		if want {
			hits++
		}
		if got := glob(pattern, name); got != want {
			t.Fatalf("%q matches %q: %v, path.Match says %v", pattern, name, got, want)
		}
	}
	if hits < 1000 {
		t.Errorf("only %d matched: the test shows nothing", hits)
	}
}

// FuzzPattern looks whether whatever is typed is refused or matched, and what matches is what its terms say one by one.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{"tcp_*,ip_rcv,!tcp_ack", "skb:*", "*:*,!*_skb", "!", "[", `\`, "a b,,c", "[^a]*", ":"} {
		f.Add(s)
	}
	c := newHost(f).load()
	f.Fuzz(func(t *testing.T, pattern string) {
		terms, err := parsePattern(pattern)
		if err != nil {
			return
		}
		found, err := c.Match(pattern, len(c.entries))
		if (err == nil) != (len(found) > 0) {
			t.Fatalf("%q: %d found and %v", pattern, len(found), err)
		}
		for _, f := range found {
			in := false
			for _, term := range terms {
				hit := term.matches(f.Name, f.Event, true)
				if in = in || hit && !term.not; hit && term.not {
					t.Errorf("%q: %s is excluded by %s", pattern, f.Name, term.text)
				}
			}
			if !in {
				t.Errorf("%q: no term stands for %s", pattern, f.Name)
			}
		}
		c.Search(pattern, 3)
	})
}
