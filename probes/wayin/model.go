// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"net/netip"
	"time"
)

// Addr is an address of this host and the device that has it.
type Addr struct {
	Prefix netip.Prefix
	Index  int // ifindex
}

// WayIn is everything by which operators get into this host, as found at one time. Immutable.
type WayIn struct {
	At          time.Time
	Own         []Session        // those that this process runs in; also in Established
	Established []Session        // every established connection of an access agent
	Listeners   []netip.AddrPort // where access agents take new connections
	Peers       []netip.Addr     // whom established connections came from; sorted
	Carriers    []Carrier        // flows that carry the sessions below a tunnel device
	Proven      bool             // Own was tied to this process; false: Own is every session, to be on the safe side
	NoRemote    bool             // there is no remote session to protect
	Why         string           // how Own was found, or why it was not
	Notes       []string         // limits and oddities, for humans
}

// Session is one connection by which somebody works on this host.
type Session struct {
	Proto       uint8
	Local, Peer netip.AddrPort // Peer is invalid for mosh: its UDP socket is not connected
	Agent       string         // "sshd"
	PID         int
	Why         string // how it was found
}

// Carrier is the outer flow of a tunnel that a session comes through.
type Carrier struct {
	Proto  uint8
	Port   uint16     // of the tunnel at this end
	Peer   netip.Addr // the other end of the tunnel; invalid: not known, any
	Device string     // the tunnel device
	VTEP   bool       // the port is the destination in both directions (VXLAN, Geneve)
	Own    bool       // carries an own session
}
