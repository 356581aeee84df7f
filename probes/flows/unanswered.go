// SPDX-License-Identifier: Apache-2.0

package flows

import "hash/maphash"

// A TCP flow is unanswered when nothing but SYNs was seen of it and no flow of the other direction is in the table: same
// addresses and ports swapped, on any device, in any direction of it, VLAN or tunnel, for an answer may take another way
// than the question. A reset is an answer. An answer that leaves by a device that is not watched is not seen.
//
// The question is asked of few flows mostly, and answered for all of them at once: a pass over the table against the
// tuples of the flows that have only SYNs. It is made at most once a look, and only if somebody asks.

// tuple is what both directions of a connection share, up to order.
type tuple [37]byte

func (k *RawKey) tuple() (t tuple) {
	copy(t[:36], k[:36])
	t[36] = k.proto()
	return t
}

func (k *RawKey) reversed() (t tuple) {
	copy(t[0:16], k[16:32])
	copy(t[16:32], k[0:16])
	copy(t[32:34], k[34:36])
	copy(t[34:36], k[32:34])
	t[36] = k.proto()
	return t
}

const (
	tcp     = 6
	synFlag = 2
	ecnBits = 0xc0 // ECE and CWR may stand on a SYN (RFC 3168)
)

func (r *record) onlySYN() bool { return r.key.proto() == tcp && r.flags&^ecnBits == synFlag }

func (s *Store) unanswered(r *record) bool {
	if !r.onlySYN() {
		return false
	}
	if s.answeredAt != s.epoch {
		s.findAnswers()
	}
	return r.state&answered == 0
}

// findAnswers marks the flows with only SYNs that have an answer.
func (s *Store) findAnswers() {
	s.answeredAt = s.epoch
	s.synOnly = s.synOnly[:0]
	s.each(func(id uint32, r *record) bool {
		if r.onlySYN() && r.state&gone == 0 {
			s.synOnly = append(s.synOnly, id)
		}
		return true
	})
	if len(s.synOnly) == 0 {
		return
	}
	size := 16
	for size < 2*len(s.synOnly) {
		size *= 2
	}
	type asked struct{ hash, id uint32 }
	table, mask := make([]asked, size), uint64(size-1)
	var ports [1 << 13]byte // bits of (sport + dport): most flows are told apart by it without a hash
	for _, id := range s.synOnly {
		r := s.rec(id)
		r.state &^= answered
		ports[r.portSum()>>3] |= 1 << (r.portSum() & 7)
		t := r.key.reversed()
		h := maphash.Bytes(s.seed, t[:])
		i := h & mask
		for table[i].id != 0 {
			i = (i + 1) & mask
		}
		table[i] = asked{uint32(h >> 32), id + 1}
	}
	s.each(func(_ uint32, r *record) bool {
		if r.key.proto() != tcp || ports[r.portSum()>>3]&(1<<(r.portSum()&7)) == 0 {
			return true
		}
		t := r.key.tuple()
		h := maphash.Bytes(s.seed, t[:])
		for i := h & mask; table[i].id != 0; i = (i + 1) & mask {
			if q := s.rec(table[i].id - 1); table[i].hash == uint32(h>>32) && q.key.reversed() == t {
				q.state |= answered
			}
		}
		return true
	})
}

// portSum is the same for both directions.
func (r *record) portSum() uint16 {
	k := &r.key
	return (uint16(k[32])<<8 | uint16(k[33])) + (uint16(k[34])<<8 | uint16(k[35]))
}
