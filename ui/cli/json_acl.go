// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// aclObject is the policy in force: the one on trial while there is one.
type aclObject struct {
	Default    string        `json:"default"` // of packets that come in
	DefaultOut string        `json:"default_out"`
	Why        string        `json:"why"` // why nothing can be enforced, "" when it can
	Generation uint32        `json:"generation"`
	Kept       uint32        `json:"kept"`
	LeaseS     float64       `json:"lease_s"`
	Rules      []countedRule `json:"rules"`
	Guard      []countedRule `json:"guard"`
	Canary     *canaryObject `json:"canary,omitempty"` // while one soaks
}

// canaryObject is a generation that decides on some devices only, and is watched before the rest follows.
type canaryObject struct {
	Generation uint32        `json:"generation"`
	Devices    []string      `json:"devices"`
	Rest       []string      `json:"rest"`
	LeftS      float64       `json:"left_s"`
	LeaseS     float64       `json:"lease_s"`
	Checks     []canaryCheck `json:"checks"`
}

type canaryCheck struct {
	Name   string  `json:"name"`
	Before float64 `json:"before"`
	Now    float64 `json:"now"`
	Limit  float64 `json:"limit"`
	Failed bool    `json:"failed"`
}

func canaryJSON(c *snap.Canary) *canaryObject {
	if c.Gen == 0 {
		return nil
	}
	out := &canaryObject{
		Generation: c.Gen, Devices: append([]string{}, c.Devices...), Rest: append([]string{}, c.Rest...),
		LeftS: round(c.Left.Seconds()), LeaseS: round(c.Lease.Seconds()), Checks: []canaryCheck{},
	}
	for _, k := range c.Checks {
		out.Checks = append(out.Checks, canaryCheck{k.Name, round(k.Before), round(k.Now), round(k.Limit), k.Failed})
	}
	return out
}

type countedRule struct {
	Line    int     `json:"line"` // 0: of the guard
	Text    string  `json:"text"`
	Packets uint64  `json:"packets"`
	Bytes   uint64  `json:"bytes"`
	PPS     float64 `json:"pps"`
	LastS   float64 `json:"last_s"` // since the last packet, -1: never
	Limited uint64  `json:"limited"`
}

func aclJSON(p *snap.Policy) aclObject {
	text, gen := p.Text, p.Kept
	if p.Trial.Gen != 0 {
		text, gen = p.Trial.Text, p.Trial.Gen
	}
	out := aclObject{Default: "allow", DefaultOut: "allow", Why: format.Clean(p.Why), Generation: gen, Kept: p.Kept,
		LeaseS: round(p.Trial.Lease.Seconds()), Rules: []countedRule{}, Guard: []countedRule{}, Canary: canaryJSON(&p.Canary)}
	file, err := policy.Parse(text)
	if err != nil {
		return out // a frame holds nothing that does not parse
	}
	sum := file.ACL()
	out.Default, out.DefaultOut = sum.In.String(), sum.Out.String()
	for _, r := range p.Rules {
		if r.Line < 1 || r.Line > file.Len() {
			continue
		}
		o := ruleJSON(r.Hits, format.Clean(file.Line(r.Line).String()))
		o.Line, o.Limited = r.Line, r.Limited
		out.Rules = append(out.Rules, o)
	}
	for _, g := range p.Guard {
		out.Guard = append(out.Guard, ruleJSON(g.Hits, format.Clean(g.Text+" # "+g.Name)))
	}
	return out
}

func ruleJSON(h snap.Hits, text string) countedRule {
	o := countedRule{Text: text, Packets: h.Packets, Bytes: h.Bytes, PPS: round(h.PPS), LastS: -1}
	if h.Last >= 0 {
		o.LastS = round(h.Last.Seconds())
	}
	return o
}
