// SPDX-License-Identifier: Apache-2.0

package column

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// filters are all forms of the language, with their canonical form.
func filters() [][2]string { return append(plainFilters(), joinedFilters()...) }

func plainFilters() [][2]string {
	return [][2]string{
		{"", ""},
		{"  ", ""},
		{"nginx", "nginx"},
		{"443", "443"},
		{"tcp 443", "tcp 443"},
		{"10.4.1.17", "10.4.1.17"},
		{`"10.4.1.17"`, `"10.4.1.17"`},
		{"10.4.", "10.4."},
		{"10.4.0.0/16", "10.4.0.0/16"},
		{"10.4.1.2/16", "10.4.0.0/16"},
		{"2001:db8::/32", "2001:db8::/32"},
		{"2001:db8::1", "2001:db8::1"},
		{"fe80:", `"fe80:"`},
		{"10.4.1.1-10.4.1.99", "10.4.1.1-10.4.1.99"},
		{"10.9.0.30-33", "10.9.0.30-10.9.0.33"},
		{"10.4.1.17:443", "10.4.1.17:443"},
		{"[2001:db8::1]:443", "[2001:db8::1]:443"},
		{"8000-8100", "8000-8100"},
		{">10k", "pps:>10k"},
		{"> 10k", "pps:>10k"},
		{"pps>10k", "pps:>10k"},
		{"pps > 10k", "pps:>10k"},
		{"pps:>10kpps", "pps:>10k"},
		{"bps:>=1.5Gb/s", "bps:>=1500M"},
		{"bytes:64KiB-1M", "bytes:65536-1M"},
		{"idle:<90s", "idle:<90s"},
		{"idle:>2m", "idle:>2m"},
		{"age:3d04h", "age:76h"},
		{"rtt:>10ms", "rtt:>10ms"},
		{"rtt:10ms-1500us", ""},
		{"proto:tcp !src:10.4.200.0/24", "proto:tcp !src:10.4.200.0/24"},
		{"proto:icmp", "proto:1,icmpv6"},
		{"proto:6,17", "proto:tcp,udp"},
		{"port:ssh,https,8000-8100", "port:22,443,8000-8100"},
		{"port:!22", "!port:22"},
		{"!port:!22", "port:22"},
		{"not not tcp", "tcp"},
		{"src:10.4", "src:10.4.0.0/16"},
		{"src:10.4.", "src:10.4.0.0/16"},
		{"src:2001:db8:", "src:2001:db8::/32"},
		{"from:10.0.0.1:443", "source:10.0.0.1:443"},
		{"host 10.0.0.1 and port 53", "host:10.0.0.1 port:53"},
		{"src host 10.0.0.1 or dst port 53", "src:10.0.0.1 or dport:53"},
		{"dst net 10.0.0.0/8", "dst:10.0.0.0/8"},
		{"vlan 10", "vlan:10"},
		{"host", `"host"`},
		{"proto tcp", "proto:tcp"},
	}
}

// joinedFilters have words between terms.
func joinedFilters() [][2]string {
	return [][2]string{
		{"a b or c d", "a b or c d"},
		{"a (b or c) d", "a (b or c) d"},
		{"!(a b)", "!(a b)"},
		{"!(a or b) c", "!(a or b) c"},
		{"((a))", "a"},
		{"(a b) c", "a b c"},
		{"(a or b) or c", "a or b or c"},
		{"a && b || c", "a b or c"},
		{"process:re:^ng(inx|x)", `process:re:"^ng(inx|x)"`},
		{"(process:re:a|b )", `process:re:"a|b"`},
		{`re:"a b"`, `re:"a b"`},
		{"process:=nginx", "process:=nginx"},
		{`process:=""`, `process:=""`},
		{`process:"a b",c`, `process:"a b",c`},
		{`process:a,"b,c"`, `process:a,"b,c"`},
		{"dev:eth*", "dev:eth*"},
		{"dev:eth0,=lo", "dev:eth0,lo"},
		{`dev:"x*y"`, `dev:="x*y"`},
		{"dir:o", "dir:out"},
		{"state:est", "state:established"},
		{"state:fin", "state:fin*"},
		{"state:=NEW-SYN-RECV", "state:=NEW-SYN-RECV"},
		{"state:=Established", "state:established"},
		{"flags:syn", "flags:S"},
		{"flags:SA,rst", "flags:SA,R"},
		{"flags:syn+ack", "flags:SA"},
		{"flags:=s", "flags:=S"},
		{"own:own", "way:own"},
		{"DEV:eth0", "dev:eth0"},
		{`"or"`, `"or"`},
		{`say"hi there"x`, `"sayhi therex"`},
		{`"a\"b\\c"`, `"a\"b\\c"`},
		{"a=b", `"a=b"`},
	}
}

func TestFilterCanonicalForm(t *testing.T) {
	s := Flows()
	for _, c := range filters() {
		f, err := s.Parse(c[0])
		if c[0] != "" && strings.TrimSpace(c[0]) != "" && c[1] == "" {
			if err == nil {
				t.Errorf("%q: parsed as %q, want an error", c[0], f)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c[0], err)
			continue
		}
		if got := f.String(); got != c[1] {
			t.Errorf("%q prints %q, want %q", c[0], got, c[1])
		}
		roundTrip(t, s, f)
	}
}

func roundTrip(t *testing.T, s *Set, f *Filter) {
	t.Helper()
	p := f.String()
	g, err := s.Parse(p)
	if err != nil {
		t.Fatalf("canonical %q does not parse: %v", p, err)
	}
	if !reflect.DeepEqual(f.root, g.root) {
		t.Fatalf("canonical %q parses to another filter: %#v, was %#v", p, g.root, f.root)
	}
	if g.String() != p {
		t.Fatalf("canonical %q prints as %q", p, g.String())
	}
}

func TestFilterErrors(t *testing.T) {
	s := Flows()
	for _, c := range []struct {
		in   string
		col  int
		want string
	}{
		{"port:99999", 5, "port: 99999 is over 65535"},
		{"port:90-80", 5, "port: 90-80 runs backwards"},
		{"tcp port:80,99999", 12, "port: 99999 is over 65535"},
		{"src:10.0.0.0/33", 4, "src: /33 is over 32"},
		{"src:lb-07", 4, "src: lb-07 is no address"},
		{"src:10.0.0.9-10.0.0.1", 4, "src: 10.0.0.9-10.0.0.1 runs backwards"},
		{"src:10.0.0.9-::1", 4, "src: 10.0.0.9-::1 mixes IPv4 and IPv6"},
		{"src:", 4, "src: needs a value"},
		{"port:,80", 5, "port: a value is missing beside the comma"},
		{"prot:tcp", 0, "prot: no such column"},
		{"proto:tpc", 6, "proto: tpc is no protocol that I know"},
		{"proto:300", 6, "proto: 300 is over 255"},
		{"idle:>soon", 5, "idle: soon is no duration"},
		{"pps:>", 4, "pps: a number is missing"},
		{"pps:1e9", 4, "pps: 1e9 is no number"},
		{"process:>5", 8, "process: > compares numbers"},
		{"dir:up", 4, "dir: up is none of in, out"},
		{"flags:xyz", 6, "flags: xyz is no TCP flag"},
		{"(a", 0, "(: not closed"},
		{"a)", 1, "): nothing is open"},
		{"a or", 4, "filter: something is missing at the end"},
		{"or a", 0, "filter: something is missing before or"},
		{"a ! )", 4, "): nothing is open"},
		{"(a !)", 4, "filter: something is missing before )"},
		{`"abc`, 0, `": the quote is not closed`},
		{`""`, 0, "filter: an empty word matches everything"},
		{"process:re:(", 8, "process: missing closing ): `(`"},
		{"a\x1bb", 1, "filter: control character U+1b"},
		{strings.Repeat("(", 100) + "a", 65, "filter: nested deeper than 64"},
		{strings.Repeat("a", 5000), 4096, "filter: over 4096 characters"},
	} {
		_, err := s.Parse(c.in)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: error %v, want %q", c.in, err, c.want)
			continue
		}
		if e.Msg != c.want || e.Col != c.col {
			t.Errorf("%q: %q at %d, want %q at %d", c.in, e.Msg, e.Col, c.want, c.col)
		}
	}
	if _, err := s.Parse("prot:tcp"); !strings.Contains(err.Error(), "did you mean proto:?") {
		t.Errorf("no hint in %v", err)
	}
}

func TestPredicateAgreesWithOracle(t *testing.T) {
	s := Flows()
	rnd := rand.New(rand.NewPCG(1, 2))
	hits := 0
	for _, c := range filters() {
		f, err := s.Parse(c[0])
		if err != nil {
			continue
		}
		match := f.Compile()
		for range 300 {
			r := FlowRow{Flow: randomFlow(rnd)}
			got, want := match(r), oracle(f, r)
			if got != want {
				t.Fatalf("%q on %+v: %v, oracle says %v", c[0], *r.Flow, got, want)
			}
			if got {
				hits++
			}
		}
	}
	if hits < 1000 {
		t.Errorf("only %d hits: the flows do not exercise the filters", hits)
	}
}

func FuzzFilter(f *testing.F) {
	for _, c := range filters() {
		f.Add(c[0], uint64(1))
	}
	s := Flows()
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		flt, err := s.Parse(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Msg == "" || e.Col < 0 || e.Col > len([]rune(text)) {
				t.Fatalf("%q: bad error %#v", text, err)
			}
			return
		}
		roundTrip(t, s, flt)
		match := flt.Compile()
		rnd := rand.New(rand.NewPCG(seed, 7))
		for range 8 {
			r := FlowRow{Flow: randomFlow(rnd)}
			if got, want := match(r), oracle(flt, r); got != want {
				t.Fatalf("%q on %+v: %v, oracle says %v", text, *r.Flow, got, want)
			}
		}
	})
}

func TestFilterMatches(t *testing.T) {
	r := FlowRow{Flow: &snap.Flow{
		Key:    snap.FlowKey{Src: addr("10.4.1.93"), Dst: addr("10.9.0.10"), SPort: 40112, DPort: 443, Proto: 6, Dev: 1, Egress: true},
		Device: "eth0", Packets: 10, Bytes: 1000, Idle: 3 * time.Second, TCPFlags: 0x12, Verdict: "pass",
		Owner: snap.Owner{PID: 7, Comm: "NGINX"}, TCP: snap.TCPInfo{State: "ESTABLISHED"},
	}}
	r.Rates[0].PPS = 180900
	for _, text := range []string{"nginx", "443", "10.9.0.10", "4.1.9", "tcp", ">100k", "port:443", "port:40112", "dport:https", "!sport:443", "host:10.9.0.10",
		"host:10.9.0.10:443", "net:10.9", "src:10.4.1.0/24", "dst:10.9.0.9-11", "dir:out", "dev:eth0", "dev:e*0", "idle:>2s", "idle:2s-4s", "flags:S",
		"flags:=SA", "state:est", "size:100", "vlan:0", "re:^10\\.9", "process:re:^NG", "pid:7", "way:no", "unanswered:no", "gone:0", "udp or tcp"} {
		if !mustParse(t, text).Compile()(r) {
			t.Errorf("%q does not match", text)
		}
	}
	for _, text := range []string{"udp", "44", "10.9.0.1", "port:80", "src:10.9.0.10", "dir:in", "dev:eth", "flags:=S", "flags:F", "rtt:>0", "rtt:<1h", "type:8", "host:10.9.0.10:80", "::/0", "src:::/0"} {
		if mustParse(t, text).Compile()(r) {
			t.Errorf("%q matches", text)
		}
	}
}

func TestCompiledPredicateAllocatesNothing(t *testing.T) {
	var r Row = &FlowRow{Flow: randomFlow(rand.New(rand.NewPCG(5, 6)))}
	for _, text := range []string{"proto:tcp !src:10.4.200.0/24", "443", "nosuchword", "2001:db8", "idle:<5s or dev:eth*", "host:10.0.0.0/8,::/0"} {
		match := mustParse(t, text).Compile()
		if n := testing.AllocsPerRun(100, func() { match(r) }); n != 0 {
			t.Errorf("%q: %v allocations a row", text, n)
		}
	}
}

func TestComplete(t *testing.T) {
	s := Flows()
	for _, c := range []struct{ in, want string }{
		{"pro", "proto: process:"},
		{"tcp !pro", "tcp !proto: tcp !process:"},
		{"proto:t", "proto:tcp"},
		{"proto:udp,t", "proto:udp,tcp"},
		{"dev:e", "dev:eth0 dev:eth1"},
		{"zzz:", ""},
	} {
		var got []string
		for _, x := range s.Complete(c.in, func(key string) []string { return []string{"eth0", "eth1"} }) {
			got = append(got, x.Text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func mustParse(t *testing.T, text string) *Filter {
	t.Helper()
	f, err := Flows().Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return f
}

func addr(s string) snap.Addr { return snap.AddrFrom(netip.MustParseAddr(s)) }
