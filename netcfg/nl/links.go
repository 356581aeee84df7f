// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"fmt"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// Links lists the devices of the namespace.
func (h *Host) Links() ([]snap.Link, error) {
	var links []snap.Link
	body := make([]byte, unix.SizeofIfInfomsg)
	err := h.dump(unix.NETLINK_ROUTE, unix.RTM_GETLINK, body, func() { links = nil }, func(kind uint16, p []byte) {
		if l, ok := decodeLink(p); ok && kind == unix.RTM_NEWLINK {
			links = append(links, l)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	return links, nil
}

// Ready reports whether a device takes packets: it has carrier, and its queue is no longer the one that swallows all
// ("noop", until the kernel has dealt with the carrier). Every change of that is an event of WatchLinks.
func (h *Host) Ready(name string) (bool, error) {
	ready := false
	body := make([]byte, unix.SizeofIfInfomsg)
	err := h.dump(unix.NETLINK_ROUTE, unix.RTM_GETLINK, body, func() { ready = false }, func(_ uint16, p []byte) {
		l, ok := decodeLink(p)
		if !ok || l.Name != name || !l.Carrier {
			return
		}
		for t, v := range attrs(p[unix.SizeofIfInfomsg:]) {
			ready = ready || t == unix.IFLA_QDISC && text(v) != "noop"
		}
	})
	if err != nil {
		return false, fmt.Errorf("look at device %s: %w", name, err)
	}
	return ready, nil
}

// Attributes inside IFLA_LINKINFO and IFLA_XDP (include/uapi/linux/if_link.h).
const (
	iflaXDPAttached  = 2
	iflaXDPProgID    = 4
	iflaXDPDrvProgID = 5
	iflaXDPSkbProgID = 6
	iflaXDPHwProgID  = 7
	xdpAttachedDrv   = 1
	xdpAttachedSkb   = 2
	xdpAttachedHw    = 3
	iflaLinkNetnsID  = 37
	arphrdRawIP      = 519
	arphrdIP6GRE     = 823
	arphrdNone       = 0xfffe
)

// decodeLink reads the payload of RTM_NEWLINK or RTM_DELLINK.
func decodeLink(p []byte) (snap.Link, bool) {
	if len(p) < unix.SizeofIfInfomsg {
		return snap.Link{}, false
	}
	flags := native.Uint32(p[8:])
	kind := native.Uint16(p[2:])
	l := snap.Link{
		Index:    int(int32(native.Uint32(p[4:]))),
		Up:       flags&unix.IFF_UP != 0,
		Carrier:  flags&unix.IFF_LOWER_UP != 0,
		Loopback: flags&unix.IFF_LOOPBACK != 0,
		L3:       isL3(kind),
	}
	parent, elsewhere := 0, false
	var info []byte
	for t, v := range attrs(p[unix.SizeofIfInfomsg:]) {
		switch t {
		case unix.IFLA_IFNAME:
			l.Name = text(v)
		case unix.IFLA_MTU:
			l.MTU = int(u32(v))
		case unix.IFLA_MASTER:
			l.Master = int(u32(v))
		case unix.IFLA_LINK:
			parent = int(u32(v))
		case iflaLinkNetnsID:
			elsewhere = true
		case unix.IFLA_ADDRESS:
			if len(v) == len(l.MAC) {
				copy(l.MAC[:], v)
			}
		case unix.IFLA_LINKINFO:
			for t, v := range attrs(v) {
				switch t {
				case unix.IFLA_INFO_KIND:
					l.Kind = text(v)
				case unix.IFLA_INFO_DATA:
					info = v
				}
			}
		case unix.IFLA_XDP:
			l.XDP = decodeXDP(v)
		case unix.IFLA_CARRIER_CHANGES:
			l.CarrierChanges = u32(v)
		case unix.IFLA_STATS64:
			decodeStats(&l, v)
		}
	}
	l.TunnelPort = tunnelPort(l.Kind, info)
	// A veth names its peer as lower device, and a device of another namespace has an index that means nothing here.
	if parent != l.Index && !elsewhere && l.Kind != "veth" && l.Kind != "netkit" {
		l.Parent = parent
	}
	return l, l.Index > 0
}

// isL3 says whether frames of a device of that ARP hardware type begin with the IP header.
func isL3(hardware uint16) bool {
	switch hardware {
	case arphrdNone, arphrdRawIP, unix.ARPHRD_PPP, unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6, unix.ARPHRD_SIT, unix.ARPHRD_IPGRE, arphrdIP6GRE:
		return true
	}
	return false
}

// decodeXDP reads the nest IFLA_XDP. With one program the kernel gives its mode and id, with several one id a mode.
func decodeXDP(b []byte) snap.XDPInfo {
	var x snap.XDPInfo
	var mode byte
	var id uint32
	for t, v := range attrs(b) {
		switch t {
		case iflaXDPAttached:
			if len(v) > 0 {
				mode = v[0]
			}
		case iflaXDPProgID:
			id = u32(v)
		case iflaXDPDrvProgID:
			x.Native = u32(v)
		case iflaXDPSkbProgID:
			x.Generic = u32(v)
		case iflaXDPHwProgID:
			x.Offload = u32(v)
		}
	}
	switch mode {
	case xdpAttachedDrv:
		x.Native = id
	case xdpAttachedSkb:
		x.Generic = id
	case xdpAttachedHw:
		x.Offload = id
	}
	return x
}

// decodeStats reads struct rtnl_link_stats64, whose tail older kernels lack.
func decodeStats(l *snap.Link, b []byte) {
	at := func(i int) uint64 {
		if len(b) < (i+1)*8 {
			return 0
		}
		return native.Uint64(b[i*8:])
	}
	l.RxPackets, l.TxPackets, l.RxDropped, l.TxDropped = at(0), at(1), at(6), at(7)
	l.Errors = snap.LinkErrors{
		RxErrors: at(4), TxErrors: at(5), Collisions: at(9),
		RxLength: at(10), RxOver: at(11), RxCRC: at(12), RxFrame: at(13), RxFIFO: at(14), RxMissed: at(15),
		TxAborted: at(16), TxCarrier: at(17), TxFIFO: at(18),
		RxNoHandler: at(23), RxOtherHost: at(24),
	}
}
