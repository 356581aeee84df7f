// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strconv"

	"hooktop/netcfg/acl"
	"hooktop/ui/format"
)

// pcapChain is a chain of the policy with what was marked, in the words of the snapshot's chains.
type pcapChain struct {
	Line int       `json:"line"`
	Name string    `json:"name"`
	Mark string    `json:"mark"`
	Legs []pcapLeg `json:"legs"`
}

type pcapLeg struct {
	Name    string `json:"name"`
	From    string `json:"from"` // device
	To      string `json:"to"`   // "": where routing says
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// pcapChains lists the chains that are switched on, with all of their legs.
func pcapChains(hits []PcapLeg, p *acl.Policy) []pcapChain {
	var out []pcapChain
	for i := range p.Chains {
		c := &p.Chains[i]
		if c.Off {
			continue
		}
		o := pcapChain{Line: c.Line, Name: format.Clean(c.Name), Mark: c.Marking()}
		for _, l := range c.Legs() {
			leg := pcapLeg{Name: l.Kind.String(), From: format.Clean(l.From), To: format.Clean(l.Hop.Dev)}
			for _, h := range hits {
				if h.Of == (acl.LegOf{Chain: i + 1, Kind: l.Kind}) {
					leg.Packets, leg.Bytes = h.Packets, h.Bytes
				}
			}
			o.Legs = append(o.Legs, leg)
		}
		out = append(out, o)
	}
	return out
}

// pcapLegs lists every leg, also those that nothing was on.
func pcapLegs(chains []pcapChain) *grid {
	g := &grid{titles: []string{"CHAIN", "LEG", "FROM", "TO", "MARK", ">FRAMES", ">BYTES"}}
	for _, c := range chains {
		for _, l := range c.Legs {
			g.add(c.Name, l.Name, l.From, l.To, c.Mark, strconv.FormatUint(l.Packets, 10), strconv.FormatUint(l.Bytes, 10))
		}
	}
	return g
}
