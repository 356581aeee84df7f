// SPDX-License-Identifier: Apache-2.0

package owner

import (
	"strconv"

	"hooktop/probes/snap"
)

// via is how a process was found.
const via = "sock_diag+/proc"

// fill writes into a snapshot who holds its sockets.
func (w *walker) fill(s *snapshot) {
	at := make(map[*process]int32)
	for i := range s.sockets {
		k := &s.sockets[i]
		if k.Inode == 0 {
			continue
		}
		p := w.holder(k.Inode)
		if p == nil {
			if w.orphaned(k.Inode) {
				s.held[i].process = noHolder
				s.unheld[k.Inode] = struct{}{}
			}
			continue
		}
		n, ok := at[p]
		if !ok {
			n = int32(len(s.processes))
			at[p] = n
			s.processes = append(s.processes, snap.Owner{PID: p.pid, Start: p.start, Comm: p.comm, Container: p.container, User: p.user})
		}
		s.held[i] = held{process: n, of: int32(len(w.holders[k.Inode]))}
	}
}

// owner of a socket of the snapshot.
func (s *snapshot) owner(i int32, sure snap.Sure) snap.Owner {
	h := s.held[i]
	switch {
	case h.process == noHolder:
		return snap.Owner{Sure: snap.SureKernel, Via: via + ": no process of this PID namespace holds it"}
	case h.process < 0:
		return snap.Owner{}
	}
	o := s.processes[h.process]
	o.Sure, o.Via = sure, via
	if h.of > 1 {
		o.Via += ", 1 of " + strconv.Itoa(int(h.of)) + " processes"
	}
	return o
}
