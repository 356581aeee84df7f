// SPDX-License-Identifier: Apache-2.0

package flows

import "hash/maphash"

// record is what the store keeps of a flow: 112 bytes without pointers, so that the garbage collector never looks
// inside and 100,000 flows cost 11 MB. A look leaves it alone unless an entry of the flow came, moved or left.
type record struct {
	key            RawKey
	path, gen      uint16
	packets, bytes uint64           // since first seen; never less than before
	pps, bps       [windows]float32 // bytes per second in bps, as they were at rated; see rate.go
	start          uint32           // ticks of the look before it was first seen
	rated          uint32           // ticks of the look that its rates are of; of a flow that is gone: of the one that missed it
	last           uint32           // jiffies of the last packet
	serial         uint32           // changes with each flow that the record serves
	epoch          uint32           // look in which it moved last
	refs           uint16           // slots of the table that hold an entry of it
	flags          uint8            // TCP flags seen
	state          state
}

type state uint8

const (
	used      state = 1 << iota
	gone            // no entry of it is left in the table
	forwarded       // arrived on another device
	answered        // the other direction was seen; valid while Store.answeredAt is the present look
	denied          // its last packet was
	inner           // that stayed in a tunnel: no socket had it
)

const (
	chunkBits = 12
	chunkLen  = 1 << chunkBits
)

// records is all records, and the way from a key to its record. Records never move: an id is good while serial is.
type records struct {
	chunks [][]record
	n      uint32   // ids below this were given out
	free   []uint32 // ids to be given out again
	serial uint32
	seed   maphash.Seed
	index  []uint32 // open addressing, linear probing; id+1, 0 is empty; at most half full
	filled int
}

func newRecords() records {
	return records{seed: maphash.MakeSeed(), index: make([]uint32, 1024)}
}

func (t *records) rec(id uint32) *record { return &t.chunks[id>>chunkBits][id&(chunkLen-1)] }

func (t *records) home(k *RawKey) uint64 { return maphash.Bytes(t.seed, k[:]) }

// find returns the id of a key's record.
func (t *records) find(k *RawKey) (uint32, bool) {
	mask := uint64(len(t.index) - 1)
	for i := t.home(k) & mask; ; i = (i + 1) & mask {
		id := t.index[i]
		if id == 0 {
			return 0, false
		}
		if t.rec(id-1).key == *k {
			return id - 1, true
		}
	}
}

// add makes a record for a key that has none.
func (t *records) add(k *RawKey) uint32 {
	if 2*(t.filled+1) > len(t.index) {
		t.grow()
	}
	var id uint32
	if n := len(t.free); n > 0 {
		id, t.free = t.free[n-1], t.free[:n-1]
	} else {
		id = t.n
		if id&(chunkLen-1) == 0 {
			t.chunks = append(t.chunks, make([]record, chunkLen))
		}
		t.n++
	}
	t.serial++
	*t.rec(id) = record{key: *k, serial: t.serial, state: used}
	t.put(id)
	t.filled++
	return id
}

func (t *records) put(id uint32) {
	mask := uint64(len(t.index) - 1)
	i := t.home(&t.rec(id).key) & mask
	for t.index[i] != 0 {
		i = (i + 1) & mask
	}
	t.index[i] = id + 1
}

func (t *records) grow() {
	old := t.index
	t.index = make([]uint32, 2*len(old))
	for _, id := range old {
		if id != 0 {
			t.put(id - 1)
		}
	}
}

// remove forgets a record. Those behind it in the index close up, so that no tombstones gather.
func (t *records) remove(id uint32) {
	mask := uint64(len(t.index) - 1)
	i := t.home(&t.rec(id).key) & mask
	for t.index[i] != id+1 {
		i = (i + 1) & mask
	}
	for j := i; ; {
		j = (j + 1) & mask
		next := t.index[j]
		if next == 0 {
			break
		}
		if h := t.home(&t.rec(next-1).key) & mask; (j-h)&mask >= (j-i)&mask {
			t.index[i] = next
			i = j
		}
	}
	t.index[i] = 0
	*t.rec(id) = record{}
	t.free = append(t.free, id)
	t.filled--
}

// each calls f with every record until it returns false.
func (t *records) each(f func(id uint32, r *record) bool) {
	for c, chunk := range t.chunks {
		base := uint32(c) << chunkBits
		chunk = chunk[:min(chunkLen, t.n-base)]
		for i := range chunk {
			if chunk[i].state&used != 0 && !f(base+uint32(i), &chunk[i]) {
				return
			}
		}
	}
}
