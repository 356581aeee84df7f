// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"hooktop/netcfg/acl"
)

const asked = "tcp 10.0.0.9:4242 > 10.0.0.1:22 dev eth0"

// explains answers by the oracle: what the programs say is tested where they are.
func explains(b *Backends) {
	b.Explain = func(_ context.Context, p acl.Policy, k acl.Packet) (ExplainReport, error) {
		d := acl.Evaluate(&p, k, nil)
		r := ExplainReport{Verdict: d.Verdict, By: d.By, Index: d.Index, Counted: d.Counted, Leg: d.Leg, Found: k, Bytes: 54, RouteWhy: "dropped", Notes: []string{"a \x1bnote"}}
		if d.Verdict == acl.Allow {
			r.Route = &Route{Kind: "forward", Via: "10.0.1.254", Dev: "eth1"}
			if d.Leg.Chain > 0 && d.Leg.Kind == acl.ToService {
				r.Steered = &Steered{Rule: "7400: from all fwmark 0x10/0xf0 iif lan0 lookup 267400 proto 199", Table: 267400, State: "in place"}
			}
		}
		return r, nil
	}
}

func TestExplain(t *testing.T) {
	path := at(t, "p.acl", "count in from any to any\ndeny in tcp from 10.0.0.0/8 to any port 22\n")
	s := play(t, explains, "explain", asked, "--policy", path)
	for _, words := range []string{"packet   in " + asked, "verdict  deny by rule, line 2", "rule     deny  in  tcp from 10.0.0.0/8 to any port 22",
		"counted  line 1: count in", "tunnel   none", "mark     none", "route    none: dropped", "parse   54 bytes: in tcp", "note: a"} {
		if !strings.Contains(s.out, words) {
			t.Errorf("%q is not in\n%s", words, s.out)
		}
	}
	if s.code != ExitDenied || s.err != "" || strings.Contains(s.out, "\x1b") {
		t.Errorf("code %d, stderr %q", s.code, s.err)
	}
	var o explainObject
	s = play(t, explains, "explain", "--json", "--policy", path, "out "+asked)
	if err := json.Unmarshal([]byte(s.out), &o); err != nil || s.code != 0 || o.Schema != "hooktop.explain/1" || o.Verdict != "allow" || o.By != "default" ||
		o.Rule != (ruleObject{0, "default out allow"}) || o.Route == nil || o.Route.Via != "10.0.1.254" || len(o.Stages) != 5 || o.Tunnel != nil || o.Mark != nil {
		t.Errorf("code %d, %+v, %v, %s", s.code, o, err, s.err)
	}
	if s := play(t, explains, "explain", "not IP"); s.code != 0 || !strings.Contains(s.out, "allow by guard") || !strings.Contains(s.out, "not IP") {
		t.Errorf("without a policy: code %d, %s%s", s.code, s.out, s.err)
	}
}

func TestExplainTellsTheMark(t *testing.T) {
	path := at(t, "p.acl", chainLine+"\n")
	s := play(t, explains, "explain", "tcp 10.1.0.2:4242 > 10.2.0.2:443 dev lan0", "--policy", path)
	for _, words := range []string{"mark     0x10/0xf0 by chain fw, line 1: to service\n",
		"rule     7400: from all fwmark 0x10/0xf0 iif lan0 lookup 267400 proto 199, dev fw0\n", "chain   0x10/0xf0 by chain fw"} {
		if !strings.Contains(s.out, words) {
			t.Errorf("%q is not in\n%s", words, s.out)
		}
	}
	var o explainObject
	s = play(t, explains, "explain", "--json", "--policy", path, "tcp 10.2.0.2:443 > 10.1.0.2:4242 dev fw0")
	if err := json.Unmarshal([]byte(s.out), &o); err != nil || o.Mark == nil || o.Mark.Leg != "reply back" || o.Mark.Dev != "" || o.Mark.Value != "0x10/0xf0" {
		t.Errorf("%v: %s", err, s.out)
	}
}

func TestExplainErrors(t *testing.T) {
	bad := at(t, "bad.acl", "drop in\n")
	for _, c := range []struct {
		args  []string
		code  int
		words string
	}{
		{[]string{"explain"}, ExitUsage, "PACKET is missing"},
		{[]string{"explain", "tpc 10.0.0.9:1 > 10.0.0.1:2"}, ExitUsage, `hooktop: explain: column 1: "tpc" is no protocol: did you mean tcp?`},
		{[]string{"explain", asked, "--policy", bad}, ExitUsage, "hooktop: explain " + bad + `: line 1, column 1: "drop" begins no line: write deny`},
		{[]string{"explain", asked, "--policy", "/nowhere"}, ExitUsage, "explain: read /nowhere: no such file"},
		{[]string{"pcap", "-", "--policy", bad}, ExitUsage, "hooktop: pcap " + bad + ": line 1, column 1"},
		{[]string{"pcap", "-", "--dir", "up", "--policy", bad}, ExitUsage, `--dir: unknown direction "up": in or out`},
		{[]string{"pcap", "-", "--dev", "eth0"}, ExitUsage, "add --policy FILE"},
	} {
		if s := play(t, explains, c.args...); s.code != c.code || s.out != "" || !strings.Contains(s.err, c.words) {
			t.Errorf("%q: code %d, %q, %q", c.args, s.code, s.out, s.err)
		}
	}
	broken := func(b *Backends) {
		b.Explain = func(context.Context, acl.Policy, acl.Packet) (ExplainReport, error) {
			return ExplainReport{}, errors.New("load: not permitted")
		}
	}
	if s := play(t, broken, "explain", asked); s.code != ExitFailed || s.err != "hooktop: explain: load: not permitted\n" {
		t.Errorf("code %d, %q", s.code, s.err)
	}
	var o explainObject
	s := play(t, explains, "explain", asked, "--json", "--policy", bad)
	if err := json.Unmarshal([]byte(s.out), &o); err != nil || s.code != ExitUsage || len(o.Errors) != 1 || o.Errors[0].Column != 1 {
		t.Errorf("code %d, %v, %s", s.code, err, s.out)
	}
}

// Chains come with every leg, also those that no frame is on.
func TestPcapOfChains(t *testing.T) {
	path := at(t, "p.acl", "chain fw in lan0 match any service via 10.9.0.2 dev fw0 return fw1 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail open\noff "+
		"chain old in lan0 match any service via 10.9.0.2 dev fw0 return fw1 mark 0x20/0xf0 upstream via 10.0.0.1 dev wan0 fail open\n")
	judged := func(b *Backends) {
		b.Pcap = func(context.Context, io.Reader, PcapScene) (PcapReport, error) {
			return PcapReport{Packets: 1, Verdicts: []PcapVerdict{{N: 1, Verdict: "pass", Mark: "0x10/0xf0", Chain: "fw", Leg: "to service"}},
				Legs: []PcapLeg{{acl.LegOf{Chain: 1, Kind: acl.ToService}, PcapHit{1, 60}}}}, nil
		}
	}
	s := play(t, judged, "pcap", "/dev/null", "--policy", path)
	for _, words := range []string{"fw     to service        lan0  fw0   0x10/0xf0       1     60\n", "fw     reply back        fw0         0x10/0xf0       0      0\n"} {
		if !strings.Contains(s.out, words) {
			t.Errorf("%q is not in\n%s", words, s.out)
		}
	}
	var o pcapObject
	s = play(t, judged, "pcap", "/dev/null", "--policy", path, "--json")
	if err := json.Unmarshal([]byte(s.out), &o); err != nil || len(o.Chains) != 1 || len(o.Chains[0].Legs) != 4 || o.Chains[0].Legs[0] != (pcapLeg{"to service", "lan0", "fw0", 1, 60}) ||
		o.Verdicts[0].Leg != "to service" {
		t.Errorf("code %d, %+v, %v, %s", s.code, o.Chains, err, s.err)
	}
}

func TestPcapByAPolicy(t *testing.T) {
	path := at(t, "p.acl", "default in deny\nallow in tcp from any to any port 22\nallow in tcp from any to any port 23\n")
	judged := func(b *Backends) {
		b.Pcap = func(_ context.Context, r io.Reader, s PcapScene) (PcapReport, error) {
			if !s.Asked || s.Dir != acl.In || s.Dev != "eth0" || len(s.Policy.Rules) != 2 {
				t.Errorf("scene %+v", s)
			}
			return PcapReport{Packets: 3, Verdicts: []PcapVerdict{{N: 1, Verdict: "pass", Rule: 2}, {N: 2, Verdict: "drop", Rule: 1}, {N: 3, Verdict: "pass", Guard: "not IP"}},
				Rules: []PcapHit{{1, 60}, {}}, Default: PcapHit{1, 70}, Guard: append([]PcapHit{{1, 42}}, make([]PcapHit, len(s.Policy.Guard)-1)...)}, nil
		}
	}
	s := play(t, judged, "pcap", "/dev/null", "--policy", path, "--dev", "eth0")
	for _, words := range []string{"   2       1     60  allow in  tcp to any port 22\n", "   3       0      0  allow in  tcp to any port 23\n", "   1       1     70  default in deny\n",
		"           1     42  allow frames that are not IP (guard: not IP)\n", "pass          2\n", "drop          1\n"} {
		if !strings.Contains(s.out, words) {
			t.Errorf("%q is not in\n%s", words, s.out)
		}
	}
	if strings.Contains(s.out, "DHCP") {
		t.Errorf("a line of the guard that decided nothing is shown:\n%s", s.out)
	}
	var o pcapObject
	s = play(t, judged, "pcap", "/dev/null", "--policy", path, "--dev", "eth0", "--dir", "in", "--json")
	if err := json.Unmarshal([]byte(s.out), &o); err != nil || s.code != 0 || o.ACL == nil || o.ACL.Default != "deny" || len(o.ACL.Rules) != 2 ||
		o.ACL.Rules[0] != (pcapRule{2, "allow in  tcp to any port 22", 1, 60}) || o.ACL.Other != (pcapRule{1, "default in deny", 1, 70}) || o.Verdicts[2].Guard != "not IP" {
		t.Errorf("code %d, %+v, %v, %s", s.code, o, err, s.err)
	}
}
