// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/acltest"
	"hooktop/probes/ktest"
)

// trial is a frame, what the oracle is to take it for, and whether the packet that it answers was seen.
type trial struct {
	k     acl.Packet
	frame []byte
	wire  int // its length on the wire
	seen  bool
	cut   bool
}

// source makes packets for a policy: first one that each rule decides, if there is any, then at random, most of them inside a
// rule, and some cut off at each length.
type source struct {
	a     *acl.Policy
	s     *acl.Sampler
	reach *acltest.Reach
	rnd   *rand.Rand
	n     int
	cuts  int
	rules int // looked at so far
	fate  []acltest.Fate
	met   []bool
}

func newSource(a *acl.Policy, seed uint64) *source {
	rnd := rand.New(rand.NewPCG(seed, 6))
	return &source{a: a, s: acl.NewSampler(seed, a), reach: acltest.NewReach(a, slices.Sorted(maps.Keys(slotsByName)), rnd), rnd: rnd,
		fate: make([]acltest.Fate, len(a.Rules)), met: make([]bool, len(a.Rules))}
}

func (s *source) next() trial {
	for s.rules < len(s.a.Rules) {
		i := s.rules
		s.rules++
		k, seen, fate := s.reach.Packet(i)
		if s.fate[i] = fate; fate == acltest.Reached {
			frame := frameOf(k, s.rnd)
			return trial{k: k, frame: frame, wire: len(frame), seen: seen}
		}
	}
	s.n++
	k := s.any()
	c := trial{k: k, frame: frameOf(k, s.rnd)}
	c.wire = len(c.frame)
	if s.n%12 == 4 {
		s.cut(&c)
	}
	return c
}

// any is a packet that a rule decides, most of the time.
func (s *source) any() acl.Packet {
	for try := 0; ; try++ {
		k := s.s.Any()
		inside := len(s.a.Rules) > 0 && s.n%16 > 0
		if inside {
			k = s.s.For(&s.a.Rules[s.n%len(s.a.Rules)])
		}
		if k.Dir == acl.Both {
			k.Dir = acl.In
		}
		if _, known := slotsByName[k.Dev]; !known {
			k.Dev = "eth0"
		}
		switch s.n % 64 {
		case 0:
			k.NotIP = true
		case 32:
			k.Malformed = true
		}
		if !framable(k) {
			continue
		}
		if d := acl.Evaluate(s.a, k, nil); !inside || try > 8 || d.By == acl.ByRule || len(d.Counted) > 0 {
			return k
		}
	}
}

// cut cuts a frame off, at one length after the other: as a short frame, or as a capture of the whole one. What is left of it says
// the reference parser.
func (s *source) cut(c *trial) {
	s.cuts++
	if most := len(c.frame) - ShadowMin; most > 0 {
		c.frame = c.frame[:ShadowMin+s.cuts/2%most]
	}
	if c.cut = true; s.cuts%2 == 0 {
		c.wire = len(c.frame)
	}
	switch why := ktest.Parse(ktest.Frame{Data: c.frame, Wire: c.wire, Tag: -1}).Why; why {
	case "":
	case ktest.NotIP:
		c.k.NotIP, c.k.Malformed = true, false
	default:
		c.k.NotIP, c.k.Malformed = false, true
	}
}

// meets notes what the oracle said.
func (s *source) meets(d acl.Decision) {
	for _, i := range d.Counted {
		s.met[i] = true
	}
	if d.By == acl.ByRule {
		s.met[d.Index] = true
	}
}

// tally says what became of rules.
type tally struct {
	all, met, off, tunnel, shadowed, told, missed int
}

func (r tally) String() string {
	return fmt.Sprintf("%d did something, %d were off, %d ask for a tunnel, %d are shadowed (%d of them by one rule, which the linter says), %d were not reached",
		r.met, r.off, r.tunnel, r.shadowed, r.told, r.missed)
}

// add counts a policy's rules, each of which must be reached when anything can reach it.
func (r *tally) add(t *testing.T, s *source) {
	t.Helper()
	lint := acltest.Unreached(s.a)
	r.all += len(s.a.Rules)
	for i := range s.a.Rules {
		_, told := lint[s.a.Rules[i].Line]
		switch {
		case s.met[i]:
			r.met++
			if told {
				t.Errorf("the linter says that nothing reaches line %d, and a packet did: %s", s.a.Rules[i].Line, s.a.Rules[i].Match())
			}
		case s.fate[i] == acltest.Off:
			r.off++
		case s.fate[i] == acltest.InTunnel:
			r.tunnel++
		case s.fate[i] == acltest.Shadowed:
			if r.shadowed++; told {
				r.told++
			}
		default:
			r.missed++
			t.Errorf("line %d was not reached: %s", s.a.Rules[i].Line, s.a.Rules[i].Match())
		}
	}
}
