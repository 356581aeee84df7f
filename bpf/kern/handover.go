// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Handover tells the programs of a device slot that XDP and tc ingress sit on it at a time: while it is on, the tc
// program leaves out what the XDP program has counted (bpf/include/handover.h).
func (p *Pipeline) Handover(slot uint16, on bool) error {
	if slot == 0 || slot > p.MaxSlot() {
		return fmt.Errorf("hand over device slot %d: it is not in 1-%d", slot, p.MaxSlot())
	}
	word := uint32(0)
	if on {
		word = 1
	}
	atomic.StoreUint32(&p.policy.states[slot].Handover, word)
	return nil
}

// Settle returns when every packet that was on its way through the programs has left them: membarrier waits for an RCU
// grace period, within which the kernel handles a packet.
func (p *Pipeline) Settle() error {
	const global = 1 // MEMBARRIER_CMD_GLOBAL (include/uapi/linux/membarrier.h)
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0); errno != 0 {
		return fmt.Errorf("wait for packets on their way: %w", errno)
	}
	return nil
}
