// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"fmt"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// struct tcmsg and its attributes (linux/rtnetlink.h), those of cls_bpf (linux/pkt_cls.h).
const (
	sizeofTcMsg = 20
	tcaKind     = 1
	tcaOptions  = 2
	tcaBPFName  = 7
	tcaBPFID    = 11
)

// anyFilter is a filter of whatever kind. A classifier of some kinds also lists itself, with handle 0.
type anyFilter struct {
	snap.Filter
	kind     string
	protocol uint16 // host order
}

// filters lists one half of a device's clsact; nil when there is none or the device is gone.
func (h *Host) filters(ifindex int, egress bool) ([]anyFilter, error) {
	var all []anyFilter
	body := make([]byte, sizeofTcMsg)
	native.PutUint32(body[4:], uint32(ifindex))
	native.PutUint32(body[12:], parentOf(egress))
	err := h.dump(unix.NETLINK_ROUTE, unix.RTM_GETTFILTER, body, func() { all = nil }, func(kind uint16, p []byte) {
		if f, ok := decodeFilter(p, egress); ok && kind == unix.RTM_NEWTFILTER && f.Index == ifindex {
			all = append(all, f)
		}
	})
	// EINVAL: no qdisc with that parent on the device.
	if err != nil && !isGone(err) && err != unix.EINVAL {
		return nil, fmt.Errorf("list filters of device %d: %w", ifindex, err)
	}
	return all, nil
}

func decodeFilter(p []byte, egress bool) (anyFilter, bool) {
	if len(p) < sizeofTcMsg {
		return anyFilter{}, false
	}
	info := native.Uint32(p[16:]) // prio << 16 | protocol in network order
	f := anyFilter{
		Filter: snap.Filter{
			Index:  int(int32(native.Uint32(p[4:]))),
			Egress: egress,
			Handle: native.Uint32(p[8:]),
			Prio:   uint16(info >> 16),
		},
		protocol: swap16(uint16(info)),
	}
	for t, v := range attrs(p[sizeofTcMsg:]) {
		switch t {
		case tcaKind:
			f.kind = text(v)
		case tcaOptions:
			if f.kind != "bpf" {
				continue
			}
			for t, v := range attrs(v) {
				switch t {
				case tcaBPFName:
					f.Name = text(v)
				case tcaBPFID:
					f.ProgID = u32(v)
				}
			}
		}
	}
	return f, true
}

// swap16 turns a 16-bit number in network order, read natively, into host order.
func swap16(v uint16) uint16 {
	var b [2]byte
	native.PutUint16(b[:], v)
	return uint16(b[0])<<8 | uint16(b[1])
}
