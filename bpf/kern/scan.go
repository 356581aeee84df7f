// SPDX-License-Identifier: Apache-2.0

package kern

import "sync/atomic"

// ScanSlots is Scan that also tells where each entry lies: an entry keeps its slot for its life. The copy is overwritten
// by the next call.
func (t *FlowTable) ScanSlots(yield func(slot int, e *Entry) bool) {
	var e Entry
	for i := range t.slots {
		s := &t.slots[i]
		if atomic.LoadUint32(&s.packets) == 0 || !s.read(&e) {
			continue
		}
		if !yield(i, &e) {
			return
		}
	}
}
