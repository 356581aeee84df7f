// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"hooktop/probes/snap"
)

func addr(s string) snap.Addr { return snap.AddrFrom(netip.MustParseAddr(s)) }

// hop is a TCP packet that filters are asked about.
func hop() Packet {
	return Packet{Has: true, NetNS: 4026532177, Dev: "eth0", Mark: 0x15, PID: 4711, Comm: "nginx", Key: snap.FlowKey{
		Src: addr("10.0.0.1"), Dst: addr("192.0.2.7"), SPort: 40000, DPort: 443, Proto: 6}}
}

func TestFilterTerms(t *testing.T) {
	six := hop()
	six.Key.Src, six.Key.Dst = addr("2001:db8::1"), addr("2001:db8::2")
	ping := hop()
	ping.Key.Proto, ping.Key.SPort, ping.Key.DPort = 58, 128<<8, 0
	later := hop()
	later.Key.Frag, later.Key.SPort, later.Key.DPort = snap.FragLater, 0, 0
	bare := hop()
	bare.Has, bare.Key, bare.NetNS = false, snap.FlowKey{}, 0 // its namespace is not known yet
	for _, c := range []struct {
		filter                       string
		hop, six, ping, later, naked bool
	}{
		{"", true, true, true, true, true},
		{"tcp", true, true, false, true, false},
		{"icmp", false, false, true, false, false},
		{"udp", false, false, false, false, false},
		{"ip", true, false, true, true, false},
		{"ip6", false, true, false, false, false},
		{"host 10.0.0.1", true, false, true, true, false},
		{"dst host 10.0.0.1", false, false, false, false, false},
		{"src net 10.0.0.0/8 and dst net 192.0.2.0/24", true, false, true, true, false},
		{"net 2001:db8::/32", false, true, false, false, false},
		{"net 0.0.0.0/0", true, false, true, true, false},
		{"net ::/0", false, true, false, false, false},
		{"port 443", true, true, false, false, false},
		{"src port 443", false, false, false, false, false},
		{"port 0", false, false, false, false, false},
		{"dev eth0 mark 0x5/0xf pid 4711 process nginx", true, true, true, true, true},
		{"mark 0x15", true, true, true, true, true},
		{"mark 0x5", false, false, false, false, false},
		{"flow 10.0.0.1:40000 > 192.0.2.7:443", true, false, false, false, false},
		{"flow 192.0.2.7:443>10.0.0.1:40000", true, false, false, false, false},
		{"flow 192.0.2.7:40000 > 10.0.0.1:443", false, false, false, false, false},
		{"flow 192.0.2.7 > 10.0.0.1", true, false, true, true, false},
		{"flow [2001:db8::1]:40000 > [2001:db8::2]:443", false, true, false, false, false},
		{`process "Web Content"`, false, false, false, false, false},
		{"netns all", true, true, true, true, true},
		{"netns 4026532177 tcp", true, true, false, true, false},
		{"netns 4026531840", false, false, false, false, true},
	} {
		f, err := ParseFilter(c.filter)
		if err != nil {
			t.Errorf("%q: %v", c.filter, err)
			continue
		}
		for _, p := range []struct {
			name   string
			packet Packet
			want   bool
		}{{"hop", hop(), c.hop}, {"ip6", six, c.six}, {"ping", ping, c.ping}, {"fragment", later, c.later}, {"no header", bare, c.naked}} {
			if got := f.Match(&p.packet); got != p.want {
				t.Errorf("%q on %s: %v", c.filter, p.name, got)
			}
		}
	}
}

func TestFilterErrorsSayWhereAndWhat(t *testing.T) {
	for _, c := range []struct {
		filter    string
		col       int
		msg, hint string
	}{
		{"tcp port", 8, "port needs a value", "port 443"},
		{"tcp prot 443", 4, `"prot" is no term`, "flow"},
		{"host 10.0.0", 5, "is no address", "host 10.0.0.1"},
		{"host 10.1.2.3/8", 5, "is no address", "net 10.0.0.0/8"},
		{"netns own", 6, "is no number", "netns all"},
		{"netns 0", 6, "no namespace", "netns all"},
		{"net 10.0.0.1/8", 4, "bits behind its length", "net 10.0.0.0/8"},
		{"port 65536", 5, "is over 65535", "port 443"},
		{"port -1", 5, "is no number", ""},
		{"mark 0x11/0x10", 5, "never holds", "mark 0x10/0x10"},
		{"mark 1/zz", 7, "is no number", ""},
		{"10.0.0.1", 0, "no term", "host 10.0.0.1"},
		{"443", 0, "no term", "port 443"},
		{"tcp or udp", 4, "no term", "there is no or"},
		{"src tcp", 4, "followed by host, net or port", ""},
		{"flow 10.0.0.1:1 10.0.0.2:2", 16, "stands between", "flow"},
		{"flow 10.0.0.1:1 > 10.0.0.2", 18, "one end has a port", ""},
		{"flow 10.0.0.1:1 > [::1]:2", 18, "IPv4, the other IPv6", ""},
		{"dev averyveryverylongname", 4, "longer than the 15 bytes", "dev averyveryverylo"},
		{`process "x`, 8, "not closed", ""},
		{"tcp and", 7, `nothing follows "and"`, ""},
		{"and tcp", 0, "no term", ""},
		{"tcp tcp tcp tcp tcp tcp tcp tcp tcp", 32, "more than 8 terms", ""},
	} {
		_, err := ParseFilter(c.filter)
		var bad *FilterError
		if !errors.As(err, &bad) {
			t.Errorf("%q: %v", c.filter, err)
			continue
		}
		if bad.Col != c.col || !strings.Contains(bad.Msg, c.msg) || !strings.Contains(bad.Hint, c.hint) {
			t.Errorf("%q: column %d, %q, hint %q", c.filter, bad.Col, bad.Msg, bad.Hint)
		}
	}
}

// What is printed reads back to the same filter, and a filter that is taken can be compiled.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"tcp port 443", "src host 10.0.0.1 and dst net 2001:db8::/32", "flow 10.0.0.1:1 > 10.0.0.2:2", "flow ::1 > ::2",
		`process "Web Content" dev eth0`, "mark 0x10/0xf0 pid 1", "icmp ip6 udp", "port 0x1bb", "netns all", "netns 4026532177", "mark 1/", ">"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := ParseFilter(text)
		if err != nil {
			return
		}
		printed := filter.String()
		again, err := ParseFilter(printed)
		if err != nil || again.String() != printed {
			t.Errorf("%q prints as %q, which reads as %q, %v", text, printed, again.String(), err)
		}
		for i, term := range filter.compile() {
			if term.Kind == 0 {
				t.Errorf("%q: term %d compiles to nothing", text, i)
			}
			if again.compile()[i] != term {
				t.Errorf("%q: term %d is %+v, and %+v once printed", text, i, term, again.compile()[i])
			}
		}
	})
}
