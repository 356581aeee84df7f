// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// FlowTable is the kernel's flow table, read in place. Each CPU has its own entries: a flow that several CPUs saw has one
// in each, and its counters are their sum.
type FlowTable struct {
	mem   []byte
	slots []Entry // over mem
	sizes Sizes
	seed  [8]uint64 // of prints
}

// readTries bounds how often an entry that changes under the reader is read again; its key is right in any case.
const readTries = 8

func mapTable(m *ebpf.Map, s Sizes) (*FlowTable, error) {
	size := s.FlowSlots() * entryBytes
	mem, err := unix.Mmap(m.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map flow table of %d bytes into memory: %w", size, err)
	}
	slots := unsafe.Slice((*Entry)(unsafe.Pointer(unsafe.SliceData(mem))), s.FlowSlots())
	t := &FlowTable{mem: mem, slots: slots, sizes: s}
	for i := range t.seed {
		t.seed[i] = rand.Uint64()
	}
	return t, nil
}

func (t *FlowTable) unmap() error {
	mem := t.mem
	t.mem, t.slots = nil, nil
	if mem == nil {
		return nil
	}
	if err := unix.Munmap(mem); err != nil {
		return fmt.Errorf("unmap flow table: %w", err)
	}
	return nil
}

// Slots is the number of entries that the table can hold, over all CPUs.
func (t *FlowTable) Slots() int { return len(t.slots) }

// Scan calls yield with a consistent copy of each live entry until it returns false. The copy is overwritten by the next
// call. Entries that come or go during the scan may be missed or seen; none is seen half.
func (t *FlowTable) Scan(yield func(e *Entry) bool) {
	t.ScanSlots(func(_ int, e *Entry) bool { return yield(e) })
}

// ScanSlots is Scan that also tells where each entry lies: an entry keeps its slot for its life.
func (t *FlowTable) ScanSlots(yield func(slot int, e *Entry) bool) { scan(t.slots, yield) }

func scan(slots []Entry, yield func(slot int, e *Entry) bool) {
	var e Entry
	for i := range slots {
		s := &slots[i]
		if atomic.LoadUint32(&s.packets) == 0 || !s.read(&e) {
			continue
		}
		if !yield(i, &e) {
			return
		}
	}
}

// ScanChanged is ScanSlots for who remembers entries by their prints: it passes over those that known says it knows.
func (t *FlowTable) ScanChanged(known func(slot int, print uint64) bool, yield func(slot int, e *Entry) bool) {
	var e Entry
	for i := range t.slots {
		if atomic.LoadUint32(&t.slots[i].packets) != 0 && !t.changed(t.slots, i, &e, known, yield) {
			return
		}
	}
}

// changed yields one of slots that is live unless known (nil: nobody) knows it. An entry that is written meanwhile has a print that is nobody's.
func (t *FlowTable) changed(slots []Entry, i int, e *Entry, known func(slot int, print uint64) bool, yield func(slot int, e *Entry) bool) bool {
	s := &slots[i]
	return known != nil && known(i, t.Print(s)) || !s.read(e) || yield(i, e)
}

// Print tells whether an entry is as it was: it changes with every byte, but for once in 2^64 by chance. Its seed is the table's
// own, so that nobody can send two flows that have the same.
func (t *FlowTable) Print(e *Entry) uint64 {
	w, seed := (*[8]uint64)(unsafe.Pointer(e)), &t.seed
	var h uint64
	for i := 0; i < len(w); i += 2 {
		hi, lo := bits.Mul64(w[i]^seed[i], w[i+1]^seed[i+1])
		h = bits.RotateLeft64(h, 23) ^ hi ^ lo
	}
	return h
}

// read copies a slot and tells whether it is live. It reads again when the slot changed meanwhile; when a flow is so busy
// that every try saw another count, the last copy stands if its key did not change.
func (s *Entry) read(e *Entry) bool {
	for range readTries {
		packets := atomic.LoadUint32(&s.packets)
		if packets == 0 {
			return false
		}
		*e = *s
		if atomic.LoadUint32(&s.packets) == packets && s.key == e.key && e.packets == packets {
			return true
		}
	}
	return e.packets != 0 && s.key == e.key
}

// forget empties every entry of a device, which must be detached by now. The key goes first: a program finds an entry by
// its key alone, and the device's next one would go on counting where the last one ended.
func forget(slots []Entry, slot uint16) {
	for i := range slots {
		s := &slots[i]
		word := s.key.tagDevice()
		old := atomic.LoadUint32(word)
		if s.key.device() != slot || !atomic.CompareAndSwapUint32(word, old, 0) {
			continue
		}
		for {
			packets := atomic.LoadUint32(&s.packets)
			if packets == 0 || atomic.LoadUint32(word) != 0 || atomic.CompareAndSwapUint32(&s.packets, packets, 0) {
				break
			}
		}
	}
}
