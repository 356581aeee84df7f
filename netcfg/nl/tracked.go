// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// ctnetlink (include/uapi/linux/netfilter/nfnetlink_conntrack.h).
const (
	ctGet           = 1<<8 | 1 // NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET
	ctNew           = 1 << 8   // answers come as IPCTNL_MSG_CT_NEW
	nfGenLen        = 4        // struct nfgenmsg
	ctaTupleOrig    = 1
	ctaTupleReply   = 2
	ctaStatus       = 3
	ctaCountersOrig = 9
	ctaCountersRepl = 10
	ctaTupleIP      = 1
	ctaTupleProto   = 2
	ctaIPv4Src      = 1
	ctaIPv4Dst      = 2
	ctaIPv6Src      = 3
	ctaIPv6Dst      = 4
	ctaProtoNum     = 1
	ctaProtoSPort   = 2
	ctaProtoDPort   = 3
	ctaICMPType     = 5
	ctaICMPCode     = 6
	ctaICMPv6Type   = 8
	ctaICMPv6Code   = 9
	ctaPackets      = 1
	ctaBytes        = 2
	ctSeenReply     = 1 << 1 // IPS_SEEN_REPLY (nf_conntrack_common.h)
)

// Tracked dumps conntrack by netlink, or from /proc/net/nf_conntrack where netlink may or can not.
func (h *Host) Tracked() ([]snap.Tracked, error) {
	var all []snap.Tracked
	err := h.dump(unix.NETLINK_NETFILTER, ctGet, make([]byte, nfGenLen), func() { all = nil }, func(kind uint16, p []byte) {
		if c, ok := decodeTracked(p); ok && kind == ctNew {
			all = append(all, c)
		}
	})
	if err == nil {
		return all, nil
	}
	listed, perr := h.procTracked()
	if perr != nil {
		return nil, fmt.Errorf("dump conntrack: %w", errors.Join(err, perr))
	}
	return listed, nil
}

func decodeTracked(p []byte) (snap.Tracked, bool) {
	if len(p) < nfGenLen {
		return snap.Tracked{}, false
	}
	var c, reply snap.Tracked
	seen := false
	for t, v := range attrs(p[nfGenLen:]) {
		switch t {
		case ctaTupleOrig:
			seen = decodeTuple(&c, v)
		case ctaTupleReply:
			if decodeTuple(&reply, v) {
				c.RSrc, c.RDst, c.RSPort, c.RDPort = reply.Src, reply.Dst, reply.SPort, reply.DPort
			}
		case ctaStatus:
			c.Replied = len(v) >= 4 && binary.BigEndian.Uint32(v)&ctSeenReply != 0
		case ctaCountersOrig:
			c.Packets, c.Bytes = decodeCounters(v)
		case ctaCountersRepl:
			c.RPackets, c.RBytes = decodeCounters(v)
		}
	}
	return c, seen
}

func decodeTuple(c *snap.Tracked, b []byte) bool {
	addresses := 0
	for t, v := range attrs(b) {
		switch t {
		case ctaTupleIP:
			for t, v := range attrs(v) {
				switch {
				case (t == ctaIPv4Src || t == ctaIPv6Src) && setAddr(&c.Src, v):
					addresses++
				case (t == ctaIPv4Dst || t == ctaIPv6Dst) && setAddr(&c.Dst, v):
					addresses++
				}
			}
		case ctaTupleProto:
			decodeProto(c, v)
		}
	}
	return addresses == 2
}

func decodeProto(c *snap.Tracked, b []byte) {
	for t, v := range attrs(b) {
		if len(v) == 0 {
			continue
		}
		switch t {
		case ctaProtoNum:
			c.Proto = v[0]
		case ctaProtoSPort:
			c.SPort = be16(v)
		case ctaProtoDPort:
			c.DPort = be16(v)
		case ctaICMPType, ctaICMPv6Type:
			c.SPort |= uint16(v[0]) << 8
		case ctaICMPCode, ctaICMPv6Code:
			c.SPort |= uint16(v[0])
		}
	}
}

func decodeCounters(b []byte) (packets, bytes uint64) {
	for t, v := range attrs(b) {
		if len(v) < 8 {
			continue
		}
		switch t {
		case ctaPackets:
			packets = binary.BigEndian.Uint64(v)
		case ctaBytes:
			bytes = binary.BigEndian.Uint64(v)
		}
	}
	return packets, bytes
}

func be16(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

// setAddr takes 4 or 16 bytes.
func setAddr(a *snap.Addr, b []byte) bool {
	switch len(b) {
	case 4:
		*a = diagAddr(unix.AF_INET, b)
	case 16:
		*a = snap.Addr(b)
	default:
		return false
	}
	return true
}
