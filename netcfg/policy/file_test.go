// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"hooktop/netcfg/acl"
)

// sample has every clause of the language; canonical is how it is printed.
const (
	sample = `# edge policy

default in  allow
set scanners { 203.0.113.7, 198.51.100.0/24, 2001:db8:bad::/48 }
deny  in  from @scanners                                   log "known scanners"
deny  in  tcp from any to any port 2323, 23,8000-8100       log
limit in  tcp to 10.0.0.5 port 443 rate 500/s per source burst 100
count in  udp to any port 53                               # a rule that only counts
allow in  icmp from 10.0.0.0/8 expires 15m
deny  out dev eth1 tcp to 192.0.2.0/24
tunnel vxlan  port 4789 vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.50.0.0/16 strip
off	chain fw in lan0 match tcp to any port 443 service via 10.9.0.2   dev fw0 return fw1 mark 16/0XF0 upstream via 10.0.0.1 dev wan0 fail open both # web
off deny in 17 from not ::ffff:10.0.0.0/104 port not 1024-65535
allow established log "a \"b\" \\c"
limit out icmpv6,1 type neighbour-solicitation,echo-request rate 60/m per source
deny not tcp,6,udp vlan not 12 vni 100 dev not "log"
allow in icmpv4 type not 42,0 expires 2030-01-02T05:04:05+02:00
`
	canonical = `# edge policy

default in allow
set scanners { 198.51.100.0/24, 203.0.113.7, 2001:db8:bad::/48 }
deny  in  from @scanners log "known scanners"
deny  in  tcp to any port 23,2323,8000-8100 log
limit in  tcp to 10.0.0.5 port 443 rate 500/s per source burst 100
count in  udp to any port 53  # a rule that only counts
allow in  icmp from 10.0.0.0/8 expires 15m
deny  out tcp to 192.0.2.0/24 dev eth1
tunnel vxlan port 4789 vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.50.0.0/16 strip
off chain fw in lan0 match tcp to any port 443 service via 10.9.0.2 dev fw0 return fw1 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail open  # web
off deny  in  udp from not 10.0.0.0/8 port not 1024-65535
allow established log "a \"b\" \\c"
limit out icmp type neighbour-solicitation,echo-request rate 60/m per source burst 1
deny  not tcp,udp dev not "log" vlan not 12 vni 100
allow in  icmpv4 type not echo-reply,42 expires 2030-01-02T03:04:05Z
`
)

func parsed(t *testing.T, text string) File {
	t.Helper()
	f, err := Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return f
}

func TestCanonicalForm(t *testing.T) {
	f := parsed(t, sample)
	if got := f.String(); got != canonical {
		t.Errorf("got\n%s\nwant\n%s", got, canonical)
	}
	if again := parsed(t, canonical); !reflect.DeepEqual(again, f) {
		t.Errorf("Parse(Print(f)) differs:\n%v\n%v", again, f)
	}
	if crlf := parsed(t, strings.ReplaceAll(sample, "\n", "\r\n")); !reflect.DeepEqual(crlf, f) {
		t.Error("the same with CRLF is another file")
	}
	if bare := parsed(t, strings.TrimSuffix(sample, "\n")); !reflect.DeepEqual(bare, f) {
		t.Error("the same without its last newline is another file")
	}
	p := f.ACL()
	if p.In != acl.Allow || p.InLine != 3 || p.OutLine != 0 || len(p.Rules) != 11 || p.Rules[0].Line != 5 || len(p.Sets) != 1 {
		t.Errorf("ACL: %+v", p)
	}
}

func TestExpiryBecomesAbsoluteAtTheCommit(t *testing.T) {
	f := parsed(t, "allow in icmp expires 15m # x\ndeny in\n")
	id := f.Line(1).Rule.ID
	now := time.Date(2030, 1, 1, 12, 0, 0, 1, time.FixedZone("", 3600))
	g := f.Resolve(now)
	if got := g.Line(1).String(); got != "allow in  icmp expires 2030-01-01T11:15:01Z  # x" {
		t.Errorf("resolved: %s", got)
	}
	if g.Line(1).Rule.ID != id || f.Line(1).Rule.Expires.After == 0 {
		t.Errorf("the identity changed to %v, or the draft itself did", g.Line(1).Rule.ID)
	}
	if again := parsed(t, g.String()); !reflect.DeepEqual(again, g) {
		t.Error("the resolved file does not read back")
	}
}

// Parse(Print(p)) == p, and Print(Parse(text)) is a fixpoint.
func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add(canonical)
	for _, c := range mistakes {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse(text)
		if err != nil {
			e, ok := err.(*Errors)
			if !ok || len(e.List) == 0 || len(e.List) > MaxErrors || file.Len() != 0 {
				t.Fatalf("%T with %v", err, file)
			}
			for _, one := range e.List {
				if one.Line < 1 || one.Col < 1 || one.Msg == "" || strings.ContainsAny(one.Error(), "\n\x1b") {
					t.Fatalf("%+v", one)
				}
			}
			return
		}
		printed := file.String()
		again, err := Parse(printed)
		if err != nil {
			t.Fatalf("%v in the canonical form\n%s\nof %q", err, printed, text)
		}
		if !reflect.DeepEqual(file, again) {
			t.Fatalf("not the same:\n%s\n%s", printed, again)
		}
		if again.String() != printed {
			t.Fatalf("no fixpoint:\n%q\n%q", printed, again.String())
		}
	})
}

// grammar makes random lines from pieces that mostly fit together.
func grammar(r *rand.Rand) string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	var w []string
	maybe := func(s ...string) {
		if r.IntN(3) == 0 {
			w = append(w, pick(s...))
		}
	}
	w = append(w, pick("allow", "deny", "count", "limit", "off deny"))
	limit := w[0] == "limit"
	maybe("in", "out")
	addr := []string{"any", "10.0.0.0/8", "not 10.1.2.3", "@a", "not @b", "2001:db8::/32", "::1", "0.0.0.0/0", "::/0"}
	ports := []string{" port 22", " port not 1-1024", " port 80,443,8000-8100"}
	switch r.IntN(3) {
	case 0:
		w = append(w, pick("tcp", "udp", "sctp", "tcp,udp"), "from", pick(addr...)+pick(append(ports, "")...), "to", pick(addr...)+pick(ports...))
	case 1:
		w = append(w, pick("icmp", "icmpv6,icmpv4"))
		maybe("type echo-request", "type not echo-reply,redirect")
	default:
		maybe("47", "not tcp", "esp,ah", "255")
		w = append(w, "to "+pick(addr...))
	}
	maybe("established")
	maybe("dev eth0", "dev not lo", `dev "in"`)
	maybe("vlan 12", "vlan not 1")
	maybe("vni 77", "vni not 16777215")
	if limit {
		w = append(w, pick("rate 5/s per source", "rate 90/m per source burst 7", "rate 1/h per source burst 1000000"))
	}
	maybe("log", `log "x y"`)
	maybe("expires 90s", "expires 366d", "expires 2031-01-01T00:00:00Z")
	maybe("# note", "#", "## x #")
	return strings.Join(w, pick(" ", "  ", "\t"))
}

func TestRandomLinesReadBack(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	for range 3000 {
		text := "set a { 10.0.0.0/8 }\nset b { }\n" + grammar(r) + "\n"
		f := parsed(t, text)
		again := parsed(t, f.String())
		if !reflect.DeepEqual(f, again) || again.String() != f.String() {
			t.Fatalf("%q\n%v\n%v", text, f, again)
		}
	}
}

// tenThousand is a policy of that many rules.
func tenThousand() string {
	var b strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&b, "deny in tcp from 10.%d.%d.0/24 port 1024-65535 to 192.0.2.%d port 80,443,8000-8100 log \"rule %d\" # %d\n", i/250, i%250, i%200, i, i)
	}
	return b.String()
}

func BenchmarkParse10000(b *testing.B) {
	text := tenThousand()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

func TestHostileTextIsBounded(t *testing.T) {
	for name, text := range map[string]string{
		"lines of errors": strings.Repeat("x\n", 60000),
		"lines":           strings.Repeat("\n", MaxLines+10),
		"one long line":   strings.Repeat("a", MaxBytes),
		"commas":          "deny tcp to any port " + strings.Repeat("1,", 400000) + "1",
		"clauses":         "deny " + strings.Repeat("in ", 300000),
		"members":         "set a { " + strings.Repeat("1.1.1.1,", 100000) + " }",
		"bad members":     "set a { " + strings.Repeat("x ", 400000) + " }",
		"quotes":          strings.Repeat(`log "`, 200000),
		"too large":       strings.Repeat("a", MaxBytes+1),
		"wide":            strings.Repeat("é", 400000),
		"not":             "deny " + strings.Repeat("not ", 200000),
		"blanks":          "\v\u00a0\u2003",
	} {
		_, err := Parse(text)
		if err == nil {
			continue
		}
		if n := len(err.(*Errors).List); n > MaxErrors {
			t.Errorf("%s: %d errors", name, n)
		}
		if len(err.Error()) > 400 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}
