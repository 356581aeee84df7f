// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// sock_diag's inet family (include/uapi/linux/inet_diag.h).
const (
	sockDiagByFamily = 20
	diagRequestLen   = 56 // struct inet_diag_req_v2
	diagMessageLen   = 72 // struct inet_diag_msg
	diagInfo         = 2  // INET_DIAG_INFO: struct tcp_info
	allStates        = 0xffffffff
)

// Offsets in struct inet_diag_msg.
const (
	diagRetrans = 3
	diagSPort   = 4
	diagDPort   = 6
	diagSrc     = 8
	diagDst     = 24
	diagIf      = 40
	diagUID     = 64
	diagInode   = 68
)

// Offsets in struct tcp_info (include/uapi/linux/tcp.h); fields are only ever added at its end.
const (
	infoRetransmits  = 2
	infoUnacked      = 24
	infoRTT          = 68
	infoRTTVar       = 72
	infoTotalRetrans = 100
)

// TCP states (include/net/tcp_states.h) that are read here.
const (
	tcpSynSent    = 2
	tcpSynRecv    = 3
	tcpListen     = 10
	tcpNewSynRecv = 12
)

// Sockets dumps TCP sockets in all states and UDP sockets of both families by sock_diag. An IPv4 wildcard address is
// ::ffff:0.0.0.0, an IPv6 one ::. When one of the four dumps fails the others are returned beside the error.
func (h *Host) Sockets() ([]snap.Socket, error) {
	var all []snap.Socket
	var failed error
	for _, proto := range []uint8{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
		for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
			start := len(all)
			err := h.dump(unix.NETLINK_SOCK_DIAG, sockDiagByFamily, diagRequest(family, proto), func() { all = all[:start] }, func(kind uint16, p []byte) {
				if s, ok := decodeSocket(p, proto); ok && kind == sockDiagByFamily {
					all = append(all, s)
				}
			})
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("dump sockets of family %d protocol %d: %w", family, proto, err))
			}
		}
	}
	return all, failed
}

func diagRequest(family, proto uint8) []byte {
	b := make([]byte, diagRequestLen)
	b[0], b[1] = family, proto
	if proto == unix.IPPROTO_TCP {
		b[2] = 1 << (diagInfo - 1)
	}
	native.PutUint32(b[4:], allStates)
	return b
}

// decodeSocket reads struct inet_diag_msg and the attributes behind it.
func decodeSocket(p []byte, proto uint8) (snap.Socket, bool) {
	if len(p) < diagMessageLen {
		return snap.Socket{}, false
	}
	family := p[0]
	if family != unix.AF_INET && family != unix.AF_INET6 {
		return snap.Socket{}, false
	}
	s := snap.Socket{
		Proto:  proto,
		State:  p[1],
		Local:  diagAddr(family, p[diagSrc:]),
		Peer:   diagAddr(family, p[diagDst:]),
		LPort:  binary.BigEndian.Uint16(p[diagSPort:]),
		PPort:  binary.BigEndian.Uint16(p[diagDPort:]),
		Device: int(int32(native.Uint32(p[diagIf:]))),
		UID:    native.Uint32(p[diagUID:]),
		Inode:  uint64(native.Uint32(p[diagInode:])),
	}
	if proto != unix.IPPROTO_TCP {
		return s, true
	}
	s.TCP.State = stateName(s.State)
	if s.State == tcpSynSent || s.State == tcpSynRecv || s.State == tcpNewSynRecv {
		s.TCP.SynRetrans = uint32(p[diagRetrans])
	}
	for t, v := range attrs(p[diagMessageLen:]) {
		if t == diagInfo && s.State != tcpListen {
			decodeTCPInfo(&s.TCP, v, s.State)
		}
	}
	return s, true
}

func diagAddr(family uint8, b []byte) (a snap.Addr) {
	if family == unix.AF_INET {
		a[10], a[11] = 0xff, 0xff
		copy(a[12:], b[:4])
		return a
	}
	copy(a[:], b[:16])
	return a
}

// decodeTCPInfo reads as much of struct tcp_info as this kernel gives. Times are in µs there.
func decodeTCPInfo(t *snap.TCPInfo, b []byte, state uint8) {
	field := func(offset int) uint32 {
		if len(b) < offset+4 {
			return 0
		}
		return native.Uint32(b[offset:])
	}
	t.Unacked = field(infoUnacked)
	t.RTT = time.Duration(field(infoRTT)) * time.Microsecond
	t.RTTVar = time.Duration(field(infoRTTVar)) * time.Microsecond
	t.Retrans = field(infoTotalRetrans)
	if state == tcpSynSent && len(b) > infoRetransmits {
		t.SynRetrans = uint32(b[infoRetransmits])
		t.RTT, t.RTTVar = 0, 0 // nothing was measured yet: the kernel shows its initial values
	}
}

// stateName gives the names that ss and netstat print.
func stateName(state uint8) string {
	names := [...]string{1: "ESTABLISHED", 2: "SYN-SENT", 3: "SYN-RECV", 4: "FIN-WAIT-1", 5: "FIN-WAIT-2", 6: "TIME-WAIT",
		7: "CLOSED", 8: "CLOSE-WAIT", 9: "LAST-ACK", 10: "LISTEN", 11: "CLOSING", 12: "SYN-RECV"}
	if int(state) < len(names) {
		return names[state]
	}
	return ""
}
