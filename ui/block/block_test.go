// SPDX-License-Identifier: Apache-2.0

package block

import (
	"strings"
	"testing"

	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/uitest"
)

// TestABlockedFlowIsItsPeer: of what comes in the source, of what goes out the destination; each draft is a line.
func TestABlockedFlowIsItsPeer(t *testing.T) {
	for _, c := range []struct {
		flow snap.FlowKey
		want []string
	}{
		{snap.FlowKey{Src: uitest.Addr("203.0.113.9"), Dst: uitest.Addr("10.9.0.22"), SPort: 44123, DPort: 22, Proto: 6},
			[]string{"deny  in  from 203.0.113.9", "deny  in  from 203.0.113.0/24", "deny  in  tcp from 203.0.113.9 to 10.9.0.22 port 22"}},
		{snap.FlowKey{Src: uitest.Addr("10.9.0.22"), Dst: uitest.Addr("203.0.113.9"), SPort: 40000, DPort: 443, Proto: 17, Egress: true},
			[]string{"deny  out to 203.0.113.9", "deny  out to 203.0.113.0/24", "deny  out udp to 203.0.113.9 port 443"}},
		{snap.FlowKey{Src: uitest.Addr("2001:db8::7"), Dst: uitest.Addr("2001:db8::1"), SPort: 128 << 8, Proto: 58},
			[]string{"deny  in  from 2001:db8::7", "deny  in  from 2001:db8::/64"}},
		{snap.FlowKey{Src: uitest.Addr("192.0.2.40"), Dst: uitest.Addr("10.9.0.30"), Proto: 17, Frag: snap.FragLater},
			[]string{"deny  in  from 192.0.2.40", "deny  in  from 192.0.2.0/24"}},
	} {
		var got []string
		for _, b := range Rules(&c.flow) {
			got = append(got, b.Text)
			if l, errs := policy.ParseLine(b.Text); errs != nil || l.String() != b.Text {
				t.Errorf("%q is no canonical line: %v", b.Text, errs)
			}
		}
		if strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestBetweenNamesBothEnds: the source of a traced packet may be this host, and all of its traffic would end.
func TestBetweenNamesBothEnds(t *testing.T) {
	for want, k := range map[string]snap.FlowKey{
		"deny  tcp from 203.0.113.9 to 10.9.0.22 port 22": {Src: uitest.Addr("203.0.113.9"), Dst: uitest.Addr("10.9.0.22"), SPort: 44123, DPort: 22, Proto: 6},
		"deny  from 2001:db8::7 to 2001:db8::1":           {Src: uitest.Addr("2001:db8::7"), Dst: uitest.Addr("2001:db8::1"), SPort: 128 << 8, Proto: 58},
	} {
		got := Between(&k).Text
		l, errs := policy.ParseLine(got)
		if errs != nil || l.String() != got || got != want {
			t.Errorf("%q, want %q: %v", got, want, errs)
		}
	}
}

func TestWhatCantBeBlocked(t *testing.T) {
	for want, s := range map[string]snap.State{"": {}, "eBPF can't run here": {Fallback: "x"}, "read-only: pid 1": {ReadOnly: "pid 1"}} {
		if got := Cant(&s, nil); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if Cant(&snap.State{}, &snap.FlowKey{VNI: 4}) == "" {
		t.Error("rules see the outer packet")
	}
}
