// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"sync/atomic"
	"unsafe"
)

// numbers are generations that flows' entries may hold. Entries outlive generations, and have 16 bits for them: one that was given
// to another policy would let an idle flow pass by the verdict of the first one.
type numbers [lastGen/64 + 1]uint64

func (n *numbers) add(gen uint32)      { n[gen/64] |= 1 << (gen % 64) }
func (n *numbers) has(gen uint32) bool { return n[gen/64]>>(gen%64)&1 == 1 }

// next is the generation after the last one that no entry holds and whose slot is not in force.
func (q *policies) next(p *Pipeline) uint32 {
	for {
		gen := q.last
		for range lastGen {
			gen = gen%lastGen + 1
			slot := gen % aclSlots
			if !q.used.has(gen) && (q.kept == 0 || slot != q.kept%aclSlots) && (q.trial == 0 || slot != q.trial%aclSlots) {
				return gen
			}
		}
		q.sweep(p)
	}
}

// sweep takes the generations that are no longer in the kernel out of entries: their flows are judged anew. No packet on its
// way can bring one back: a slot that decided is written again only after a grace period.
func (q *policies) sweep(p *Pipeline) {
	q.used = numbers{}
	for i := range q.loaded {
		if gen := q.loaded[i].gen; gen != 0 {
			q.used.add(gen)
		}
	}
	for _, list := range [][]Entry{p.table.slots, q.denied} {
		for i := range list {
			if gen := uint32(list[i].gen); gen != genEach && !q.used.has(gen) {
				list[i].disown(gen)
			}
		}
	}
}

// disown takes a generation out of an entry unless it has got another one meanwhile. Path and generation share a word, which the
// program may write at the same time.
func (e *Entry) disown(gen uint32) {
	word := (*uint32)(unsafe.Pointer(&e.path))
	for {
		old := atomic.LoadUint32(word)
		if old>>16 != gen || atomic.CompareAndSwapUint32(word, old, old&0xffff) {
			return
		}
	}
}
