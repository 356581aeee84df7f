// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
)

func parsePolicy(t *testing.T, text string) acl.Policy {
	t.Helper()
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p := f.ACL()
	p.Guard = acl.Guard(nil)
	return p
}

func packet(t *testing.T, text string) acl.Packet {
	t.Helper()
	k, errs := acl.ParsePacket(text)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", text, errs)
	}
	return k
}

const house = `default in deny
count in from any to any
deny in tcp from 10.0.0.0/8 to any port 22
allow in tcp from any to any port 22,443 dev eth0
deny in from any to any vlan 5
limit in udp from any to any port 53 rate 1/h per source burst 1
allow in tcp from any to any established
allow in icmp from any to any type echo-request`

func TestExplainSaysWhatTheProgramsDecide(t *testing.T) {
	p := parsePolicy(t, house)
	for text, want := range map[string]string{
		"tcp 10.0.0.9:4242 > 10.0.0.1:22 dev eth0":         "deny by line 3",
		"tcp 192.0.2.9:4242 > 10.0.0.1:22 dev eth0":        "allow by line 4",
		"tcp 192.0.2.9:4242 > 10.0.0.1:22 dev eth1":        "deny by default",
		"tcp 192.0.2.9:4242 > 10.0.0.1:22":                 "deny by default",
		"udp 192.0.2.9:4242 > 10.0.0.1:1 vlan 5":           "deny by line 5",
		"udp [2001:db8::1]:4242 > [2001:db8::2]:53":        "limit by line 6",
		"udp 192.0.2.9 > 10.0.0.1 later fragment":          "limit by line 6",
		"icmp 2001:db8::1 > 2001:db8::2":                   "allow by line 8",
		"icmp 10.0.0.9 > 10.0.0.1 type redirect":           "deny by default",
		"icmp 10.0.0.9 > 10.0.0.1 type 3 code 4":           "allow by guard (ICMP errors)",
		"not IP":                                           "allow by guard (not IP)",
		"malformed":                                        "deny by default",
		"out tcp 10.0.0.9:4242 > 10.0.0.1:22 dev eth0":     "allow by default",
		"sctp 10.0.0.9:4242 > 10.0.0.1:22 first fragment ": "deny by default",
	} {
		k := packet(t, text)
		got, err := Explain(p, k, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		said := p.Words(acl.Decision{Verdict: got.Verdict, By: got.By, Index: got.Index, Line: lineOf(&p, got)})
		if said != want {
			t.Errorf("%s: %s, want %s", text, said, want)
		}
		oracle := acl.Evaluate(&p, k, nil)
		if oracle.Verdict != got.Verdict || oracle.By != got.By || oracle.Index != got.Index || !slices.Equal(oracle.Counted, got.Counted) {
			t.Errorf("%s: %+v, the oracle says %+v", text, got, oracle)
		}
		if got.Found != k {
			t.Errorf("%s: the programs read %s", text, got.Found)
		}
		if len(got.Notes) != 2 || !strings.Contains(got.Notes[0], "established") || !strings.Contains(got.Notes[1], "buckets") {
			t.Errorf("notes %q", got.Notes)
		}
	}
}

func lineOf(p *acl.Policy, e Explained) int {
	if e.By == acl.ByRule {
		return p.Rules[e.Index].Line
	}
	return 0
}

// Every frame of the captures that others made is judged as the oracle judges it, in both directions.
func TestPcapAgreesWithTheOracle(t *testing.T) {
	files, err := filepath.Glob("../../testdata/pcap/*.pcap")
	if err != nil || len(files) < 40 {
		t.Fatalf("captures: %v, %v", files, err)
	}
	parser, err := newRun(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer parser.close()
	var found []kern.Found
	for _, file := range files {
		found = append(found, perFrame(t, parser, file)...)
	}
	ruled, marked := map[int]int{}, map[string]int{}
	for _, scene := range []Scene{{Dir: acl.In, Dev: "eth0"}, {Dir: acl.In, Dev: "eth1"}, {Dir: acl.Out}} {
		scene.Policy = parsePolicy(t, captured)
		res := runAll(t, files, &scene)
		if len(res.Verdicts) != len(found) {
			t.Fatalf("%d verdicts of %d frames", len(res.Verdicts), len(found))
		}
		for i, f := range found {
			k, got := asPacket(f, &scene), res.Verdicts[i]
			want, guard := acl.Evaluate(&scene.Policy, k, nil), ""
			if want.By == acl.ByGuard {
				guard = scene.Policy.Guard[want.Index].Name
			}
			if (want.Verdict == acl.Deny) != (got.Verdict == "drop") || got.Rule != want.Line || got.Guard != guard {
				t.Errorf("frame %d, %s: %+v, the oracle says %+v", i+1, k, got, want)
			}
			leg := ""
			if want.Leg.Chain > 0 {
				leg = scene.Policy.Chains[want.Leg.Chain-1].Name + " " + want.Leg.Kind.String()
				marked[leg]++
			}
			if got.Leg != "" && got.Chain+" "+got.Leg != leg || (got.Mark == "") != (leg == "") {
				t.Errorf("frame %d, %s: marked %+v, the oracle says %q", i+1, k, got, leg)
			}
			ruled[want.Line]++
		}
		checkHits(t, res)
	}
	t.Logf("%d frames of %d files three times, by line %v, marked %v", len(found), len(files), ruled, marked)
	if len(found) < 140 || len(ruled) < 9 || len(marked) < 2 {
		t.Errorf("%d frames by %v, marked %v: too few to say much", len(found), ruled, marked)
	}
}

// runAll runs the frames of several captures as if they were one.
func runAll(t *testing.T, files []string, scene *Scene) *PcapResult {
	t.Helper()
	r, err := newRun(scene)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.all(bytes.NewReader(data)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return r.result()
}

// asPacket is what the parser says of a frame, as the oracle wants it.
func asPacket(f kern.Found, scene *Scene) acl.Packet {
	if f.Flow {
		return packetOf(f.Key.Decode(), scene.Dir, scene.Dev)
	}
	return acl.Packet{Dir: scene.Dir, Dev: scene.Dev, Malformed: f.Reason != "", NotIP: f.Reason == ""}
}

const captured = `default in deny
default out allow
count from any to any
deny udp from any to any port 4789,6081,8472
allow tcp from any to any port 0-20000
deny in icmpv6 from fe80::/10 to any
allow icmp from any to any type echo-request,echo-reply
deny from 2001:db8::/32 to any dev not eth0
allow from any to any vlan 30
deny out from 10.0.0.0/8 to any
limit in from ::/0 to any rate 10/s per source burst 5
chain four in eth0 match any service via 10.9.0.2 dev fw0 return eth1 via 10.9.1.2 mark 0x20/0xf0 upstream via 10.0.0.1 dev wan0 fail open
chain six in eth0 match any service via 2001:db8:9::2 dev fw0 return eth1 via 2001:db8:a::2 mark 0x30/0xf0 upstream via 2001:db8::1 dev wan0 fail open`

// checkHits: each frame was decided once, and counted by line 3.
func checkHits(t *testing.T, res *PcapResult) {
	t.Helper()
	sum := res.Default.Packets
	for _, h := range res.Rules[1:] {
		sum += h.Packets
	}
	guard := uint64(0)
	for _, h := range res.Guard {
		guard += h.Packets
	}
	malformed := uint64(0)
	for _, c := range res.Malformed {
		malformed += c.N
	}
	legs, marked := uint64(0), uint64(0)
	for _, l := range res.Legs {
		legs += l.Packets
	}
	for _, v := range res.Verdicts {
		if v.Mark != "" {
			marked++
		}
	}
	if legs != marked {
		t.Errorf("%d frames on legs %+v, %d are marked", legs, res.Legs, marked)
	}
	if sum+guard != res.Packets || res.Rules[0].Packets+guard+malformed < res.Packets {
		t.Errorf("%d frames, rules %+v, default %+v, guard %+v, %d malformed", res.Packets, res.Rules, res.Default, res.Guard, malformed)
	}
}

func TestPcapOfRawIPIsJudged(t *testing.T) {
	scene := Scene{Policy: parsePolicy(t, "default in deny\nallow in udp from any to any port 53\n"+
		"chain fw in eth0 match udp service via 10.9.0.2 dev fw0 return fw1 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail open"), Dir: acl.In, Dev: "eth0"}
	res, err := RunPcap(writePcap(t, layers.LinkTypeRaw, frame{data: udp4(100)}, frame{data: []byte{0x45, 0}}, frame{data: []byte{0x10}}), &scene)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(res.Verdicts)
	want := fmt.Sprint([]Verdict{{N: 1, Verdict: "pass", Rule: 2, Mark: "0x10/0xf0", Chain: "fw", Leg: "to service"}, {N: 2, Verdict: "drop", Rule: 1, Reason: kern.Malformed(kern.MalformedShortIP4)},
		{N: 3, Verdict: "pass", Guard: "not IP", Reason: "not_ip"}})
	if got != want || res.Rules[0] != (Hit{1, 100}) || len(res.Legs) != 4 || res.Legs[0].Hit != (Hit{1, 100}) {
		t.Errorf("%s, rules %+v; want %s", got, res.Rules, want)
	}
}
