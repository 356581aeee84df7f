// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"
	"net/netip"
	"slices"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// TCP states of sockets without a connection (include/net/tcp_states.h).
const (
	tcpClose  = 7
	tcpListen = 10
)

// seed tells the plane of the connections that stand, before a policy asks for established that comes after one that does not: the
// programs note new flows only while somebody asks. turn is held.
func (s *Service) seed(next, before *acl.Policy) error {
	if !asksFlows(next) || asksFlows(before) || s.opt.Standing == nil || s.idle() {
		return nil
	}
	sockets, tracked, failed := s.opt.Standing()
	list := standing(sockets, tracked)
	lost, err := s.plane.Note(list)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if failed != nil {
		s.trouble(fmt.Sprintf("established may miss connections that were silent since the launch: %v", failed))
	}
	if lost > 0 {
		s.trouble(fmt.Sprintf("established misses %d of %d packets that connections may send which stand: there is no room for more; --flows makes it", lost, len(list)))
	}
	return nil
}

func asksFlows(p *acl.Policy) bool {
	return slices.ContainsFunc(p.Rules, func(r acl.Rule) bool { return r.Established && !r.Off })
}

// standing lists the packets that connections may send. Rules see addresses of packets that arrive before, and of those that leave
// after translation, so that a translated direction has two names. What no reply came to has begun in one direction only: the
// other is all that established means.
func standing(sockets []snap.Socket, tracked []snap.Tracked) []Tuple {
	var out []Tuple
	for i := range sockets {
		k := &sockets[i]
		there := Tuple{Src: k.Local, Dst: k.Peer, SPort: k.LPort, DPort: k.PPort, Proto: k.Proto}
		if k.PPort == 0 || k.State == tcpListen || k.Proto == acl.TCP && k.State == tcpClose || k.Local.Netip().Unmap().IsLoopback() || !known(k.Peer) {
			continue
		}
		out = append(out, there, there.turned())
	}
	for i := range tracked {
		c := &tracked[i]
		there := Tuple{Src: c.Src, Dst: c.Dst, SPort: c.SPort, DPort: c.DPort, Proto: c.Proto}
		back := Tuple{Src: c.RSrc, Dst: c.RDst, SPort: c.RSPort, DPort: c.RDPort, Proto: c.Proto}
		if there.Src.Netip().Unmap().IsLoopback() || !known(c.RSrc) {
			continue
		}
		out = append(out, back)
		if t := there.turned(); t != back {
			out = append(out, t)
		}
		if !c.Replied {
			continue
		}
		out = append(out, there)
		if t := back.turned(); t != there {
			out = append(out, t)
		}
	}
	return out
}

// known reports whether an address is somebody's.
func known(a snap.Addr) bool {
	ip := a.Netip().Unmap()
	return ip != netip.IPv4Unspecified() && ip != netip.IPv6Unspecified()
}

// Types and codes of ICMP as Tuple has them.
const (
	echo, echoReply   = 8 << 8, 0
	echo6, echoReply6 = 128 << 8, 129 << 8
)

// turned is what the other end sends. ICMP has no ports to change: an echo turns into its reply.
func (t Tuple) turned() Tuple {
	t.Src, t.Dst = t.Dst, t.Src
	switch {
	case t.Proto != acl.ICMP && t.Proto != acl.ICMPv6:
		t.SPort, t.DPort = t.DPort, t.SPort
	case t.Proto == acl.ICMP && t.SPort == echo:
		t.SPort = echoReply
	case t.Proto == acl.ICMP && t.SPort == echoReply:
		t.SPort = echo
	case t.Proto == acl.ICMPv6 && t.SPort == echo6:
		t.SPort = echoReply6
	case t.Proto == acl.ICMPv6 && t.SPort == echoReply6:
		t.SPort = echo6
	}
	return t
}
