// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// rtmFLookupTable asks for the table of the route that was found (RTM_F_LOOKUP_TABLE, linux/rtnetlink.h).
const rtmFLookupTable = 0x1000

// Attributes that a request for one packet takes (since 4.19; an older kernel does not look at them).
const (
	rtaIPProto = 27
	rtaSPort   = 28
	rtaDPort   = 29
)

// Question is a packet whose way the kernel is asked for.
type Question struct {
	Src, Dst     netip.Addr
	Proto        uint8
	SPort, DPort uint16
	In           bool   // it comes in on Dev; else the host sends it
	Dev          string // of a packet that the host sends: the one it leaves by, "" for any
	Mark         uint32
}

// Way is where the kernel's routing sends a packet.
type Way struct {
	Kind  string     // "local", "forward", "out", "broadcast", "multicast", "unreachable", "prohibit", "blackhole"
	Via   netip.Addr // next hop, not valid: the destination itself
	Dev   string     // that it leaves by, "" when it does not
	Src   netip.Addr // that the host would choose, not valid: none
	Table uint32     // of the route, 0: none
	Why   string     // of what leads nowhere: the kernel's word
}

// Lookup asks the kernel for the way of a packet (RTM_GETROUTE), rules and all. That there is none is an answer.
func (h *Host) Lookup(q Question) (Way, error) {
	body, err := h.question(q)
	if err != nil {
		return Way{}, fmt.Errorf("look up the route to %s: %w", q.Dst, err)
	}
	payload, err := h.one(unix.RTM_GETROUTE, body)
	var refused unix.Errno
	switch {
	case errors.As(err, &refused):
		if kind := nowhere(refused); kind != "" {
			return Way{Kind: kind, Why: refused.Error()}, nil
		}
		return Way{}, fmt.Errorf("look up the route from %s to %s: %w", q.Src, q.Dst, err)
	case err != nil:
		return Way{}, fmt.Errorf("look up the route to %s: %w", q.Dst, err)
	}
	way, out, ok := decodeWay(payload)
	if !ok {
		return Way{}, fmt.Errorf("look up the route to %s: the kernel's answer is none", q.Dst)
	}
	if way.Kind == "unicast" {
		way.Kind = map[bool]string{true: "forward", false: "out"}[q.In]
	}
	if out > 0 && way.Kind != "local" {
		link, err := h.handle.LinkByIndex(out)
		if err != nil {
			return Way{}, fmt.Errorf("look up the route to %s: name of device %d: %w", q.Dst, out, err)
		}
		way.Dev = link.Attrs().Name
	}
	return way, nil
}

// nowhere names the ways that the kernel tells as errors (net/ipv4/fib_semantics.c fib_props, net/ipv6/route.c), "" for
// others.
func nowhere(e unix.Errno) string {
	switch e {
	case unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EXDEV: // EXDEV: the source is not reached by the device (rp_filter)
		return "unreachable"
	case unix.EACCES:
		return "prohibit"
	}
	return ""
}

func (h *Host) question(q Question) ([]byte, error) {
	body := make([]byte, unix.SizeofRtMsg)
	bits := byte(q.Dst.BitLen())
	body[0], body[1] = unix.AF_INET6, bits
	if q.Dst.Is4() { // IPv6 tells the table unasked, and takes no flag
		body[0] = unix.AF_INET
		native.PutUint32(body[8:], rtmFLookupTable)
	}
	body = append(body, attr(unix.RTA_DST, q.Dst.AsSlice())...)
	if q.Src.IsValid() && !q.Src.IsUnspecified() {
		body[2] = bits
		body = append(body, attr(unix.RTA_SRC, q.Src.AsSlice())...)
	}
	if q.Dev != "" {
		link, err := h.handle.LinkByName(q.Dev)
		if err != nil {
			return nil, fmt.Errorf("device %s: %w", q.Dev, err)
		}
		kind := uint16(unix.RTA_OIF)
		if q.In {
			kind = unix.RTA_IIF
		}
		body = append(body, attr(kind, native.AppendUint32(nil, uint32(link.Attrs().Index)))...)
	}
	if q.Mark != 0 {
		body = append(body, attr(unix.RTA_MARK, native.AppendUint32(nil, q.Mark))...)
	}
	switch q.Proto { // the kernel takes no other here (rtm_getroute_parse_ip_proto)
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP:
		body = append(body, attr(rtaIPProto, []byte{q.Proto})...)
		body = append(body, attr(rtaSPort, binary.BigEndian.AppendUint16(nil, q.SPort))...)
		body = append(body, attr(rtaDPort, binary.BigEndian.AppendUint16(nil, q.DPort))...)
	}
	return body, nil
}

// one sends a request that has one answer and returns its payload.
func (h *Host) one(kind uint16, body []byte) ([]byte, error) {
	fd, err := h.socket(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, request(kind, unix.NLM_F_REQUEST, 1, body), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, fmt.Errorf("send netlink request: %w", err)
	}
	buf := make([]byte, recvSize)
	for {
		n, err := receive(fd, buf)
		if err != nil {
			return nil, fmt.Errorf("receive netlink answer: %w", err)
		}
		for m := range messages(buf[:n]) {
			if m.kind == unix.NLMSG_ERROR {
				return nil, ackError(m.payload)
			}
			return m.payload, nil
		}
		return nil, errors.New("receive netlink answer: it is empty")
	}
}

// decodeWay reads the payload of an RTM_NEWROUTE that answers a lookup.
func decodeWay(p []byte) (way Way, out int, ok bool) {
	if len(p) < unix.SizeofRtMsg {
		return way, 0, false
	}
	kinds := map[byte]string{unix.RTN_UNICAST: "unicast", unix.RTN_LOCAL: "local", unix.RTN_BROADCAST: "broadcast", unix.RTN_ANYCAST: "local",
		unix.RTN_MULTICAST: "multicast", unix.RTN_BLACKHOLE: "blackhole", unix.RTN_UNREACHABLE: "unreachable", unix.RTN_PROHIBIT: "prohibit"}
	way.Kind, way.Table = kinds[p[7]], uint32(p[4])
	for t, v := range attrs(p[unix.SizeofRtMsg:]) {
		switch t {
		case unix.RTA_TABLE:
			way.Table = u32(v)
		case unix.RTA_OIF:
			out = int(u32(v))
		case unix.RTA_GATEWAY:
			way.Via, _ = netip.AddrFromSlice(v)
		case unix.RTA_VIA: // family, then the address: IPv6 next hops of IPv4 routes (RFC 5549)
			way.Via, _ = netip.AddrFromSlice(v[min(2, len(v)):])
		case unix.RTA_PREFSRC:
			way.Src, _ = netip.AddrFromSlice(v)
		}
	}
	return way, out, way.Kind != ""
}
