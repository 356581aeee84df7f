// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"hooktop/probes/procfs"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// look is one look at the host while it is made.
type look struct {
	t       *table
	self    int
	sockets []snap.Socket
	holders map[uint64][]*process // inode -> the agents that hold it
	all     []*session
	listen  map[uint16]bool // ports of agents' listeners
	way     WayIn
	console bool
	chain   []*process // this process and its parents
}

// session is one being looked at.
type session struct {
	Session
	inode    uint64
	incoming bool // arrived at a listener, so it is no connection that the agent made for its user
	own      bool
}

func newLook(t *table, self int, sockets []snap.Socket) *look {
	return &look{t: t, self: self, sockets: sockets, holders: map[uint64][]*process{}, listen: map[uint16]bool{}}
}

func (l *look) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(l.way.Notes, n) {
		l.way.Notes = append(l.way.Notes, n)
	}
}

// collect finds the agents' sockets: their listeners and their connections.
func (l *look) collect() {
	dark := 0
	here, _ := l.t.namespace(l.self, "net")
	list := slices.Clone(l.t.list)
	slices.SortFunc(list, func(a, b procfs.Entry) int { return cmp.Compare(a.PID, b.PID) })
	for _, e := range list {
		pid := e.PID
		p := l.t.known[pid]
		if p == nil || p.agent == nil {
			continue
		}
		switch {
		case p.agent.impostor != "":
			if ns, ok := l.t.namespace(pid, "net"); ok && ns != here {
				continue // a container's own sshd, its root not ours
			}
			l.note("pid %d calls itself %s but runs %s as an ordinary user: not counted", pid, format.Clean(p.Comm), format.Clean(p.agent.impostor))
		case p.agent.denied:
			dark++
		}
		for inode := range p.agent.sockets {
			l.holders[inode] = append(l.holders[inode], p)
		}
	}
	if dark > 0 {
		l.note("%d access agents may not be looked into: run as root to see their connections", dark)
	}
	for i := range l.sockets {
		if k := &l.sockets[i]; k.Proto == protoTCP && k.State == procfs.Listen && len(l.holders[k.Inode]) > 0 {
			l.listen[k.LPort] = true
		}
	}
	for i := range l.sockets {
		l.take(&l.sockets[i])
	}
	l.listeners()
}

// take adds a socket of an agent's to the sessions.
func (l *look) take(k *snap.Socket) {
	ps := l.holders[k.Inode]
	if k.Inode == 0 || len(ps) == 0 {
		return
	}
	p := ps[len(ps)-1] // the highest PID: the process that serves this very session
	local := netip.AddrPortFrom(k.Local.Netip(), k.LPort)
	s := &session{Session: Session{Proto: k.Proto, Local: local, Agent: format.Clean(p.Comm), PID: p.PID}, inode: k.Inode}
	switch k.Proto {
	case protoTCP:
		if k.State != procfs.Established {
			return
		}
		s.incoming = l.listen[k.LPort]
	case protoUDP:
		// An ssh server's UDP sockets are its questions to the DNS.
		if p.Comm != "mosh-server" && !p.agent.named {
			return
		}
		s.incoming = k.PPort == 0
	default:
		return
	}
	if k.PPort != 0 {
		s.Peer = netip.AddrPortFrom(k.Peer.Netip(), k.PPort)
	}
	s.Why = fmt.Sprintf("held by %s, pid %d", s.Agent, s.PID)
	l.all = append(l.all, s)
}

// listeners lists where new sessions arrive: the agents' own sockets and those that init or inetd keep for them, which
// are known by the port of a live session. A session at such a port is an incoming one.
func (l *look) listeners() {
	ports := map[uint16]bool{}
	for _, s := range l.all {
		if s.Proto == protoTCP {
			ports[s.Local.Port()] = true
		}
	}
	for i := range l.sockets {
		k := &l.sockets[i]
		if k.Proto != protoTCP || k.State != procfs.Listen || !(len(l.holders[k.Inode]) > 0 || ports[k.LPort]) {
			continue
		}
		l.listen[k.LPort] = true
		l.way.Listeners = append(l.way.Listeners, netip.AddrPortFrom(k.Local.Netip(), k.LPort))
	}
	for _, s := range l.all {
		if s.Proto == protoTCP && l.listen[s.Local.Port()] {
			s.incoming = true
		}
	}
}

// result puts what was found in order.
func (l *look) result(at time.Time) *WayIn {
	w := &l.way
	w.At = at
	slices.SortFunc(l.all, func(a, b *session) int {
		return cmp.Or(a.Local.Compare(b.Local), a.Peer.Compare(b.Peer), cmp.Compare(a.Proto, b.Proto))
	})
	for _, s := range l.all {
		w.Established = append(w.Established, s.Session)
		if s.own {
			w.Own = append(w.Own, s.Session)
		}
		if s.Peer.IsValid() && (s.incoming || len(l.listen) == 0) {
			w.Peers = append(w.Peers, s.Peer.Addr())
		}
	}
	slices.SortFunc(w.Peers, netip.Addr.Compare)
	w.Peers = slices.Compact(w.Peers)
	slices.SortFunc(w.Listeners, netip.AddrPort.Compare)
	w.Listeners = slices.Compact(w.Listeners)
	w.NoRemote = len(l.all) == 0
	return w
}
