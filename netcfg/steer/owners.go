// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"errors"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/chain"
	"hooktop/netcfg/nl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Netfilter's rules are read again no sooner than marksRest after the last time, and for at most a fiftieth of the time: a node of
// Kubernetes may have a hundred thousand of them.
const (
	marksRest  = time.Second
	marksShare = 50
)

// netfilter is who uses bits of the mark in netfilter's rules, as they were read last.
type netfilter struct {
	owners []chain.Owner
	why    string // they can't be read
	next   time.Time
}

// marks reads netfilter's rules, when it is time to.
func (s *Steer) marks() netfilter {
	s.marking.Lock()
	defer s.marking.Unlock()
	began := time.Now()
	if began.Before(s.netfilter.next) {
		return s.netfilter
	}
	n := netfilter{}
	var err error
	if n.owners, err = s.host.MarkOwners(); err != nil {
		n.why = err.Error()
	}
	done := time.Now()
	n.next = done.Add(max(marksRest, marksShare*done.Sub(began)))
	s.netfilter = n
	return n
}

// Owners lists who uses bits of the mark in a namespace: ip rules, agents whose devices are there, netfilter. What could be read comes
// beside an error.
func Owners(h *nl.Host) ([]chain.Owner, error) {
	list, err := routing(kernel{h})
	marks, markErr := h.MarkOwners()
	return append(list, marks...), errors.Join(err, markErr)
}

// routing is who uses bits of the mark in ip rules, or can be told by a device.
func routing(h host) ([]chain.Owner, error) {
	rules, err := h.Rules()
	if err != nil {
		return nil, err
	}
	links, err := h.Links()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, l := range links {
		names = append(names, l.Name)
	}
	return chain.Owners(rules, names), nil
}

// owners lists who else uses bits of the mark. why: netfilter, which may have more of them, can't be read.
func (s *Steer) owners() (list []chain.Owner, why string, err error) {
	list, err = routing(s.host)
	marks := s.marks()
	return append(list, marks.owners...), marks.why, err
}

// bits lists who uses which bits of the mark.
func (s *Steer) bits(chains []acl.Chain) []snap.BitOwner {
	var out []snap.BitOwner
	for i := range chains {
		if c := &chains[i]; !c.Off {
			out = append(out, snap.BitOwner{Mark: c.Mark, Mask: c.Mask, Who: "chain " + format.Clean(c.Name), From: "the policy"})
		}
	}
	owners, _, err := s.owners() // checks say what can't be read
	if err != nil {
		return out
	}
	for i := range owners {
		o := &owners[i]
		b := snap.BitOwner{Mark: o.Mark, Mask: o.Mask, Sets: o.Sets, Who: format.Clean(o.Who), From: format.Clean(o.From)}
		for j := range chains {
			if c := &chains[j]; !c.Off && o.Clashes(c.Mark, c.Mask) {
				b.Clash = format.Clean(c.Name)
				break
			}
		}
		out = append(out, b)
	}
	return out
}
