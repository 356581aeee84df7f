// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"strings"
	"testing"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

func TestMarksAreReadInHex(t *testing.T) {
	for text, want := range map[string]mark{"20/f0": {0x20, 0xf0}, "0x20/0xF0": {0x20, 0xf0}, " 1 / ffffffff ": {1, 0xffffffff}, "80000000/80000000": {1 << 31, 1 << 31}} {
		if got, why := parseMark(text); got != want || why != "" {
			t.Errorf("%q: %v, %q", text, got, why)
		}
	}
	for text, want := range map[string]string{
		"": "no hexadecimal number", "g/f": "no hexadecimal number", "20": "the mask is missing: 20/20", "20/": `mask: ""`, "20/zz": `mask: "zz"`, "20/0": "a mask of 0",
		"0/f0": "that nobody marked", "21/f0": "1 is outside of the mask: 21/f1", "100000000/f": "32 bits", "-1/f": "no hexadecimal", "1/2/3": "no hexadecimal",
	} {
		if _, why := parseMark(text); !strings.Contains(why, want) {
			t.Errorf("%q: %q, want %q", text, why, want)
		}
	}
}

func TestTheMarkIsFoundInItsLine(t *testing.T) {
	const fw = "chain fw in lan0 match tcp to any port 443 service via 10.9.0.2 dev fw0 return fw1 via 10.9.0.6 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail open"
	for _, c := range []struct{ line, want string }{
		{fw, strings.Replace(fw, "0x10/0xf0", "0x20/0xff", 1)},
		{"off " + fw, "off " + strings.Replace(fw, "0x10/0xf0", "0x20/0xff", 1)},
		{fw + "  # not mark 1/2", strings.Replace(fw, "0x10/0xf0", "0x20/0xff", 1) + "  # not mark 1/2"},
		{"chain mark in mark match any mark 0x1/0xf", "chain mark in mark match any mark 0x20/0xff"},
		{"chain fw in lan0  # mark 0x1/0xf", "chain fw in lan0  # mark 0x1/0xf"},
		{"", ""},
	} {
		if got := withMark(c.line, mark{0x20, 0xff}); got != c.want {
			t.Errorf("%q\ngives %q\nwant  %q", c.line, got, c.want)
		}
	}
	if got := nameOf("off " + fw); got != "fw" {
		t.Error(got)
	}
	if a, b, c := after(fw, "dev", 1), after(fw, "dev", 2), after(fw, "dev", 3); a != "fw0" || b != "wan0" || c != "" {
		t.Errorf("%q %q %q", a, b, c)
	}
}

func lines(texts ...string) (out []core.DraftLine) {
	for i, text := range texts {
		out = append(out, core.DraftLine{Line: i + 1, Old: i + 1, Text: text, Chain: true, Off: strings.HasPrefix(text, "off ")})
	}
	return out
}

func TestClashes(t *testing.T) {
	ls := lines("chain fw in a mark 0x10/0xf0", "chain ids in b mark 0x40/0xf0", "off chain old in c mark 0x30/0xf0")
	owners := append(uitest.Chains().Owners, snap.BitOwner{Mark: 0xca6c, Mask: 0xffffffff, Who: "table 51820", From: "ip rule 32764"},
		snap.BitOwner{Mask: 0xffffffff, Sets: true, Who: "table ip wg-quick-wg0", From: "netfilter chain premangle sets them"})
	for _, c := range []struct {
		m    mark
		want string
	}{
		{mark{0x10, 0xf0}, ""}, {mark{0x20, 0xf0}, ""}, {mark{0x30, 0xf0}, ""}, {mark{0x40, 0xf0}, "chain ids has 40/f0"}, {mark{0x140, 0xff0}, "chain ids has 40/f0"},
		{mark{0x100, 0xf00}, "chain ids has 40/f0"}, {mark{0x4020, 0xf0f0}, "bits 4000 are kube-proxy's (known agent)"},
	} {
		if got := clash(c.m, "fw", ls, owners); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.m.short(), got, c.want)
		}
	}
}

func TestAFreeMark(t *testing.T) {
	owners := uitest.Chains().Owners
	if m, ok := free(lines("chain fw in a mark 0x10/0xf0", "chain ids in b mark 0x20/0xf0"), owners); !ok || m != (mark{0x30, 0xf0}) {
		t.Errorf("beside chains: %v", m)
	}
	if m, ok := free(nil, []snap.BitOwner{{Mask: 0xff, Who: "x"}}); !ok || m != (mark{0x100, 0xf00}) {
		t.Errorf("beside others: %v", m)
	}
	if m, ok := free(lines("chain fw in a mark 0x1/0x1"), nil); ok {
		t.Errorf("where one bit tells all chains apart: %v", m)
	}
	if m, ok := free(nil, []snap.BitOwner{{Mask: 0x7fffffff, Who: "x"}}); ok {
		t.Errorf("of nothing: %v", m)
	}
}

func TestBitMap(t *testing.T) {
	owners := []snap.BitOwner{{Mask: 0xf0}, {Mask: 0xf0}, {Mask: 0x4000}, {Mask: 0x80000000, Clash: "fw"}, {Mask: 0xffffffff}}
	if got := bitmap(owners); got != "!....... ........ .c...... ****...." || len(got) != len(ruler) {
		t.Errorf("%q\n%q", got, ruler)
	}
	if got := under(mark{0x20, 0xf0}); got != "                           0010" {
		t.Errorf("%q", got)
	}
}
