// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// print writes the answer as JSON, one object on one line, or by table. Nothing is written unless all of it could be
// made, so that a reader never gets half an object.
func (c *call) print(object any, table func(io.Writer) error) error {
	var out bytes.Buffer
	var err error
	if c.opt.JSON {
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		err = enc.Encode(object)
	} else {
		err = table(&out)
	}
	if err != nil {
		return fmt.Errorf("print answer: %w", err)
	}
	if _, err := c.std.Out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("print answer: %w", unwrapPath(err))
	}
	return nil
}

type versionObject struct {
	Schema  string `json:"schema"`
	Version string `json:"version"`
}

type snapshotObject struct {
	Schema     string            `json:"schema"`
	Host       string            `json:"host"`
	At         string            `json:"at"`
	Kernel     string            `json:"kernel"`
	Fallback   string            `json:"fallback,omitempty"`
	WaysIn     []string          `json:"ways_in"`
	Interfaces []interfaceObject `json:"interfaces"`
	LeftOut    []leftOutObject   `json:"left_out"`
	Programs   []programObject   `json:"programs"`
	Totals     totalsObject      `json:"totals"`
	Flows      []flowObject      `json:"flows"`
	ACL        aclObject         `json:"acl"`
	Tunnels    []tunnelObject    `json:"tunnels"`
	Chains     []chainObject     `json:"chains"`
	Steering   steeringObject    `json:"steering"`
	Malformed  map[string]uint64 `json:"malformed"`
	Drops      []dropObject      `json:"drops"`
	DropErrs   []string          `json:"drop_errors"`
	Events     []eventObject     `json:"events"`
	Lost       map[string]uint64 `json:"lost"`
	Lab        *LabReport        `json:"lab,omitempty"`
}

type interfaceObject struct {
	Name       string  `json:"name"`
	Mode       string  `json:"mode"`
	Why        string  `json:"why"`
	Packets    uint64  `json:"packets"`
	Bytes      uint64  `json:"bytes"`
	Generation uint32  `json:"generation"`
	LeaseS     float64 `json:"lease_s"`
	Index      int     `json:"index"`
	Up         bool    `json:"up"`
	Reason     string  `json:"reason"`
	InPackets  uint64  `json:"in_packets"`
	InBytes    uint64  `json:"in_bytes"`
	OutPackets uint64  `json:"out_packets"`
	OutBytes   uint64  `json:"out_bytes"`
}

type leftOutObject struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

type programObject struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Hook   string `json:"hook"`
	Dev    string `json:"dev"`
	State  string `json:"state"`
	Reason string `json:"reason"`
	RunNs  uint64 `json:"run_ns"`
	Runs   uint64 `json:"runs"`
	ID     uint32 `json:"id"`
	Insns  uint32 `json:"insns"`
}

type totalsObject struct {
	Packets  uint64  `json:"packets"`
	Bytes    uint64  `json:"bytes"`
	PPS      float64 `json:"pps"`
	BPS      float64 `json:"bps"`
	DropPPS  float64 `json:"drop_pps"`
	Flows    int     `json:"flows"`
	Capacity int     `json:"capacity"`
}

// dropObject is a row of the ledger of where packets die.
type dropObject struct {
	Stage  string  `json:"stage"`
	Name   string  `json:"name"`
	Dev    string  `json:"dev"` // device or CPU, "" for the whole namespace
	Total  uint64  `json:"total"`
	Since  uint64  `json:"since"`
	Rate   float64 `json:"rate"`
	Source string  `json:"source"`
}

func snapshotJSON(shot Snapshot) snapshotObject {
	f := shot.Frame
	out := snapshotObject{
		Schema: "hooktop.snapshot/1", Host: format.Clean(f.Host), At: stamp(f.At), Kernel: format.Clean(f.State.Kernel),
		Fallback: format.Clean(f.State.Fallback), WaysIn: make([]string, 0, len(f.State.WaysIn)),
		Interfaces: make([]interfaceObject, 0, len(f.Interfaces)), LeftOut: make([]leftOutObject, 0, len(f.LeftOut)),
		Programs: make([]programObject, 0, len(f.Programs)), Flows: flowObjects(f.Flows.Rows),
		ACL:     aclJSON(&f.Policy),
		Tunnels: tunnelObjects(f.Tunnels.Rows), Chains: chainObjects(f.Chains.Rows), Steering: steeringJSON(&f.Chains),
		Malformed: counts(f.Malformed), Drops: dropObjects(f.Ledger.Rows), DropErrs: make([]string, 0, len(f.Ledger.Errs)), Events: make([]eventObject, 0, len(f.Notices)), Lost: counts(f.Lost), Lab: shot.Lab,
		Totals: totalsObject{Packets: f.Totals.Packets, Bytes: f.Totals.Bytes, PPS: round(f.Totals.Rate.PPS),
			BPS: round(f.Totals.Rate.BPS), DropPPS: round(f.Totals.Drops), Flows: f.Totals.Flows, Capacity: f.Totals.Capacity},
	}
	for _, way := range f.State.WaysIn {
		out.WaysIn = append(out.WaysIn, format.Clean(way))
	}
	decides := map[uint16]snap.PolicyDevice{}
	for _, d := range f.Policy.Devices {
		decides[d.Slot] = d
	}
	for _, i := range f.Interfaces {
		out.Interfaces = append(out.Interfaces, interfaceObject{Name: format.Clean(i.Name), Mode: i.Mode, Why: format.Clean(i.Why),
			Packets: i.Packets, Bytes: i.Bytes, Generation: decides[i.Slot].Gen, LeaseS: round(decides[i.Slot].Lease.Seconds()), Index: i.Index, Up: i.Up, Reason: format.Clean(i.Reason),
			InPackets: i.InPackets, InBytes: i.InBytes, OutPackets: i.OutPackets, OutBytes: i.OutBytes})
	}
	for _, l := range f.LeftOut {
		out.LeftOut = append(out.LeftOut, leftOutObject{Name: format.Clean(l.Name), Why: format.Clean(l.Why)})
	}
	for _, p := range f.Programs {
		out.Programs = append(out.Programs, programObject{Name: format.Clean(p.Name), Type: p.Type, Hook: p.Hook,
			Dev: format.Clean(p.Dev), State: p.State, Reason: format.Clean(p.Reason), RunNs: p.RunNs, Runs: p.Runs, ID: p.ID,
			Insns: p.Insns})
	}
	for _, text := range f.Ledger.Errs {
		out.DropErrs = append(out.DropErrs, format.Clean(text))
	}
	for _, n := range f.Notices {
		out.Events = append(out.Events, eventObject{At: stamp(n.At), Severity: severity(n.Sev), From: format.Clean(n.From),
			Text: format.Clean(n.Text)})
	}
	for i := range f.Events {
		if e := &f.Events[i]; e.Flow != (snap.FlowKey{}) || e.Kind == "lost" { // what becomes of the policy is among the notices
			out.Events = append(out.Events, packetEvent(e))
		}
	}
	return out
}

func dropObjects(rows []snap.LedgerRow) []dropObject {
	out := make([]dropObject, 0, len(rows))
	for _, r := range rows {
		out = append(out, dropObject{Stage: format.Clean(r.Stage), Name: format.Clean(r.Name), Dev: format.Clean(r.Dev), Total: r.Total,
			Since: r.Since, Rate: round(r.Rate), Source: format.Clean(r.Source)})
	}
	return out
}

type checkObject struct {
	Schema  string          `json:"schema"`
	Feature []Feature       `json:"features"`
	Attach  []WouldAttach   `json:"would_attach"`
	LeftOut []leftOutObject `json:"left_out"`
	Marks   []ownerObject   `json:"marks"`
	Notes   []string        `json:"notes"`
}

func checkJSON(r CheckReport) checkObject {
	out := checkObject{Schema: "hooktop.check/1", Feature: append([]Feature{}, r.Features...),
		Attach: append([]WouldAttach{}, r.Attach...), LeftOut: []leftOutObject{}, Marks: ownerObjects(r.Marks), Notes: []string{}}
	for i, f := range out.Feature {
		out.Feature[i].Name, out.Feature[i].Why, out.Feature[i].Fix = format.Clean(f.Name), format.Clean(f.Why), format.Clean(f.Fix)
	}
	for i, a := range out.Attach {
		out.Attach[i].Dev, out.Attach[i].Why = format.Clean(a.Dev), format.Clean(a.Why)
	}
	for _, l := range r.LeftOut {
		out.LeftOut = append(out.LeftOut, leftOutObject{Name: format.Clean(l.Name), Why: format.Clean(l.Why)})
	}
	for _, n := range r.Notes {
		out.Notes = append(out.Notes, format.Clean(n))
	}
	return out
}

type cleanupObject struct {
	Schema string        `json:"schema"`
	Items  []CleanupItem `json:"items"`
}

func cleanupJSON(r CleanupReport) cleanupObject {
	out := cleanupObject{Schema: "hooktop.cleanup/1", Items: append([]CleanupItem{}, r.Items...)}
	for i, item := range out.Items {
		out.Items[i].Name, out.Items[i].Why = format.Clean(item.Name), format.Clean(item.Why)
	}
	return out
}

type pcapObject struct {
	Schema    string            `json:"schema"`
	Packets   uint64            `json:"packets"`
	Verdicts  []PcapVerdict     `json:"verdicts"`
	Flows     []flowObject      `json:"flows"`
	Tunnels   []tunnelObject    `json:"tunnels"`
	Malformed map[string]uint64 `json:"malformed"`
	ACL       *pcapACL          `json:"acl,omitempty"`    // with a policy
	Chains    []pcapChain       `json:"chains,omitempty"` // of the policy
	Notes     []string          `json:"notes"`
	Errors    []errorObject     `json:"errors"`
	More      int               `json:"more_errors"`
}

// pcapACL is the policy's part, in the words of the snapshot's acl.
type pcapACL struct {
	Default string     `json:"default"`
	Rules   []pcapRule `json:"rules"`
	Other   pcapRule   `json:"undecided"` // what the default decided
	Guard   []pcapRule `json:"guard"`
}

type pcapRule struct {
	Line    int    `json:"line"`
	Text    string `json:"text"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

func pcapPolicy(r *PcapReport, s *PcapScene) *pcapACL {
	if !s.Asked {
		return nil
	}
	_, other := decider(&s.Policy, acl.ByDefault, -1, s.Dir)
	action, _ := s.Policy.Default(s.Dir)
	out := &pcapACL{Default: action.String(), Rules: []pcapRule{}, Guard: []pcapRule{}, Other: pcapRule{other.Line, other.Text, r.Default.Packets, r.Default.Bytes}}
	for i, h := range r.Rules {
		rule := ruleOf(&s.Policy, i)
		out.Rules = append(out.Rules, pcapRule{rule.Line, rule.Text, h.Packets, h.Bytes})
	}
	for i, h := range r.Guard {
		_, line := decider(&s.Policy, acl.ByGuard, i, s.Dir)
		out.Guard = append(out.Guard, pcapRule{0, line.Text, h.Packets, h.Bytes})
	}
	return out
}

func pcapJSON(r PcapReport, s PcapScene) pcapObject {
	return pcapObject{ACL: pcapPolicy(&r, &s), Chains: pcapChains(r.Legs, &s.Policy), Errors: []errorObject{}, Schema: "hooktop.pcap/1", Packets: r.Packets, Verdicts: append([]PcapVerdict{}, r.Verdicts...),
		Flows: flowObjects(r.Flows), Tunnels: tunnelObjects(r.Tunnels), Malformed: counts(r.Malformed), Notes: append([]string{}, r.Notes...)}
}

func counts(list []snap.Count) map[string]uint64 {
	out := make(map[string]uint64, len(list))
	for _, c := range list {
		out[format.Clean(c.Name)] += c.N
	}
	return out
}

func severity(s snap.Severity) string {
	switch s {
	case snap.Warn:
		return "warn"
	case snap.Crit:
		return "crit"
	}
	return "info"
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// round keeps two decimals and turns what JSON cannot hold into 0.
func round(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return math.Round(v*100) / 100
}
