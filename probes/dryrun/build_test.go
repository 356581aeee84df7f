// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"strings"
	"testing"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
)

// The program's own parser reads each frame back as what was to be built.
func TestBuiltFramesAreReadBack(t *testing.T) {
	f, err := policy.Parse(`
deny in tcp from any to any port 22
allow icmp from any to any type echo-request vlan 5
deny udp from 10.0.0.0/8 to any port 53
deny sctp from 2001:db8::/32 to any
deny 47 from any to any`)
	if err != nil {
		t.Fatal(err)
	}
	p := f.ACL()
	s, err := kern.OpenShadow(false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sampler, parts := acl.NewSampler(7, &p), map[acl.Frag]int{}
	for n := range 2000 {
		k := sampler.For(&p.Rules[n%len(p.Rules)])
		if k.Src.Is4() != k.Dst.Is4() || k.Src.Is6() && k.Proto == acl.ICMP && n%2 == 0 {
			continue
		}
		parts[k.Frag]++
		frame, err := Build(&acl.Policy{}, k)
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.Run(frame, len(frame))
		if err != nil {
			t.Fatalf("%s: %v", k, err)
		}
		if got := packetOf(found.Key.Decode(), k.Dir, k.Dev); !found.Flow || got != k {
			t.Fatalf("built %s, found %s (%q)", k, got, found.Reason)
		}
	}
	if len(parts) != 3 {
		t.Errorf("tried %v: not every kind of fragment", parts)
	}
}

func TestBuiltFramesWithoutAFlow(t *testing.T) {
	s, err := kern.OpenShadow(false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for text, reason := range map[string]string{
		"not IP vlan 9": "", "malformed": "ip4_ihl",
	} {
		k, errs := acl.ParsePacket(text)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		frame, err := Build(&acl.Policy{}, k)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := s.Run(frame, len(frame)); err != nil || found.Flow || found.Reason != reason {
			t.Errorf("%s: %+v, %v", text, found, err)
		}
	}
}

func TestWhatCannotBeBuilt(t *testing.T) {
	for text, words := range map[string]string{
		"43 2001:db8::1 > 2001:db8::2":      "extension header",
		"udp 10.0.0.1:1 > 10.0.0.2:2 vni 1": "no tunnel line of the policy speaks of such tunnels",
	} {
		k, errs := acl.ParsePacket(text)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		if _, err := Build(&acl.Policy{}, k); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
