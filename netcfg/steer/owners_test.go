// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"hooktop/netcfg/chain"
	"hooktop/probes/snap"
)

// Bits that netfilter's rules use are shown and refused, but for rules that write the whole word: they are only shown.
func TestBitsOfOthers(t *testing.T) {
	f := newFake(t, "lan0", "fw0", "fw1", "wan0")
	f.owners = []chain.Owner{
		{Mark: 0x80, Mask: 0x80, Who: "table ip mangle", From: "netfilter chain PREROUTING sets them", Sets: true},
		{Mask: 0xffffffff, Who: "table inet own", From: "netfilter chain pre sets them", Sets: true},
		{Mark: 0x4000, Mask: 0x4000, Who: "kube-proxy", From: "netfilter table ip nat asks for them"},
	}
	s := f.steer()
	if err := s.Check(nil, chainsOf(t, fw)); err == nil || !strings.Contains(err.Error(), "bits 0x80 of its mark are used by table ip mangle (netfilter chain PREROUTING sets them)") {
		t.Errorf("check: %v", err)
	}
	free := chainsOf(t, strings.Replace(fw, "0x10/0xf0", "0x1/0xf", 1))
	if err := s.Check(nil, free); err != nil {
		t.Errorf("other bits: %v", err)
	}
	var got []string
	for _, o := range s.View(chainsOf(t, fw), true).Owners {
		got = append(got, o.Who+" clashes with "+o.Clash)
	}
	want := "chain fw clashes with ; table ip mangle clashes with fw; table inet own clashes with fw; kube-proxy clashes with "
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("%s\nwant %s", text, want)
	}
	f.owners = nil
	if err := s.Check(nil, chainsOf(t, fw)); err == nil {
		t.Error("rules were read again at once")
	}
	s.netfilter.next = s.netfilter.next.Add(-2 * marksRest)
	if err := s.Check(nil, chainsOf(t, fw)); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

// Where netfilter can't be read nobody knows whose bits are free: a new mark is refused, and the tab says why. A mark that was kept
// before holds up no edit of other lines.
func TestMarksThatCannotBeRead(t *testing.T) {
	f := newFake(t, "lan0", "fw0", "fw1", "wan0")
	f.closed = errors.New("list netfilter rules: the kernel says no")
	s := f.steer()
	if err := s.Check(nil, chainsOf(t, fw)); err == nil || !strings.Contains(err.Error(), "line 1: chain fw: whether somebody else uses bits of its mark is not known: list netfilter rules: the kernel says no") {
		t.Errorf("a new mark: %v", err)
	}
	for what, next := range map[string]string{"the mark that is kept": fw, "no chain": "", "one that is off": "off " + fw} {
		if err := s.Check(chainsOf(t, fw), chainsOf(t, next)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.Check(chainsOf(t, fw), chainsOf(t, strings.Replace(fw, "0x10/0xf0", "0x1/0xf", 1))); err == nil {
		t.Error("another mark is taken")
	}
	if !slices.ContainsFunc(s.View(chainsOf(t, fw), true).Checks, func(c snap.Check) bool {
		return c.Name == "marks of netfilter" && !c.OK && strings.Contains(c.Why, "the kernel says no")
	}) {
		t.Error("the tab does not say it")
	}
}
