// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"net/netip"
	"time"

	"hooktop/netcfg/acl"
)

// Judged is what the program finds for a packet.
type Judged struct {
	Deny    bool
	Hit     uint16   // index of the counters of what decided
	Counted []uint16 // of the count rules that were passed, in the order of records
	Limited bool
	Leg     uint16 // of an allowed packet, 0: none
}

// State answers what rules ask beside the packet.
type State interface {
	Now() time.Time
	Established(k acl.Packet) bool
	Token(r *Record, src netip.Addr) bool
}

const none = MaxRecords

// Judge does what the program does, over the same tables.
func (m *Image) Judge(k acl.Packet, slot uint16, s State) Judged {
	k.Src, k.Dst = k.Src.Unmap(), k.Dst.Unmap()
	if k.NotIP && m.NotIP != 0 {
		return Judged{Hit: m.NotIP}
	}
	if k.NotIP || k.Malformed {
		return m.byDefault(k.Dir, nil)
	}
	q := question{m: m, k: &k, s: s, slot: slot, best: none}
	j := q.judge()
	if !j.Deny {
		j.Leg = q.leg
	}
	return j
}

func (q *question) judge() Judged {
	m, k, s := q.m, q.k, q.s
	q.src, q.dst = m.Sides[0].find(k.Src), m.Sides[1].find(k.Dst)
	q.walk(m.Sides[0].Lists[q.src])
	q.walk(m.Sides[1].Lists[q.dst])
	for i, port := range [2]uint16{k.SPort, k.DPort} {
		if k.Frag == acl.Later {
			q.walk(m.PortSides[i].Later)
		} else {
			q.walk(m.PortSides[i].Lists[m.PortSides[i].Class[port]])
		}
	}
	q.walk(m.Wild)
	var counted []uint16
	for _, n := range q.counted {
		if int(n) < q.best {
			counted = append(counted, m.Records[n].Hit)
		}
	}
	if q.best == none {
		return m.byDefault(k.Dir, counted)
	}
	r := &m.Records[q.best]
	j := Judged{Deny: r.Flags&Deny != 0, Hit: r.Hit, Counted: counted}
	if r.Flags&Limit != 0 && !s.Token(r, k.Src) {
		j.Deny, j.Limited = true, true
	}
	return j
}

func (m *Image) byDefault(d acl.Dir, counted []uint16) Judged {
	if d == acl.Out {
		return Judged{Deny: m.DenyOut, Hit: HitDefaultOut, Counted: counted}
	}
	return Judged{Deny: m.DenyIn, Hit: HitDefaultIn, Counted: counted}
}

// find is the interval of an address.
func (s *Side) find(a netip.Addr) int {
	if a.Is4() {
		n := four(a)
		lo, hi := int(s.Root[n>>16]), int(s.Root[n>>16+1])
		for lo < hi && s.Bounds4[lo+1] <= n {
			lo++
		}
		return lo
	}
	h, at := halves(a), 0
	for at+1 < len(s.Bounds6) && compare6(s.Bounds6[at+1], h) <= 0 {
		at++
	}
	return len(s.Bounds4) + at
}

// question is one packet on its way through the lists.
type question struct {
	m        *Image
	k        *acl.Packet
	s        State
	slot     uint16
	src, dst int
	best     int
	counted  []uint16
	leg      uint16 // of the first chain that matches
}

func (q *question) walk(l List) {
	for _, n := range q.m.Lists[l.Offset : l.Offset+l.Len] {
		if int(n) >= q.best {
			return
		}
		r := &q.m.Records[n]
		if !q.matches(r) {
			continue
		}
		if r.Flags&Chain != 0 {
			if q.leg == 0 || r.Hit < q.leg {
				q.leg = r.Hit
			}
			continue
		}
		if r.Flags&Count == 0 {
			q.best = int(n)
			return
		}
		q.counted = append(q.counted, n)
	}
}

func within(lo, hi uint16, n int) bool { return int(lo) <= n && n <= int(hi) }

func has(word uint64, bit uint8) bool { return word>>bit&1 == 1 }

func (q *question) matches(r *Record) bool {
	m, k := q.m, q.k
	dir := In
	if k.Dir == acl.Out {
		dir = Out
	}
	src := within(r.SrcLo, r.SrcHi, q.src) && has(m.Sides[0].Sets[q.src], r.Src)
	dst := within(r.DstLo, r.DstHi, q.dst) && has(m.Sides[1].Sets[q.dst], r.Dst)
	if r.Flags&dir == 0 || src == (r.Flags&NotSrc != 0) || dst == (r.Flags&NotDst != 0) {
		return false
	}
	if !has(m.Proto[k.Proto], r.Proto) || !has(m.Dev[q.slot], r.Dev) {
		return false
	}
	if r.VLAN != 0 && (r.VLAN == k.VLAN) == (r.Flags&NotVLAN != 0) || r.VNI != 0 && (r.VNI == k.VNI) == (r.Flags&NotVNI != 0) {
		return false
	}
	if !r.Expires.IsZero() && !q.s.Now().Before(r.Expires) {
		return false
	}
	if k.Frag == acl.Later {
		return r.Flags&Later != 0
	}
	return within(r.SPortLo, r.SPortHi, int(k.SPort)) && within(r.DPortLo, r.DPortHi, int(k.DPort)) &&
		has(m.Type[TypeRow(k.Proto, k.Type)], r.Type) && (r.Flags&Established == 0 || q.s.Established(*k))
}
