// SPDX-License-Identifier: Apache-2.0

package owner

import (
	"net/netip"
	"sync/atomic"
	"time"

	"hooktop/probes/procfs"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// connection is a connected socket's identity, seen from this host.
type connection struct {
	local, peer  snap.Addr
	lport, pport uint16
	proto        uint8
}

// binding is an unconnected or listening socket's identity.
type binding struct {
	addr  snap.Addr
	port  uint16
	proto uint8
}

// Holder of a socket when no process is known to hold it.
const (
	unknown  = -1
	noHolder = -2 // looked for in every process, more than once
)

// held says who holds a socket.
type held struct {
	process int32 // index into snapshot.processes, or one of the constants above
	of      int32 // processes that hold it
}

// snapshot is the joined state of one moment. Immutable, but for the marks that look-ups leave in seen.
type snapshot struct {
	at        time.Time
	sockets   []snap.Socket
	held      []held // beside sockets
	processes []snap.Owner
	connected map[connection]int32 // -> sockets
	bound     map[binding]int32    // -> sockets, the first of a chain
	next      []int32              // beside sockets: the next with the same binding, or -1
	ours      addresses
	unheld    map[uint64]struct{} // inodes with noHolder
	seen      []uint32            // beside sockets: 1 when somebody asked for it
}

// index builds the look-up tables over a dump.
func index(at time.Time, sockets []snap.Socket, ours addresses) *snapshot {
	s := &snapshot{
		at: at, sockets: sockets, ours: ours,
		unheld:    map[uint64]struct{}{},
		held:      make([]held, len(sockets)),
		connected: make(map[connection]int32, len(sockets)),
		bound:     make(map[binding]int32),
		next:      make([]int32, len(sockets)),
		seen:      make([]uint32, len(sockets)),
	}
	for i := range sockets {
		k := &sockets[i]
		s.held[i] = held{process: unknown}
		s.next[i] = -1
		if isBound(k) {
			b := binding{k.Local, k.LPort, k.Proto}
			if first, ok := s.bound[b]; ok {
				s.next[i] = s.next[first]
				s.next[first] = int32(i)
			} else {
				s.bound[b] = int32(i)
			}
			continue
		}
		if k.PPort == 0 {
			continue // bound, not listening: no packet can reach it
		}
		c := connection{k.Local, k.Peer, k.LPort, k.PPort, k.Proto}
		// A closed connection in TIME-WAIT has no inode; one that uses its tuple again has.
		if old, ok := s.connected[c]; !ok || sockets[old].Inode == 0 {
			s.connected[c] = int32(i)
		}
	}
	return s
}

// isBound reports whether a socket takes packets from any peer: it listens, or it is not connected at all.
func isBound(k *snap.Socket) bool {
	if k.Proto == protoTCP || k.Proto == protoSCTP {
		return k.State == procfs.Listen
	}
	return k.PPort == 0 && k.LPort != 0
}

const (
	protoTCP  = 6
	protoSCTP = 132
)

// ends gives a flow's two ends from this host's point of view; false when its packets carry no ports to go by.
func ends(k *snap.FlowKey) (c connection, ok bool) {
	if k.Frag == snap.FragLater || !format.HasPorts(k.Proto) {
		return c, false
	}
	if k.Egress {
		return connection{k.Src, k.Dst, k.SPort, k.DPort, k.Proto}, true
	}
	return connection{k.Dst, k.Src, k.DPort, k.SPort, k.Proto}, true
}

// find returns the socket of a connection and how sure that is. exact is the connected one, whatever became of it.
func (s *snapshot) find(c connection, egress bool) (socket, exact int32, sure snap.Sure) {
	exact, ok := s.connected[c]
	if !ok {
		exact = -1
	} else if s.sockets[exact].Inode != 0 {
		return exact, exact, snap.SureExact
	}
	if i, ok := s.bound[binding{c.local, c.lport, c.proto}]; ok {
		return s.best(i), exact, snap.SureSocket
	}
	// A packet that is forwarded meets no socket: its address here must be this host's own, or one for many.
	if !s.ours.has(c.local) && (egress || !s.ours.forMany(c.local)) {
		return -1, exact, snap.SureNone
	}
	if c.local.Is4() {
		if i, ok := s.bound[binding{any4(), c.lport, c.proto}]; ok {
			return s.best(i), exact, snap.SureGuess
		}
	}
	if i, ok := s.bound[binding{snap.Addr{}, c.lport, c.proto}]; ok {
		return s.best(i), exact, snap.SureGuess
	}
	return -1, exact, snap.SureNone
}

// any4 is ::ffff:0.0.0.0, as which a dump gives the IPv4 wildcard.
func any4() snap.Addr { return snap.Addr{10: 0xff, 11: 0xff} }

// best chooses among sockets that share a binding (SO_REUSEPORT, SO_BINDTODEVICE): the one of the lowest PID, known
// before unknown, so that the answer does not depend on the order of the dump.
func (s *snapshot) best(first int32) int32 {
	best := first
	for i := s.next[first]; i >= 0; i = s.next[i] {
		if s.rank(i) < s.rank(best) {
			best = i
		}
	}
	return best
}

func (s *snapshot) rank(i int32) int {
	if p := s.held[i].process; p >= 0 {
		return s.processes[p].PID
	}
	return 1 << 32
}

// mark notes that somebody looks at a socket: its holder is checked again at the next refresh.
func (s *snapshot) mark(i int32) { atomic.StoreUint32(&s.seen[i], 1) }

func (s *snapshot) marked(i int32) bool { return atomic.LoadUint32(&s.seen[i]) != 0 }

// addresses are a host's own.
type addresses struct {
	own  map[snap.Addr]struct{}
	many map[snap.Addr]struct{} // directed broadcast
}

func addressesOf(prefixes []netip.Prefix) addresses {
	a := addresses{own: make(map[snap.Addr]struct{}, len(prefixes)), many: map[snap.Addr]struct{}{}}
	for _, p := range prefixes {
		ip := p.Addr().Unmap().WithZone("")
		a.own[snap.AddrFrom(ip)] = struct{}{}
		bits := p.Bits()
		if p.Addr().Is4In6() {
			bits -= 96
		}
		if !ip.Is4() || bits < 0 || bits > 30 {
			continue
		}
		b := ip.As4()
		for i := bits; i < 32; i++ {
			b[i/8] |= 0x80 >> (i % 8)
		}
		a.many[snap.AddrFrom(netip.AddrFrom4(b))] = struct{}{}
	}
	return a
}

// has reports whether a is one of this host's addresses; all of 127.0.0.0/8 is.
func (s addresses) has(a snap.Addr) bool {
	if _, ok := s.own[a]; ok {
		return true
	}
	return a.Is4() && a[12] == 127
}

// forMany reports whether packets to a reach many hosts, this one perhaps among them.
func (s addresses) forMany(a snap.Addr) bool {
	if a.Is4() {
		_, directed := s.many[a]
		return directed || a[12]&0xf0 == 0xe0 || a == snap.Addr{10: 0xff, 11: 0xff, 12: 0xff, 13: 0xff, 14: 0xff, 15: 0xff}
	}
	return a[0] == 0xff
}
