// SPDX-License-Identifier: Apache-2.0

package flows

import "math/bits"

// slot remembers what stood in a slot of the table at the last look.
type slot struct {
	rec     uint32 // id+1, 0: nothing; and slotLeft
	packets uint32
	bytes   uint64 // and slotForwarded, slotAside, the low bits of the record's serial
	print   uint64
}

// slotLeft stands in slot.rec after its entry was not met. The rest stays: when the entry comes back, as one that was only passed over,
// what it had counted is known.
const slotLeft = 1 << 31

// held tells whether the last look met the slot's entry.
func (s *slot) held() bool { return s.rec != 0 && s.rec&slotLeft == 0 }

// id is that of the record of what stood in the slot last.
func (s *slot) id() uint32 { return s.rec&^slotLeft - 1 }

// isOf tells whether that record is still that flow's: ids are used again.
func (s *slot) isOf(r *record) bool {
	return s.bytes>>serialShift&serialMask == uint64(r.serial)&serialMask
}

// Bits of slot.bytes: how the entry is counted in its device's live sums, and whose it is. An entry counts 47 bits of bytes.
const (
	slotForwarded = 1 << 63
	slotAside     = 1 << 62 // not at all: denied, or inside a tunnel
	serialShift   = 48
	serialMask    = 1<<14 - 1
	slotBytes     = 1<<serialShift - 1
)

// slot is what is remembered of an entry.
func (e *Sample) slot(id, serial uint32) slot {
	s := slot{rec: id + 1, packets: e.Packets, bytes: e.Bytes&slotBytes | uint64(serial)&serialMask<<serialShift, print: e.Print}
	if e.Forwarded {
		s.bytes |= slotForwarded
	}
	if e.Denied || e.Inner {
		s.bytes |= slotAside
	}
	return s
}

// minFrame is the fewest bytes that a frame has: an Ethernet header, or more in an IP header.
const minFrame = 14

// gain returns what an entry of the same flow in the same slot gained. Its counters only grow, bytes never wrap,
// packets wrap at 2^32; anything else is a new entry of the flow, all of which is gain. One frame may be counted in
// packets and not yet in bytes.
func (s *slot) gain(packets uint32, bytes uint64) (dp, db uint64) {
	if before := s.bytes & slotBytes; bytes >= before {
		db = bytes - before
		dp = uint64(packets - s.packets) // modulo 2^32
		if dp == 0 || minFrame*(dp-1) <= db {
			return dp, db
		}
	}
	return uint64(packets), bytes
}

// slots is the table as the last look found it, in the table's order: an entry that stands as it stood is known by this
// alone, without its record, which lies anywhere in memory.
type slots struct {
	at   []slot
	used []uint64 // bits of the slots that the last look found in use
	met  []uint64 // of those that this look has met
}

func newSlots(n int) slots {
	t := slots{}
	t.grow(n)
	return t
}

func (t *slots) grow(n int) {
	t.at = append(t.at, make([]slot, n-len(t.at))...)
	words := (n + 63) / 64
	t.used = append(t.used, make([]uint64, words-len(t.used))...)
	t.met = append(t.met, make([]uint64, words-len(t.met))...)
}

// stands tells whether an entry with this print is in a slot since the last look.
func (t *slots) stands(i uint32, print uint64) bool {
	if int(i) >= len(t.at) || t.at[i].print != print || !t.at[i].held() {
		return false
	}
	t.met[i>>6] |= 1 << (i & 63)
	return true
}

// meet returns what is known of a slot that is in use.
func (t *slots) meet(i uint32) *slot {
	if int(i) >= len(t.at) {
		t.grow(int(i) + 1)
	}
	t.met[i>>6] |= 1 << (i & 63)
	return &t.at[i]
}

// missed ends a look: f gets each slot that was in use before and is no more, whatever the order in which slots were met.
func (t *slots) missed(f func(*slot)) {
	for w := range t.used {
		for left := t.used[w] &^ t.met[w]; left != 0; left &= left - 1 {
			f(&t.at[w<<6+bits.TrailingZeros64(left)])
		}
	}
	t.used, t.met = t.met, t.used
	clear(t.met)
}

// each calls f with each slot that the last look found in use.
func (t *slots) each(f func(i uint32, s *slot)) {
	for w, word := range t.used {
		for ; word != 0; word &= word - 1 {
			i := w<<6 + bits.TrailingZeros64(word)
			f(uint32(i), &t.at[i])
		}
	}
}

// empty forgets what stood in a slot.
func (t *slots) empty(i uint32) {
	t.at[i] = slot{}
	t.used[i>>6] &^= 1 << (i & 63)
}
