// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"fmt"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// Parents of a qdisc, its attributes, and those inside TCA_STATS2 (linux/pkt_sched.h, linux/rtnetlink.h, linux/gen_stats.h).
const (
	tcHRoot       = 0xffffffff
	tcHIngress    = 0xfffffff1 // clsact too
	tcaStats2     = 7
	tcaStatsQueue = 3
	// struct gnet_stats_queue: qlen, backlog, drops, requeues, overlimits, 32 bits each.
	offsetQueueDrops = 8
	offsetQueueOver  = 16
	sizeofQueueStats = 20
)

// Qdiscs lists the queueing disciplines of all devices: roots, clsact and ingress. What a child drops its root counts too.
func (h *Host) Qdiscs() ([]snap.Qdisc, error) {
	var all []snap.Qdisc
	err := h.dump(unix.NETLINK_ROUTE, unix.RTM_GETQDISC, make([]byte, sizeofTcMsg), func() { all = nil }, func(kind uint16, p []byte) {
		if q, ok := decodeQdisc(p); ok && kind == unix.RTM_NEWQDISC {
			all = append(all, q)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list qdiscs: %w", err)
	}
	return all, nil
}

// decodeQdisc reads the payload of RTM_NEWQDISC; false for one below another.
func decodeQdisc(p []byte) (snap.Qdisc, bool) {
	if len(p) < sizeofTcMsg {
		return snap.Qdisc{}, false
	}
	parent := native.Uint32(p[12:])
	q := snap.Qdisc{Device: int(int32(native.Uint32(p[4:]))), Handle: native.Uint32(p[8:]), Ingress: parent == tcHIngress}
	for t, v := range attrs(p[sizeofTcMsg:]) {
		switch t {
		case tcaKind:
			q.Kind = text(v)
		case tcaStats2:
			for t, v := range attrs(v) {
				if t == tcaStatsQueue && len(v) >= sizeofQueueStats {
					q.Drops, q.Overlimits = native.Uint32(v[offsetQueueDrops:]), native.Uint32(v[offsetQueueOver:])
				}
			}
		}
	}
	return q, parent == tcHRoot || parent == tcHIngress
}
