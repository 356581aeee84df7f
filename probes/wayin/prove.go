// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"hooktop/probes/procfs"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// prove ties this process to the sessions that it runs in.
func (l *look) prove() {
	l.chain = l.t.chain(l.self)
	l.climb(l.chain, "")
	for _, server := range l.chain {
		if m := multiplexer(server.Comm); m != "" {
			l.clients(server, m)
			break
		}
	}
	l.way.Proven = slices.ContainsFunc(l.all, func(s *session) bool { return s.own })
	if l.way.Proven {
		l.way.Why = l.reasons()
		return
	}
	l.unproven()
}

// climb ties the sessions of the access agents among parents, and those that the parents' environments name. by says
// whose parents they are, if not this process's.
func (l *look) climb(chain []*process, by string) {
	done := false
	for _, p := range chain {
		if v, ok := l.t.environ(p.PID, "SSH_CONNECTION"); ok {
			l.byEnvironment(v, p, by)
		}
		if !done && p.agent != nil && p.agent.impostor == "" {
			done = l.byAgent(p, by)
		}
	}
}

// byAgent ties the sessions that a parent holds. An ssh server also holds connections that it forwards: those count only
// if it has nothing else.
func (l *look) byAgent(p *process, by string) bool {
	var in, out []*session
	for _, s := range l.all {
		if !p.agent.sockets[s.inode] {
			continue
		}
		if s.incoming {
			in = append(in, s)
		} else {
			out = append(out, s)
		}
	}
	if len(in) == 0 {
		in = out
	}
	for _, s := range in {
		s.tie(fmt.Sprintf("its %s, pid %d, is a parent of %s", format.Clean(p.Comm), p.PID, orThis(by)))
	}
	return len(in) > 0
}

// byEnvironment ties the connection that SSH_CONNECTION names, if it is still there.
func (l *look) byEnvironment(v string, p *process, by string) {
	peer, local, ok := ParseConnection(v)
	if !ok {
		return
	}
	why := fmt.Sprintf("SSH_CONNECTION of %s, pid %d", format.Clean(p.Comm), p.PID)
	if by != "" {
		why += ", a parent of " + by
	}
	for _, s := range l.all {
		if s.Proto == protoTCP && s.Local == local && s.Peer == peer {
			s.tie(why)
			return
		}
	}
	for i := range l.sockets {
		k := &l.sockets[i]
		if k.Proto != protoTCP || k.State != procfs.Established || k.LPort != local.Port() || k.PPort != peer.Port() ||
			k.Local != snap.AddrFrom(local.Addr()) || k.Peer != snap.AddrFrom(peer.Addr()) {
			continue
		}
		s := &session{Session: Session{Proto: protoTCP, Local: local, Peer: peer, Agent: "ssh"}, inode: k.Inode, incoming: true}
		s.tie(why + "; its server is not visible here")
		l.all = append(l.all, s)
		return
	}
}

// tie marks a session as this process's own. The first reason is kept.
func (s *session) tie(why string) {
	if !s.own {
		s.own, s.Why = true, why
	}
}

func orThis(by string) string {
	if by == "" {
		return "this process"
	}
	return by
}

// clients climbs from every client of a terminal multiplexer: its server has no parents that lead to a session. Which
// server a client belongs to is not to be read from /proc, so all clients of the same user, and of root, count.
func (l *look) clients(server *process, family string) {
	uid, known := l.t.user(server.PID)
	n := 0
	for _, e := range l.t.list {
		pid := e.PID
		p := l.t.known[pid]
		if p == nil || multiplexer(p.Comm) != family || p.PID == server.PID || p.TTY == 0 {
			continue
		}
		if u, ok := l.t.user(pid); known && ok && u != uid && u != 0 {
			continue
		}
		n++
		chain := l.t.chain(pid)
		if p.TTY.Console() {
			l.console = true
		}
		l.climb(chain, fmt.Sprintf("the %s client, pid %d", family, pid))
	}
	if n == 0 {
		l.note("runs in %s, pid %d, to which no client is attached", family, server.PID)
	}
}

// ParseConnection reads the value of SSH_CONNECTION: "client address, client port, server address, server port".
func ParseConnection(v string) (peer, local netip.AddrPort, ok bool) {
	f := strings.Fields(v)
	if len(f) != 4 {
		return peer, local, false
	}
	end := func(addr, port string) (netip.AddrPort, bool) {
		a, err := netip.ParseAddr(addr)
		n, err2 := strconv.ParseUint(port, 10, 16)
		return netip.AddrPortFrom(a.Unmap().WithZone(""), uint16(n)), err == nil && err2 == nil && n != 0
	}
	peer, ok1 := end(f[0], f[1])
	local, ok2 := end(f[2], f[3])
	return peer, local, ok1 && ok2
}

// reasons joins the reasons of the own sessions.
func (l *look) reasons() string {
	var all []string
	for _, s := range l.all {
		if s.own && !slices.Contains(all, s.Why) {
			all = append(all, s.Why)
		}
	}
	return strings.Join(all, "; ")
}

// unproven says why no session could be tied to this process, and what is protected then.
func (l *look) unproven() {
	console := l.console
	if len(l.chain) > 0 && l.chain[0].TTY.Console() {
		console = true
	}
	why := l.limits()
	switch {
	case console:
		l.way.Why = "runs on a console of this machine"
		return
	case len(l.all) == 0:
		l.way.Why = "no connection of an access agent was found"
	default:
		// To be on the safe side: cutting a stranger's session is worse than protecting one too many.
		for _, s := range l.all {
			s.own = true
		}
		l.way.Why = fmt.Sprintf("this process could not be tied to one of %d sessions, so all of them count as its own", len(l.all))
	}
	if why != "" {
		l.way.Why += ": " + why
	}
}

// limits says what keeps parents from being seen.
func (l *look) limits() string {
	if own, ok := l.t.namespace(l.self, "net"); ok {
		for _, p := range l.chain {
			if p.agent == nil {
				continue
			}
			if ns, ok := l.t.namespace(p.PID, "net"); ok && ns != own {
				return fmt.Sprintf("its %s, pid %d, is in another network namespace", format.Clean(p.Comm), p.PID)
			}
		}
	}
	if ns, ok := l.t.namespace(l.self, "pid"); ok && ns != procfs.InitialPIDNamespace {
		return "in a PID namespace of its own, whose parents are not visible"
	}
	return ""
}
