// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"hooktop/probes/ktest"
)

// What scripts read of a snapshot.
type (
	shot struct {
		Schema     string
		Interfaces []struct {
			Name, Mode, Why string
			Packets, Bytes  uint64
		}
		Programs   []struct{ Name, Type, Hook, Dev, State, Reason string }
		Flows      []shotFlow
		ACL        struct{ Default string }
		Lost       map[string]uint64
		Drops      []shotDrop
		DropErrors []string `json:"drop_errors"`
		Lab        struct {
			Sent  []shotSent
			Drops []struct {
				Stage, Name, Dev string
				Packets          uint64
			}
			Client struct{ Asked, Served uint64 }
		}
	}
	shotDrop struct {
		Stage, Name, Dev, Source string
		Total, Since             uint64
		Rate                     float64
	}
	shotFlow struct {
		Src, Dst, Proto, Dev, Dir, Frag, Process, Verdict string
		SPort, DPort, VLAN                                uint16
		Packets, Bytes                                    uint64
		PID                                               int
		OwnSession                                        bool `json:"own_session"`
	}
	shotSent struct {
		Kind, Src, Dst, Proto, Frag string
		SPort, DPort, VLAN          uint16
		Packets, Bytes              uint64
		Exact                       bool
	}
)

func parse(t *testing.T, out string) shot {
	t.Helper()
	var s shot
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("parse the snapshot: %v in %.300q", err, out)
	}
	if s.Schema != "hooktop.snapshot/1" {
		t.Errorf("schema %q", s.Schema)
	}
	return s
}

// tuple joins what names a flow on both sides of the comparison.
func tuple(src, dst, proto, frag string, sport, dport, vlan uint16) string {
	return fmt.Sprintf("%s:%d > %s:%d %s vlan %d %s", src, sport, dst, dport, proto, vlan, frag)
}

func TestLabOnceShowsItsTrafficExactly(t *testing.T) {
	ktest.HostState(t)
	enough(t, func() string {
		got := execute(t, nil, nil, "lab", "--once", "--for", "3s", "--json", "--no-config")
		if got.code != 0 {
			t.Fatalf("exit code %d, stderr %q", got.code, got.err)
		}
		noProcesses(t)
		s := parse(t, got.out)
		if len(s.Lost) > 0 {
			t.Errorf("lost: %v", s.Lost)
		}
		if s.ACL.Default != "allow" {
			t.Errorf("acl default %q", s.ACL.Default)
		}
		for _, p := range s.Programs {
			if p.State != "attached" {
				t.Errorf("program %s on %s is %s: %s", p.Name, p.Dev, p.State, p.Reason)
			}
		}
		return cmp.Or(compareFlows(t, s), compareDrops(t, s))
	})
}

// compareFlows: what is shown of a flow is what the generator sent of it.
func compareFlows(t *testing.T, s shot) (few string) {
	t.Helper()
	if len(s.Flows) <= 10 {
		few = fmt.Sprintf("%d flows, more than 10 are expected", len(s.Flows))
	}
	found := map[string]int{}
	seen := map[string][2]uint64{}
	for _, f := range s.Flows {
		found["IPv6"] += count(strings.Contains(f.Src, ":"))
		found["IPv4"] += count(!strings.Contains(f.Src, ":"))
		found["VLAN"] += count(f.VLAN != 0)
		found["first fragments"] += count(f.Frag == "first")
		found["later fragments"] += count(f.Frag == "later")
		found["own TCP session"] += count(f.OwnSession && f.Proto == "tcp")
		found["in"] += count(f.Dir == "in")
		found["out"] += count(f.Dir == "out")
		found["owned by a process"] += count(f.PID > 0 && f.Process != "")
		key := tuple(f.Src, f.Dst, f.Proto, f.Frag, f.SPort, f.DPort, f.VLAN)
		seen[key] = [2]uint64{seen[key][0] + f.Packets, seen[key][1] + f.Bytes}
	}
	for _, what := range []string{"IPv4", "IPv6", "VLAN", "first fragments", "later fragments", "own TCP session", "in", "out",
		"owned by a process"} {
		if found[what] == 0 {
			few = "no flow is " + what
		}
	}
	exact := map[string]int{}
	for _, sent := range s.Lab.Sent {
		if !sent.Exact {
			continue
		}
		exact[sent.Kind]++
		key := tuple(sent.Src, sent.Dst, sent.Proto, sent.Frag, sent.SPort, sent.DPort, sent.VLAN)
		if want := [2]uint64{sent.Packets, sent.Bytes}; seen[key] != want {
			t.Errorf("%s: %v packets and bytes are shown, %v were sent", key, seen[key], want)
		}
	}
	if len(exact) == 0 {
		few = "the lab's generator reported no exact flows"
	}
	if c := s.Lab.Client; c.Served != c.Asked {
		t.Errorf("the client that must keep working: %+v", c)
	} else if c.Asked < 10 {
		few = fmt.Sprintf("the client that must keep working asked %d times", c.Asked)
	}
	t.Logf("%d flows, %v; compared with the generator: %v", len(s.Flows), found, exact)
	return few
}

// compareDrops: as many packets died as the generator sent to die, by the kernel's own counters.
func compareDrops(t *testing.T, s shot) (few string) {
	t.Helper()
	since := map[string]uint64{}
	for _, d := range s.Drops {
		since[d.Stage+" "+d.Name+" "+d.Dev] = d.Since
		if d.Source == "" || d.Since > d.Total || d.Rate < 0 {
			t.Errorf("drop %+v", d)
		}
	}
	stages := map[string]bool{}
	for _, d := range s.Lab.Drops {
		stages[d.Stage] = true
		if got := since[d.Stage+" "+d.Name+" "+d.Dev]; got != d.Packets {
			t.Errorf("%s %s %s: %d died, %d were sent to", d.Stage, d.Name, d.Dev, got, d.Packets)
		}
	}
	if len(s.DropErrors) > 0 {
		t.Errorf("errors %v", s.DropErrors)
	}
	t.Logf("died: %v", s.Lab.Drops)
	if len(stages) < 5 {
		return fmt.Sprintf("packets died at %v only", stages)
	}
	return ""
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// Every hook that --mode can name attaches, one program a direction, and goes again.
func TestOnceAttachesInEveryMode(t *testing.T) {
	ktest.HostState(t)
	for _, args := range []string{"--mode=auto", "--mode=generic", "--mode=native", "--mode=tc", "--mode=tc --no-tcx"} {
		t.Run(args, func(t *testing.T) {
			ns := ground(t)
			ns.NetState(t)
			more := append(strings.Fields(args), "--once", "--for", "300ms", "--json", "--no-config", "-i", "up0")
			got := execute(t, ns, nil, more...)
			if got.code != 0 {
				t.Fatalf("exit code %d, stderr %q", got.code, got.err)
			}
			s := parse(t, got.out)
			if len(s.Interfaces) != 1 || s.Interfaces[0].Name != "up0" || len(s.Programs) != 2 {
				t.Errorf("interfaces %+v, programs %+v", s.Interfaces, s.Programs)
			}
			t.Logf("%+v", s.Programs)
		})
	}
}

func TestCheckSaysWhatWouldAttach(t *testing.T) {
	ns := ground(t)
	got := execute(t, ns, nil, "check", "--json", "--no-config", "-i", "up0")
	var report struct {
		Schema   string
		Features []struct {
			Name, Why, Fix string
			Have           bool
		}
		Would []struct{ Dev, Hook, Mode, Why string } `json:"would_attach"`
	}
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || got.code != 0 {
		t.Fatalf("%v: code %d, stdout %q, stderr %q", err, got.code, got.out, got.err)
	}
	if report.Schema != "hooktop.check/1" || len(report.Features) == 0 || len(report.Would) != 2 || report.Would[0].Dev != "up0" {
		t.Errorf("%+v", report)
	}
	for _, f := range report.Features {
		if !f.Have && (f.Why == "" || f.Fix == "") {
			t.Errorf("feature %q is missing without reason or remedy: %+v", f.Name, f)
		}
	}
}

// A snapshot without one of its programs says so: nothing counted is not the same as nothing sent.
func TestOnceSaysWhichProgramIsMissing(t *testing.T) {
	ns := ground(t)
	taken := &netlink.Ingress{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: ns.Index(t, "up0"), Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_INGRESS,
	}}
	if err := ns.NL.QdiscAdd(taken); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ns.NL.QdiscDel(taken); err != nil {
			t.Error(err) // somebody else's qdisc is gone
		}
	})
	got := execute(t, ns, nil, "--once", "--for", "100ms", "--json", "--no-config", "-i", "up0", "--no-tcx")
	if got.code != 0 || !strings.Contains(got.err, "pipeline up0 egress is not attached") || strings.Contains(got.err, "ingress is not") {
		t.Errorf("exit code %d, stderr %q", got.code, got.err)
	}
	if s := parse(t, got.out); len(s.Programs) != 1 {
		t.Errorf("programs: %+v", s.Programs)
	}
}
