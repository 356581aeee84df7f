// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"hooktop/netcfg/acl"
)

// Options say what a policy's names stand for.
type Options struct {
	Devices map[string]uint16 // device slots by name; one that is not here matches nothing yet
	Now     time.Time         // rules that have ended by then are left out; zero: none has
}

// compiler is one run of Compile.
type compiler struct {
	p      *acl.Policy
	o      Options
	m      *Image
	sides  [2]*addresses
	protos sets[protoKey]
	types  sets[string]
	devs   sets[acl.Device]

	buckets map[uint32]bool // names that are given
}

// Compile makes the image of a policy, the guard's lines first. The error says which rule, and what there is no room for.
func Compile(p *acl.Policy, o Options) (*Image, error) {
	c := &compiler{p: p, o: o, m: &Image{DenyIn: p.In == acl.Deny, DenyOut: p.Out == acl.Deny}, buckets: map[uint32]bool{}}
	c.m.Legs = []Leg{{}}
	c.m.Hits = []What{{}, {By: acl.ByDefault, Index: 0}, {By: acl.ByDefault, Index: 1}}
	rules := append(c.legs(), c.rules()...)
	c.m.Records = make([]Record, 0, len(rules))
	for i := range c.sides {
		c.sides[i] = newAddresses(p, rules, i)
		if err := c.sides[i].cut(&c.m.Sides[i]); err != nil {
			return nil, err
		}
	}
	for _, r := range rules {
		if err := c.add(r); err != nil {
			return nil, err
		}
	}
	if err := c.tunnels(); err != nil {
		return nil, err
	}
	if len(c.m.Records) > MaxRecords {
		return nil, fmt.Errorf("compile policy: its rules make %d records (one for each pair of port ranges), there is room for %d: join ports into ranges", len(c.m.Records), MaxRecords)
	}
	if len(c.m.Hits) > MaxHits {
		return nil, fmt.Errorf("compile policy: %d rules, there is room for %d", len(c.m.Hits)-firstHit, MaxHits-firstHit)
	}
	if len(c.m.Legs)-1 > MaxLegs {
		return nil, fmt.Errorf("compile policy: its chains have %d legs, there is room for %d: write oneway where replies need no service", len(c.m.Legs)-1, MaxLegs)
	}
	if err := c.words(); err != nil {
		return nil, err
	}
	return c.m, c.lists()
}

// input is a rule to be compiled, or a line of the guard.
type input struct {
	*acl.Rule
	guard bool
	hit   uint16
	leg   bool // of a chain
}

func (in input) name() string {
	if in.guard {
		return "guard line " + in.Rule.String()
	}
	return fmt.Sprintf("line %d", in.Line)
}

// legs are those of the chains. Their records come first: a packet is held against them whatever decides it.
func (c *compiler) legs() []input {
	var out []input
	for i := range c.p.Chains {
		ch := &c.p.Chains[i]
		if ch.Off {
			continue
		}
		for _, l := range ch.Legs() {
			out = append(out, input{Rule: &l.Rule, hit: uint16(len(c.m.Legs)), leg: true})
			c.m.Legs = append(c.m.Legs, Leg{acl.LegOf{Chain: i + 1, Kind: l.Kind}, ch.Mark, ch.Mask})
		}
	}
	return out
}

// rules are those that can match, and gives counters to all.
func (c *compiler) rules() []input {
	out := make([]input, 0, len(c.p.Guard)+len(c.p.Rules))
	c.m.Hits = slices.Grow(c.m.Hits, cap(out))
	for i := range c.p.Guard {
		g := &c.p.Guard[i]
		hit := uint16(len(c.m.Hits))
		c.m.Hits = append(c.m.Hits, What{By: acl.ByGuard, Index: i})
		if g.NotIP {
			c.m.NotIP = hit
			continue
		}
		out = append(out, input{Rule: &g.Rule, guard: true, hit: hit})
	}
	for i := range c.p.Rules {
		r := &c.p.Rules[i]
		hit := uint16(len(c.m.Hits))
		c.m.Hits = append(c.m.Hits, What{By: acl.ByRule, Index: i})
		if !r.Off && (c.o.Now.IsZero() || !r.Expires.Passed(c.o.Now)) {
			out = append(out, input{Rule: r, hit: hit})
		}
	}
	return out
}

// add makes the records of a rule.
func (c *compiler) add(r input) error {
	rec := Record{VLAN: uint16(r.VLAN.ID), VNI: r.VNI.ID, Hit: r.hit, Flags: flags(r), Expires: r.Expires.At}
	if r.Action == acl.Limit {
		rec.Cost = r.Rate.Cost()
		rec.Burst = time.Duration(r.Rate.Burst) * rec.Cost
		rec.Bucket = c.bucket(r.Rule)
	}
	c.m.Flows = c.m.Flows || r.Established
	var err error
	if rec.SrcLo, rec.SrcHi, rec.Src, err = c.sides[0].match(&r.From); err == nil {
		rec.DstLo, rec.DstHi, rec.Dst, err = c.sides[1].match(&r.To)
	}
	if err != nil {
		return fmt.Errorf("compile policy: %s: %w", r.name(), err)
	}
	if len(r.Proto.List) > 0 {
		rec.Proto = c.protos.bit(keyOf(r.Proto), func(bit uint8) { c.setProto(bit, r.Proto) })
	}
	if len(r.Type.List) > 0 {
		rec.Type = c.types.bit(fmt.Sprint(r.Type), func(bit uint8) { c.setType(bit, r.Type) })
	}
	if r.Dev.Name != "" {
		rec.Dev = c.devs.bit(r.Dev, func(bit uint8) { c.setDev(bit, r.Dev) })
	}
	for _, s := range ranges(r.From.Ports) {
		for _, d := range ranges(r.To.Ports) {
			rec.SPortLo, rec.SPortHi, rec.DPortLo, rec.DPortHi = s.Lo, s.Hi, d.Lo, d.Hi
			c.m.Records = append(c.m.Records, rec)
		}
	}
	return nil
}

func flags(r input) Flags {
	var f Flags
	set := func(on bool, bits Flags) {
		if on {
			f |= bits
		}
	}
	deep := len(r.From.Ports.List) > 0 || len(r.To.Ports.List) > 0 || len(r.Type.List) > 0 || r.Established
	lets := r.Action == acl.Allow || r.Action == acl.Limit
	set(r.Dir != acl.Out, In)
	set(r.Dir != acl.In, Out)
	set(r.Action == acl.Deny, Deny)
	set(r.Action == acl.Limit, Limit)
	set(r.Action == acl.Count, Count)
	set(r.From.Not && !r.From.Any(), NotSrc)
	set(r.To.Not && !r.To.Any(), NotDst)
	set(r.VLAN.Not, NotVLAN)
	set(r.VNI.Not, NotVNI)
	set(r.Established, Established)
	set(r.Log, Log)
	set(!deep || lets && !r.guard, Later)
	set(r.leg, Chain)
	return f
}

// bucket names a rule's buckets, so that they outlive a commit. The rate is part of the name: what a source took at another rate,
// by the same rule before it was edited, would deny it for as long as those tokens took to come back.
func (c *compiler) bucket(r *acl.Rule) uint32 {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s\x00%d\x00%d\x00%d", r.ID.Text, r.ID.Ordinal, r.Rate.Cost(), r.Rate.Burst)
	name := h.Sum32()
	for c.buckets[name] { // another rule's
		name++
	}
	c.buckets[name] = true
	return name
}

var allPorts = []acl.Range{{Lo: 0, Hi: Ports - 1}}

// ranges are the ports that match, as ranges apart from each other. A match that leaves nothing is a range without ports:
// its rule still takes later fragments.
func ranges(p acl.Ports) []acl.Range {
	if len(p.List) == 0 {
		return allPorts
	}
	if !p.Not {
		return p.List
	}
	var out []acl.Range
	next := 0
	for _, r := range p.List {
		if int(r.Lo) > next {
			out = append(out, acl.Range{Lo: uint16(next), Hi: r.Lo - 1})
		}
		next = int(r.Hi) + 1
	}
	if next < Ports {
		out = append(out, acl.Range{Lo: uint16(next), Hi: Ports - 1})
	}
	if out == nil {
		out = []acl.Range{{Lo: 1, Hi: 0}}
	}
	return out
}

// sets gives bits of a word to what rules match by; bit 0 means any.
type sets[K comparable] struct {
	bits map[K]uint8
	over bool
}

// bit is that of k. A new one is set in the words where k matches.
func (s *sets[K]) bit(k K, set func(bit uint8)) uint8 {
	if s.bits == nil {
		s.bits = map[K]uint8{}
	}
	b, ok := s.bits[k]
	if !ok {
		b = uint8(len(s.bits) + 1)
		if b >= MaxSets {
			s.over = true
			return 0
		}
		s.bits[k] = b
		set(b)
	}
	return b
}

// protoKey tells lists of protocols apart.
type protoKey struct {
	not  bool
	one  uint8
	list string // when there are several; no list names a protocol twice
}

func keyOf(p acl.Protos) protoKey {
	if len(p.List) == 1 {
		return protoKey{not: p.Not, one: p.List[0]}
	}
	return protoKey{not: p.Not, list: string(p.List)}
}

// words checks that there were bits enough, and sets the one for any.
func (c *compiler) words() error {
	for what, over := range map[string]bool{"lists of protocols": c.protos.over, "lists of ICMP types": c.types.over, "matches on devices": c.devs.over} {
		if over {
			return fmt.Errorf("compile policy: more than %d different %s", MaxSets-1, what)
		}
	}
	for i := range c.m.Proto {
		c.m.Proto[i] |= 1
	}
	for i := range c.m.Type {
		c.m.Type[i] |= 1
	}
	for i := range c.m.Dev {
		c.m.Dev[i] |= 1
	}
	return nil
}

func (c *compiler) setProto(bit uint8, p acl.Protos) {
	in := map[uint8]bool{}
	for _, n := range p.List {
		in[n] = true
	}
	for n := range c.m.Proto {
		if in[uint8(n)] != p.Not {
			c.m.Proto[n] |= 1 << bit
		}
	}
}

// TypeRow is the row of Image.Type for a packet.
func TypeRow(proto, kind uint8) int {
	switch proto {
	case acl.ICMP:
		return int(kind)
	case acl.ICMPv6:
		return 256 + int(kind)
	}
	return TypeRows - 1
}

func (c *compiler) setType(bit uint8, t acl.Types) {
	in := map[int]bool{}
	for _, one := range t.List {
		if one.V4 >= 0 {
			in[TypeRow(acl.ICMP, uint8(one.V4))] = true
		}
		if one.V6 >= 0 {
			in[TypeRow(acl.ICMPv6, uint8(one.V6))] = true
		}
	}
	for row := range c.m.Type {
		if in[row] != t.Not {
			c.m.Type[row] |= 1 << bit
		}
	}
}

func (c *compiler) setDev(bit uint8, d acl.Device) {
	slot, known := c.o.Devices[d.Name]
	for n := range c.m.Dev {
		if (known && n == int(slot)) != d.Not {
			c.m.Dev[n] |= 1 << bit
		}
	}
}
