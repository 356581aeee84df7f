// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"errors"
	"os"

	"hooktop/probes/snap"
)

// Standing lists the connections that stand: those of sockets, and those of conntrack where that is at work. Asking loads no
// module. What could be read is returned beside the error.
func (h *Host) Standing() ([]snap.Socket, []snap.Tracked, error) {
	sockets, failed := h.Sockets()
	var tracked []snap.Tracked
	var err error
	if _, none := os.Stat("/proc/sys/net/netfilter/nf_conntrack_max"); none == nil { // the module is loaded
		if moduleThere("nf_conntrack_netlink") {
			tracked, err = h.Tracked()
		} else {
			tracked, err = h.procTracked()
		}
	}
	return sockets, tracked, errors.Join(failed, err)
}
