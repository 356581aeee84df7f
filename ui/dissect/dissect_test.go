// SPDX-License-Identifier: Apache-2.0

package dissect

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"hooktop/probes/snap"
)

const (
	ether = "525400123456 525400654321 "
	ip4   = "4500003c1c46400033060000cb007109 0a090016 "
	syn   = "115c0016 00000001 00000000 a002fd00 00000000 020405b40402080a0000000000000000"
)

func bytes(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func text(h *snap.Header) string {
	var out []string
	for _, l := range Layers(h) {
		out = append(out, l.Name+": "+l.Text)
	}
	return strings.Join(out, "\n")
}

func TestLayers(t *testing.T) {
	ip6 := "6abcdef1 001c0640 20010db8000000000000000000000001 20010db8000000000000000000000002 "
	for name, c := range map[string]struct{ data, want string }{
		"tcp": {ether + "0800" + ip4 + syn, "eth: 52:54:00:65:43:21 > 52:54:00:12:34:56\nipv4: 203.0.113.9 > 10.9.0.22 ttl 51 tos 0x00 id 7238 len 60 DF\ntcp: 4444 > 22 SYN seq 1 ack 0 win 64768"},
		"vlan": {ether + "88a8 2064 8100 0007 0800" + ip4 + syn[:20],
			"vlan: 100 priority 1\nvlan: 7 priority 0\nipv4: 203.0.113.9 > 10.9.0.22 ttl 51 tos 0x00 id 7238 len 60 DF\ntcp: cut off after 9 of at least 20 bytes"},
		"arp":           {ether + "0806 0001 0800 0604 0001 525400654321 0a090001 000000000000 0a090016", "arp: who has 10.9.0.22, tell 10.9.0.1 (52:54:00:65:43:21)"},
		"ipv6 udp":      {ether + "86dd" + strings.Replace(ip6, "0640", "1140", 1) + "cace14e9 001c0000 41", "ipv6: 2001:db8::1 > 2001:db8::2 hop limit 64 class 0xab flow label 0xcdef1 payload 28\nudp: 51918 > 5353 len 28\ndata: 1 byte shown"},
		"ipv6 fragment": {ether + "86dd" + strings.Replace(ip6, "0640", "2c40", 1) + "1100 05a9 00000007 4142", "frag: id 7 at 1448 more true\nudp: 2 bytes shown"},
		"options":       {ether + "86dd" + strings.Replace(ip6, "0640", "0040", 1) + "3a00 0502 00000100 8700", "option: header 0 of 8 bytes\nicmpv6: cut off after 2 of at least 4 bytes"},
		"icmp":          {ether + "0800" + strings.Replace(ip4, "3306", "3301", 1) + "0303 0000", "icmp: type 3 code 3 "},
		"other":         {ether + "88cc 0207", "type: 0x88cc"},
		"nothing":       {"", "eth: cut off after 0 of at least 14 bytes"},
	} {
		if got := text(&snap.Header{Data: bytes(t, c.data)}); !strings.Contains(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// TestWithoutALinkLayer: tunnels' devices hand over IP packets; the source that the kernel read tells.
func TestWithoutALinkLayer(t *testing.T) {
	h := &snap.Header{Data: bytes(t, ip4+syn), Src: netip.MustParseAddrPort("203.0.113.9:4444")}
	if got := text(h); !strings.HasPrefix(got, "ipv4: 203.0.113.9 > 10.9.0.22") || !strings.Contains(got, "tcp: 4444 > 22 SYN") {
		t.Error(got)
	}
	h.Src = netip.MustParseAddrPort("203.0.113.10:4444")
	if got := text(h); !strings.HasPrefix(got, "eth: ") {
		t.Error(got)
	}
}

func TestHex(t *testing.T) {
	got := Hex(append([]byte("GET / HTTP/1.1\r\n"), 0, 'A'), 73)
	want := []string{"0000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a   GET / HTTP/1.1..", "0010  00 41                                              .A"}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%q", got)
	}
	if got := Hex([]byte("GET / HTTP/1.1"), 72); len(got) != 2 || got[1] != "0008  54 50 2f 31 2e 31         TP/1.1" {
		t.Errorf("%q", got)
	}
}

// FuzzLayers: whatever the bytes, it ends, and says nothing that a screen can't show.
func FuzzLayers(f *testing.F) {
	f.Add(bytes(f, ether+"0800"+ip4+syn))
	f.Add(bytes(f, ether+"86dd6000000000080000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h := &snap.Header{Data: data}
		if len(data) >= 20 {
			h.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(data[12:16])), 1)
		}
		for _, l := range Layers(h) {
			if l.Name == "" || strings.ContainsFunc(l.Text, func(r rune) bool { return r < 0x20 || r >= 0x7f }) {
				t.Errorf("%q", l)
			}
		}
		Hex(data, 80)
	})
}
