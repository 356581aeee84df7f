// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Lengths and attributes of neighbour messages (linux/neighbour.h).
const (
	ndMsgLen  = 12 // struct ndmsg
	ndaDst    = 1
	ndaLLAddr = 2
)

// Neighbour is an entry of the kernel's neighbour table. The zero value: there is none.
type Neighbour struct {
	State string // as ip(8) says it: "REACHABLE", "STALE", "FAILED", "PERMANENT" …
	MAC   string // "": not known
	Fixed bool   // somebody wrote it, or the device asks nobody: it says nothing of who is there
	Gone  bool   // the kernel asked and gave up
}

func (n Neighbour) String() string {
	switch {
	case n.State == "":
		return "no entry"
	case n.MAC == "":
		return n.State
	}
	return n.State + " " + n.MAC
}

// neighbourStates are the states of an entry (linux/neighbour.h, NUD_…).
var neighbourStates = []struct {
	bit  uint16
	name string
}{
	{unix.NUD_PERMANENT, "PERMANENT"}, {unix.NUD_NOARP, "NOARP"}, {unix.NUD_REACHABLE, "REACHABLE"}, {unix.NUD_STALE, "STALE"}, {unix.NUD_DELAY, "DELAY"},
	{unix.NUD_PROBE, "PROBE"}, {unix.NUD_INCOMPLETE, "INCOMPLETE"}, {unix.NUD_FAILED, "FAILED"},
}

// Neighbour reads the entry of one address on a device. That there is none is an answer.
func (h *Host) Neighbour(index int, of netip.Addr) (Neighbour, error) {
	body := make([]byte, ndMsgLen)
	body[0] = byte(familyOf(of.Is6()))
	native.PutUint32(body[4:], uint32(index))
	payload, err := h.one(unix.RTM_GETNEIGH, append(body, attr(ndaDst, of.AsSlice())...))
	if errors.Is(err, unix.ENOENT) || isGone(err) {
		return Neighbour{}, nil
	}
	if err != nil {
		return Neighbour{}, fmt.Errorf("read the neighbour table for %s: %w", of, err)
	}
	return decodeNeighbour(payload), nil
}

// decodeNeighbour reads the payload of RTM_NEWNEIGH.
func decodeNeighbour(p []byte) (n Neighbour) {
	if len(p) < ndMsgLen {
		return n
	}
	state := native.Uint16(p[8:])
	for _, s := range neighbourStates {
		if state&s.bit != 0 {
			n.State = s.name
			break
		}
	}
	n.Fixed, n.Gone = state&(unix.NUD_PERMANENT|unix.NUD_NOARP) != 0, state&unix.NUD_FAILED != 0
	for t, v := range attrs(p[ndMsgLen:]) {
		if t == ndaLLAddr && state&(unix.NUD_INCOMPLETE|unix.NUD_FAILED) == 0 {
			n.MAC = net.HardwareAddr(v).String()
		}
	}
	return n
}
