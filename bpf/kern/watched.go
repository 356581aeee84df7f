// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
)

// watch makes packets that arrive on the device ones that were counted when they leave by another: totals count them once.
func (p *Pipeline) watch(d Device, h Hook) error {
	if h == TCEgress || h == TCMark || p.shadow {
		return nil
	}
	if err := p.maps[bpf.XdpMapHtWatched].Put(uint32(d.Index), uint32(d.Slot)); err != nil {
		return fmt.Errorf("note device %d as watched: %w", d.Index, err)
	}
	return nil
}

// unwatch takes back watch for the device that had the slot.
func (p *Pipeline) unwatch(slot uint16) error {
	m := p.maps[bpf.XdpMapHtWatched]
	var index, of uint32
	var gone []uint32
	for it := m.Iterate(); it.Next(&index, &of); {
		if of == uint32(slot) {
			gone = append(gone, index)
		}
	}
	for _, index := range gone {
		if err := m.Delete(index); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("note device %d as no longer watched: %w", index, err)
		}
	}
	return nil
}
