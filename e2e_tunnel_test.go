// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"hooktop/netcfg/lab"
	"hooktop/probes/ktest"
)

// labPolicy is what make run shows.
const labPolicy = "testdata/lab.policy"

// tunnelShot is what a snapshot says of tunnels.
type tunnelShot struct {
	Tunnels []struct {
		Kind, Peer        string
		VNI               uint32
		Packets, Stripped uint64
		Errors            map[string]uint64
	}
	Flows []struct {
		Src, Proto, Process string
		VNI                 uint32
		Packets             uint64
		Inner               bool
	}
	Lab struct{ Sent []shotSent }
}

func tunnelsOfTheLab(t *testing.T, more ...string) tunnelShot {
	t.Helper()
	r := execute(t, nil, nil, append([]string{"lab", "--once", "--for", "2s", "--json", "--no-config"}, more...)...)
	var s tunnelShot
	if err := json.Unmarshal([]byte(r.out), &s); r.code != 0 || err != nil {
		t.Fatalf("exit code %d, %v: %.400s %s", r.code, err, r.out, r.err)
	}
	return s
}

// inside adds up the packets of inner flows from a source.
func (s *tunnelShot) inside(vni uint32, src, proto string) (n uint64) {
	for _, f := range s.Flows {
		if f.VNI == vni && f.Src == src && f.Proto == proto {
			n += f.Packets
		}
	}
	return n
}

// The lab's peers without a policy: everything is counted and seen inside, nothing is unwrapped.
func TestTunnelsOfTheLabAreCounted(t *testing.T) {
	ktest.HostState(t)
	enough(t, func() string { return countedTunnels(t, tunnelsOfTheLab(t)) })
	noProcesses(t)
}

func countedTunnels(t *testing.T, s tunnelShot) (few string) {
	t.Helper()
	byPeer := map[string]uint64{}
	for _, row := range s.Tunnels {
		byPeer[row.Peer] += row.Packets
		if row.Stripped > 0 || len(row.Errors) > 0 {
			t.Errorf("row: %+v", row)
		}
	}
	sent := 0
	for _, f := range s.Lab.Sent {
		if f.Kind != "tunnel" {
			continue
		}
		sent++
		if byPeer[f.Src] < f.Packets {
			t.Errorf("%s sent %d packets in tunnels, %d are counted", f.Src, f.Packets, byPeer[f.Src])
		}
	}
	for _, f := range s.Flows {
		if f.VNI != 0 && (!f.Inner || f.Process != "") {
			t.Errorf("a flow in a tunnel: %+v", f)
		}
	}
	if sent < 4 || len(s.Tunnels) < 5 {
		return fmt.Sprintf("%d flows of tunnels were sent, %d rows", sent, len(s.Tunnels))
	}
	if s.inside(100, "10.50.0.9", "udp") < 10 || s.inside(300, "2001:db8:70::9", "udp") < 3 || s.inside(666, "10.50.0.9", "udp") < 3 {
		return fmt.Sprintf("flows inside: %+v", s.Flows)
	}
	return ""
}

// With the lab's policy its peers are unwrapped, whole connections among them, and who is not allowed counts under the reason.
func TestTunnelsOfTheLabAreUnwrapped(t *testing.T) {
	ktest.HostState(t)
	enough(t, func() string {
		return unwrappedTunnels(t, tunnelsOfTheLab(t, "--policy", labPolicy, "--lease", "60s"))
	})
	noProcesses(t)
}

func unwrappedTunnels(t *testing.T, s tunnelShot) (few string) {
	t.Helper()
	stripped, errors := map[string]uint64{}, map[string]uint64{}
	for _, row := range s.Tunnels {
		stripped[row.Kind] += row.Stripped
		why := uint64(0)
		for name, n := range row.Errors {
			errors[name] += n
			why += n
		}
		// Packets before the policy was in force are counted without a reason.
		if row.Stripped+why > row.Packets {
			t.Errorf("row: %+v", row)
		}
		if row.Packets < 3 {
			few = fmt.Sprintf("row: %+v", row)
		}
	}
	if stripped["vxlan"] < 50 || stripped["geneve"] < 10 {
		few = fmt.Sprintf("unwrapped: %v", stripped)
	}
	for _, why := range []string{"peer not allowed", "VNI not allowed", "not ours", "inner source not allowed", "inner source forged"} {
		if errors[why] < 3 {
			few = fmt.Sprintf("%d packets count under %s: %v", errors[why], why, errors)
		}
	}
	if s.inside(200, "10.60.0.9", "tcp") < 20 {
		few = "no connection through the second tunnel"
	}
	for _, f := range s.Flows {
		if f.VNI == 300 && !f.Inner && f.Process != "lab-vtep" {
			t.Errorf("an unwrapped flow has no process: %+v", f)
		}
	}
	t.Logf("unwrapped %v, not %v", stripped, errors)
	return few
}

// What make run shows is what the lab says of itself.
func TestThePolicyOfTheLabIsItsOwn(t *testing.T) {
	text, err := os.ReadFile(labPolicy)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for l := range strings.Lines(string(text)) {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			lines = append(lines, l)
		}
	}
	if want := lab.Tunnels + lab.Chain; strings.Join(lines, "\n") != want {
		t.Errorf("%s says\n%s\nthe lab\n%s", labPolicy, strings.Join(lines, "\n"), want)
	}
}

// A device of the kernel's that comes while a strip is in force suspends it, and its end takes it up: on the tabs and in --events.
func TestAKernelDeviceSuspendsAStrip(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	events := filepath.Join(t.TempDir(), "events.jsonl")
	policy := write(t, "policy", "tunnel vxlan vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.50.0.0/16 strip\n")
	s := open(t, ns, 160, 40, []string{"XDG_STATE_HOME=" + t.TempDir()}, "--no-config", "-i", "up0", "--lease", "60s", "--policy", policy, "--events", events)
	s.until("the trial", func(text string) bool {
		if strings.Contains(text, "TRIAL") {
			return true
		}
		s.keys("!")
		return false
	})
	s.keys("3")
	s.until("the line", func(text string) bool { return has(text, "[3 Decap]", "strips") })
	link := netlink.NewLinkAttrs()
	link.Name = "vx0"
	vx := &netlink.Vxlan{LinkAttrs: link, VxlanId: 7, Port: 4789}
	if err := ns.NL.LinkAdd(vx); err != nil {
		t.Fatal(err)
	}
	ns.Up(t, "vx0")
	s.until("the line is suspended", func(text string) bool { return has(text, "suspended", "vx0 takes these packets") })
	s.keys("6")
	s.until("the event", func(text string) bool { return has(text, "[6 Events]", "line 1 unwraps nothing any more") })
	ns.Del(t, "vx0")
	s.until("the line is taken up again", func(text string) bool { return has(text, "line 1 unwraps again") })
	s.keys("3")
	s.until("it strips", func(text string) bool {
		return has(text, "[3 Decap]", "strips") && !strings.Contains(text, "suspended")
	})
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.end()
	text, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"what":"suspend"`, `"what":"resume"`, `"line":1`, `the kernel's device vx0`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	noProcesses(t)
}
