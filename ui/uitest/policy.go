// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"fmt"
	"math"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
)

// PolicyText is a policy with a line of each kind.
const PolicyText = `# edge of the lab
default in allow
set scanners { 198.51.100.0/24, 203.0.113.7, 2001:db8:bad::/48 }
allow in  tcp from 10.0.0.0/8 to any port 443
allow in  udp from 10.0.0.0/8 to 10.9.2.53 port 53
limit in  tcp to 10.9.0.10 port 80 rate 500/s per source burst 100
deny  in  from @scanners log "known scanners"
deny  in  from 203.0.113.0/24  # SSH scan
allow in  tcp from 10.4.0.0/16 to 10.9.0.0/16 port 22
count in  icmp type echo-request
off deny  in  from 100.64.0.0/10
allow in  udp from 2001:db8:1::/48 to 2001:db8:9::/48 port 51820 dev eth1
deny  in  from any to 10.9.9.0/24 expires 2026-03-07T14:12:31Z

deny  out tcp to 192.0.2.0/24 port 23,2323,8000-8100
tunnel vxlan port 4789 vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.50.0.0/16 strip
`

// Enforcer is the engine's part of a policy without a kernel: it keeps texts, checks drafts by parsing, and answers intents as
// the engine does. Cuts is what it says of every draft that it checks.
type Enforcer struct {
	Policy snap.Policy
	Cuts   []string
	Fail   string // answered to the next commit
	Slow   bool   // drafts stay unchecked
	Kept   int    // keeps and commits that were carried out
	Began  int
	On     []string // devices of the trial that runs, nil: all

	Unread  string        // why a save is refused unless it may overwrite, "" when it is not
	Headers []snap.Header // of every line that is asked for
}

// NewEnforcer makes one with a policy that stands.
func NewEnforcer(text string) *Enforcer {
	e := &Enforcer{Policy: snap.Policy{Kept: 41, Text: text, File: "/etc/hooktop/policy.acl",
		Devices: []snap.PolicyDevice{{Name: "eth0", Slot: 1, Gen: 41}}, Readmits: snap.Rate{PPS: 88100, BPS: 45.1e6},
		Lease: 15 * time.Second, Soak: 5 * time.Minute,
		Versions: []snap.PolicyVersion{
			{Gen: 40, At: Epoch().Add(-42 * time.Minute), Who: "alice", What: "1 added", Text: "deny in from 203.0.113.0/24\n"},
			{Gen: 39, At: Epoch().Add(-26 * time.Hour), Who: "bob", What: "1 changed", Text: "deny in from 203.0.113.9\n"}}}}
	for i := range acl.Guard(nil) {
		g := acl.Guard(nil)[i]
		e.Policy.Guard = append(e.Policy.Guard, snap.GuardHits{Hits: hits(i, 2), Name: g.Name, Text: g.Text()})
	}
	return e
}

func hits(i int, pps float64) snap.Hits {
	h := snap.Hits{Packets: uint64(pps * 900), Bytes: uint64(pps * 900 * 700), PPS: pps, Last: time.Duration(i%4) * time.Second}
	for j := range 60 {
		h.Trend = append(h.Trend, float32(pps*(0.6+0.4*math.Sin(float64(i+j)/6))))
	}
	return h
}

// Frame puts the policy into a frame, with counters of every rule in force.
func (e *Enforcer) Frame(f *snap.Frame) {
	p := e.Policy
	text := p.Text
	switch {
	case p.Trial.Gen != 0:
		text = p.Trial.Text
	case p.Canary.Gen != 0:
		text = p.Canary.Text
	}
	p.Rules = nil
	if file, err := policy.Parse(text); err == nil {
		for i, r := range file.ACL().Rules {
			h := snap.RuleHits{Hits: hits(i, []float64{1.02e6, 96000, 44900, 12, 88100, 31, 2, 0}[i%8]), Line: r.Line}
			switch {
			case r.Off:
				h.Hits = snap.Hits{Last: -1}
			case h.PPS == 0:
				h.Hits = snap.Hits{Packets: 204, Bytes: 9100, Last: 74 * time.Minute}
			}
			if !r.Expires.At.IsZero() {
				h.Ends = r.Expires.At.Sub(Epoch())
			}
			if r.Action == acl.Limit {
				h.Limited = 1204
			}
			p.Rules = append(p.Rules, h)
		}
	}
	p.Default = [2]snap.Hits{hits(0, 204), {Last: -1}}
	f.Policy = p
}

// Do carries out an intent.
func (e *Enforcer) Do(i snap.Intent) snap.Answer {
	p := &e.Policy
	switch i.Kind {
	case snap.StagePolicy:
		p.Draft = snap.Draft{Seq: i.Policy.Seq, Text: i.Policy.Text, Base: i.Policy.Base, Checked: !e.Slow}
		if _, err := policy.Parse(i.Policy.Text); err != nil {
			p.Draft.Errors = []string{err.Error()}
		}
		p.Draft.Cuts = e.Cuts
		p.Draft.Remarks = []string{"line 8, column 1: never reached: line 7 takes all of its packets"}
		p.Draft.PriceNs = [2]float64{38, 41}
		f := Flows(4)[3]
		p.Draft.Impact = snap.Impact{Dropped: 41, DropRate: snap.Rate{PPS: 12300, BPS: 96.1e6}, Of: snap.Rate{PPS: 1.24e6, BPS: 9.81e9},
			Flows: []snap.FlowChange{{Key: f.Key, Device: "eth0", Rate: f.Rates[0], Was: "allow by default", Is: "deny by line 8"}}}
	case snap.CommitPolicy:
		if e.Fail != "" {
			defer func() { e.Fail = "" }()
			return snap.Answer{Err: e.Fail}
		}
		if p.Draft.Seq != i.Policy.Seq || p.Trial.Gen != 0 || p.Canary.Gen != 0 {
			return snap.Answer{Err: "commit: the draft has changed since"}
		}
		e.Began++
		p.Trial = snap.Trial{Gen: p.Kept + 1, Text: p.Draft.Text, Started: Epoch(), Lease: 12 * time.Second, Code: "7K3F-9Q",
			Forecast: p.Draft.Impact, DropPPS: 12300}
		e.On = i.Policy.On
		e.decide(p.Trial.Gen, 12*time.Second)
		return snap.Answer{Text: fmt.Sprintf("v%d is on trial", p.Trial.Gen), Command: "hooktop keep 7K3F-9Q"}
	case snap.KeepPolicy:
		return e.keep(i.Arg)
	case snap.RestorePolicy:
		p.Trial, p.Canary, e.On = snap.Trial{}, snap.Canary{}, nil
		e.decide(p.Kept, 0)
		return snap.Answer{Text: fmt.Sprintf("v%d is back", p.Kept)}
	case snap.ExtendPolicy:
		p.Trial.Lease = min(p.Trial.Lease+15*time.Second, time.Minute)
		return snap.Answer{}
	case snap.ShowHeaders:
		return snap.Answer{Headers: e.Headers}
	case snap.SaveHeaders:
		return snap.Answer{Text: fmt.Sprintf("%d headers that line %d denied are in %s", len(e.Headers), i.Line, i.Target)}
	case snap.SavePolicy:
		if e.Unread != "" && i.Arg != snap.Overwrite {
			return snap.Answer{Err: e.Unread, Offer: snap.Overwrite}
		}
		return snap.Answer{Text: "saved"}
	}
	return snap.Answer{}
}
