// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"hooktop/netcfg/chain"
	"hooktop/netcfg/lab"
	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
)

const chainPolicy = "chain fw in up0 match tcp to any port 443 service via 10.9.0.2 dev fw0 return fw1 mark 0x10/0xf0 upstream via 10.2.0.2 dev wan0 fail closed\n"

// chainGround is a namespace with what a chain needs, and with rules and routes of somebody else who nearly looks like us.
func chainGround(t *testing.T) (*ktest.NS, *nl.Host) {
	t.Helper()
	ns, other := ground(t), ktest.NewNS(t)
	// Who stands at the far ends answers: a service that does not is routed around half a second later.
	for dev, net := range map[string]string{"fw0": "10.9.0.%d/30", "fw1": "10.9.1.%d/30", "wan0": "10.2.0.%d/24", "up2": "10.3.0.%d/24"} {
		ktest.Veth(t, ns, dev, other, dev+"x")
		ns.Addr(t, dev, fmt.Sprintf(net, 1))
		other.Addr(t, dev+"x", fmt.Sprintf(net, 2))
	}
	host, err := nl.At(ns.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	foreign := chain.Rule{Priority: chain.FirstPriority, Table: chain.FirstTable, Mark: 0x100, Mask: 0x100, From: "up0", Protocol: 4}
	for _, r := range []chain.Rule{foreign, {Priority: chain.FirstPriority, Table: 99, Mark: 0x200, Mask: 0x300, Protocol: chain.Protocol},
		{Priority: chain.FirstPriority + chain.Tables, Table: chain.FirstTable, Mark: 0x100, Mask: 0x100, Protocol: chain.Protocol}} {
		if err := host.AddRule(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := host.AddChainRoute(chain.Route{Table: chain.FirstTable, Guard: true, Protocol: 4}); err != nil {
		t.Fatal(err)
	}
	return ns, host
}

// own lists the rules of chains.
func own(t *testing.T, host *nl.Host) (list []chain.Rule) {
	t.Helper()
	rules, err := host.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if r.Own() {
			list = append(list, r)
		}
	}
	return list
}

// Rules and routes of chains go with an exit, with a kill (the watcher undoes them) and with a kill of the watcher too, by cleanup;
// those of others stay as they are, whichever way it was. A chain that is tried on its devices first leaves no more than others.
func TestRulesOfChainsEndWithTheRun(t *testing.T) {
	ns, host := chainGround(t)
	ktest.HostState(t)
	policy := write(t, "policy", chainPolicy)
	for _, way := range []string{"quit", "kill", "kill all", "canary, quit", "canary, kill"} {
		t.Run(way, func(t *testing.T) {
			ns.NetState(t)
			args := []string{"--no-config", "-i", "up0", "-i", "fw0", "-i", "fw1", "-i", "wan0", "--policy", policy, "--lease", "60s"}
			if strings.HasPrefix(way, "canary") {
				args = append(args, "-i", "up2", "--canary", "up0", "--canary", "fw0", "--canary", "fw1", "--canary", "wan0")
			}
			s := open(t, ns, 100, 30, []string{"XDG_STATE_HOME=" + t.TempDir()}, args...)
			waitUntil(t, "three rules", func() bool { return len(own(t, host)) == 3 })
			for _, r := range own(t, host) {
				if r.Table == chain.FirstTable || r.Priority == chain.FirstPriority {
					t.Errorf("%s: a number that somebody else uses", r)
				}
			}
			switch way {
			case "quit", "canary, quit":
				s.cmd.Process.Signal(syscall.SIGTERM)
			case "kill", "canary, kill":
				s.cmd.Process.Kill()
			default:
				killAll(t)
			}
			s.end()
			noProcesses(t)
			if way == "kill all" {
				cleansUp(t, ns, host)
			}
			if left := own(t, host); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			s.close()
		})
	}
}

// cleansUp lets cleanup remove the rules and routes of a run whose watcher was killed as well.
func cleansUp(t *testing.T, ns *ktest.NS, host *nl.Host) {
	t.Helper()
	if n := len(own(t, host)); n != 3 {
		t.Errorf("%d rules are left for cleanup", n)
	}
	got := execute(t, ns, nil, "cleanup", "--json")
	var report struct {
		Items []struct{ Kind, Name, State string }
	}
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || got.code != 0 || strings.Count(got.out, `"chain"`) != 9 {
		t.Errorf("cleanup: %v, code %d: %s%s", err, got.code, got.out, got.err)
	}
}

// The lab's chain: each packet of either direction is marked on both of its legs.
func TestChainOfTheLab(t *testing.T) {
	ktest.HostState(t)
	policy := write(t, "policy", lab.Chain+"\n")
	enough(t, func() string { return marksOfTheLab(t, policy) })
	noProcesses(t)
}

func marksOfTheLab(t *testing.T, policy string) (few string) {
	t.Helper()
	r := execute(t, nil, nil, "lab", "--once", "--for", "1500ms", "--json", "--no-config", "--lease", "60s", "--policy", policy)
	var shot struct {
		Chains []struct {
			State, Why string
			Legs       []struct {
				Name, State string
				Packets     uint64
			}
		}
		Lost map[string]uint64
	}
	if err := json.Unmarshal([]byte(r.out), &shot); r.code != 0 || err != nil {
		t.Fatalf("exit code %d, %v: %.400s %s", r.code, err, r.out, r.err)
	}
	if len(shot.Chains) != 1 || len(shot.Chains[0].Legs) != 4 {
		t.Fatalf("chains: %+v", shot.Chains)
	}
	c := shot.Chains[0]
	l := c.Legs
	says := fmt.Sprintf("chain: %+v, lost %v", c, shot.Lost)
	idle := c.State == "idle" // of late: a stall may have been the last that happened
	if c.State != "ok" && !idle || l[0].Packets != l[1].Packets || l[2].Packets != l[3].Packets {
		t.Error(says)
	}
	if idle || l[0].Packets < 10 || l[2].Packets < 10 {
		return says
	}
	return ""
}

// A snapshot has the chains with their rules, and explain names the rule that a running hooktop made.
func TestSnapshotAndExplainOfAChain(t *testing.T) {
	ns, _ := chainGround(t)
	ktest.HostState(t)
	ns.NetState(t)
	policy := write(t, "policy", chainPolicy)
	r := execute(t, ns, nil, "--once", "--for", "300ms", "--json", "--no-config", "-i", "up0", "-i", "fw0", "-i", "fw1", "-i", "wan0", "--lease", "20s", "--policy", policy)
	var shot struct {
		Chains []struct {
			Name, State string
			Legs        []struct {
				Name, Mark, State string
				NextHop           string `json:"next_hop"`
				Table             uint32
			}
		}
		Steering struct {
			Steer  []struct{ Text, State string }
			Owners []struct{ Mask, Who string }
			Checks []struct {
				Name string
				OK   bool
			}
		}
	}
	if err := json.Unmarshal([]byte(r.out), &shot); r.code != 0 || err != nil {
		t.Fatalf("exit code %d, %v: %s %s", r.code, err, r.out, r.err)
	}
	if len(shot.Chains) != 1 || shot.Chains[0].Name != "fw" || len(shot.Chains[0].Legs) != 4 || shot.Chains[0].Legs[2].NextHop != "10.9.1.2" ||
		shot.Chains[0].Legs[0].Mark != "0x10/0xf0" || shot.Chains[0].Legs[0].Table <= chain.FirstTable {
		t.Errorf("chains: %+v", shot.Chains)
	}
	if st := shot.Steering; len(st.Steer) != 9 || len(st.Owners) < 2 || len(st.Checks) == 0 || st.Checks[0].Name != "forwarding up0" || st.Checks[0].OK {
		t.Errorf("steering: %+v", st)
	}
	s := open(t, ns, 100, 30, nil, "--no-config", "-i", "up0", "-i", "fw0", "-i", "fw1", "-i", "wan0", "--policy", policy, "--lease", "60s")
	s.shows("LIVE")
	ns.Sysctl(t, "ipv4/conf/up0/forwarding", "1")
	var answer struct {
		Mark  struct{ Value, Chain, Leg, State, Dev string }
		Route *struct {
			Kind, Via, Dev string
			Table          uint32
		}
	}
	waitUntil(t, "the rule in explain", func() bool {
		got := execute(t, ns, nil, "explain", "tcp 192.0.2.2:4242 > 203.0.113.1:443 dev up0", "--policy", policy, "--json")
		return json.Unmarshal([]byte(got.out), &answer) == nil && answer.Mark.State == "in place"
	})
	if m := answer.Mark; m.Value != "0x10/0xf0" || m.Chain != "fw" || m.Leg != "to service" || m.Dev != "fw0" {
		t.Errorf("mark: %+v", m)
	}
	if r := answer.Route; r == nil || r.Kind != "forward" && r.Kind != "unreachable" {
		t.Errorf("route: %+v", r)
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.end()
	ns.Sysctl(t, "ipv4/conf/up0/forwarding", "0")
	noProcesses(t)
}
