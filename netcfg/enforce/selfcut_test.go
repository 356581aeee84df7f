// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// verdicts has the programs that would be attached to a device, by its name.
type verdicts map[string]map[acl.Dir]*ebpf.Program

// passes runs a packet through the program of its device and direction.
func (v verdicts) passes(t *testing.T, k acl.Packet) bool {
	t.Helper()
	const next = 0xffffffff // TCX_NEXT
	code, err := v[k.Dev][k.Dir].Run(&ebpf.RunOptions{Data: frame(k)})
	if err != nil {
		t.Fatal(err)
	}
	return code == next
}

// onPrograms is a service over a pipeline that is attached to nothing, with the programs that two devices would have.
func onPrograms(t *testing.T, o Options) (*Service, verdicts) {
	t.Helper()
	p, err := kern.Open(kern.Options{Flows: 1024})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	v := verdicts{}
	for i, name := range []string{"v0", "v1"} {
		v[name] = map[acl.Dir]*ebpf.Program{}
		for dir, hook := range map[acl.Dir]kern.Hook{acl.In: kern.TCIngress, acl.Out: kern.TCEgress} {
			if v[name][dir], err = p.Load(kern.Device{Name: name, Slot: uint16(i + 1)}, hook); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(&kernPlane{p}, func(snap.Severity, string) {}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.End(); err != nil {
			t.Error(err)
		}
	})
	return s, v
}

// candidate makes a policy at random about the ways in and what lies near them.
func candidate(r *rand.Rand) string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	address := func() string {
		return pick("any", "any", "10.9.0.1", "10.9.0.2", "10.9.0.0/24", "not 10.9.0.0/24", "10.0.0.0/8", "not 10.9.0.2", "@peers", "not @peers", "2001:db8::/32",
			"2001:db8::2", "192.0.2.0/24", "0.0.0.0/0", "::/0")
	}
	port := func() string {
		return pick("", "", "", " port 22", " port 22-60001", " port 1-1023", " port not 22", " port 50122", " port 49152-65535", " port 60001", " port 443")
	}
	lines := []string{"set peers { 10.9.0.2, 2001:db8::/64 }"}
	for _, dir := range []string{"in", "out"} {
		lines = append(lines, "default "+dir+" "+pick("allow", "allow", "deny"))
	}
	if r.IntN(40) == 0 { // more than a packet is told of
		for n := range 20 {
			lines = append(lines, fmt.Sprintf("count from %s to any vlan not %d", pick("any", "10.9.0.0/24"), 1+n))
		}
	}
	for range 1 + r.IntN(6) {
		line := pick("allow", "deny", "deny", "count", "limit", "off deny") + " " + pick("in", "out", "") + " " + pick("tcp", "udp", "tcp,udp") +
			" from " + address() + port() + " to " + address() + port()
		if r.IntN(4) == 0 {
			line += pick(" dev v0", " dev v1", " dev not v0", " vlan 5", " vlan not 5", " established")
		}
		if strings.HasPrefix(line, "limit") {
			line += " rate 10000/s per source burst 10000"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n") + "\n"
}

// The warning before a commit against what the programs then do: no candidate that cuts a way in goes without one.
func TestNoCutOfAWayInIsMissed(t *testing.T) {
	addr := netip.MustParseAddr
	ways := []acl.WayIn{
		{Proto: acl.TCP, Local: addr("10.9.0.1"), Peer: addr("10.9.0.2"), Port: 22, PeerPort: 50122, Name: "ssh 10.9.0.2", Own: true},
		{Proto: acl.TCP, Local: addr("2001:db8::1"), Peer: addr("2001:db8::2"), Port: 22, PeerPort: 50122, Name: "ssh 2001:db8::2"},
		{Proto: acl.UDP, Local: addr("10.9.0.1"), Peer: addr("10.9.0.7"), Port: 60001, Name: "mosh 10.9.0.7", Dev: "v0"},
	}
	for _, guard := range []bool{false, true} {
		t.Run(fmt.Sprintf("guard %v", guard), func(t *testing.T) {
			s, v := onPrograms(t, Options{Host: "gate", NoGuard: !guard})
			world := World{Ways: ways, Devices: map[string]uint16{"v0": 1, "v1": 2}}
			s.Look(world)
			warned, cut, unfounded := 0, 0, 0
			n := ktest.Rounds(t, 100)
			if guard { // nothing is cut then
				n /= 5
			}
			for i := range n {
				text := candidate(rand.New(rand.NewPCG(uint64(i), 4)))
				cuts := committed(t, s, text)
				var dropped []string
				list := world.onDevices()
				for _, w := range list {
					w.VLAN = 5 // that rules ask for
					list = append(list, w)
				}
				for _, w := range list {
					for _, k := range w.Packets() {
						if !v.passes(t, k) && !slices.Contains(dropped, w.Name) {
							dropped = append(dropped, w.Name)
						}
					}
				}
				for _, name := range dropped {
					if !slices.ContainsFunc(cuts, func(c string) bool { return strings.HasPrefix(c, name) }) {
						t.Fatalf("candidate %d cuts %s, warned of %q:\n%s", i, name, cuts, text)
					}
				}
				warned, cut = warned+min(1, len(cuts)), cut+min(1, len(dropped))
				if len(cuts) > len(dropped) {
					unfounded++ // an answer that a rule with established lets pass once it was asked for
				}
				if a := s.Restore(); a.Err != "" {
					t.Fatal(a.Err)
				}
			}
			t.Logf("%d candidates: %d cut a way in, %d were warned of, %d warnings named more than was cut", n, cut, warned, unfounded)
			if guard && warned+cut > 0 || !guard && cut < n/4 {
				t.Errorf("%d of %d candidates cut a way in", cut, n)
			}
		})
	}
}

// committed puts a candidate on trial and returns what it was warned of.
func committed(t *testing.T, s *Service, text string) []string {
	t.Helper()
	if a := s.Stage(snap.PolicyWish{Text: text}, nil); a.Err != "" {
		t.Fatal(a.Err)
	}
	d := s.View(false).Draft
	if len(d.Errors) > 0 {
		t.Fatalf("%q in\n%s", d.Errors, text)
	}
	a := s.Commit(snap.PolicyWish{})
	if refused := strings.Contains(a.Err, "cuts a way in"); refused != (len(d.Cuts) > 0) || !refused && a.Err != "" {
		t.Fatalf("warned of %q, and the commit says %q:\n%s", d.Cuts, a.Err, text)
	}
	if a.Err != "" {
		if a = s.Commit(snap.PolicyWish{Host: s.opt.Host}); a.Err != "" {
			t.Fatal(a.Err)
		}
	}
	return d.Cuts
}
