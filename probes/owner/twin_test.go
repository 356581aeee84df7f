// SPDX-License-Identifier: Apache-2.0

package owner

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// twin is the slow, obvious way: all sockets and all processes are looked through for every question.
type twin struct {
	sockets []snap.Socket
	held    map[int]map[int]uint64 // PID -> descriptor -> inode
	addrs   []netip.Prefix
}

// holders lists who holds a socket. Which of them the index names depends on when it noticed: any of them is true.
func (w *twin) holders(inode uint64) (pids []int) {
	for pid, fds := range w.held {
		for _, n := range fds {
			if n == inode && n != 0 {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func (w *twin) local(a netip.Addr, egress bool) bool {
	for _, p := range w.addrs {
		if p.Addr() == a {
			return true
		}
	}
	return a.Is4() && a.IsLoopback() || !egress && a.IsMulticast()
}

// sockets that a packet of this flow could reach, by how sure that is.
func (w *twin) find(k *snap.FlowKey) (found []snap.Socket, sure snap.Sure) {
	if k.Frag == snap.FragLater || !format.HasPorts(k.Proto) {
		return nil, snap.SureNone
	}
	local, lport, peer, pport := k.Dst.Netip(), k.DPort, k.Src.Netip(), k.SPort
	if k.Egress {
		local, lport, peer, pport = peer, pport, local, lport
	}
	all := func(want func(s snap.Socket) bool) []snap.Socket {
		var out []snap.Socket
		for _, s := range w.sockets {
			if s.Proto == k.Proto && s.LPort == lport && want(s) {
				out = append(out, s)
			}
		}
		return out
	}
	open := func(s snap.Socket) bool { return s.State == 10 && s.Proto == 6 || s.Proto == 17 && s.PPort == 0 }
	if out := all(func(s snap.Socket) bool {
		return !open(s) && s.Local.Netip() == local && s.Peer.Netip() == peer && s.PPort == pport && pport != 0 && s.Inode != 0
	}); out != nil {
		return out, snap.SureExact
	}
	if out := all(func(s snap.Socket) bool { return open(s) && s.Local.Netip() == local }); out != nil {
		return out, snap.SureSocket
	}
	if !w.local(local, k.Egress) {
		return nil, snap.SureNone
	}
	if out := all(func(s snap.Socket) bool {
		return open(s) && local.Is4() && s.Local.Netip() == netip.IPv4Unspecified()
	}); out != nil {
		return out, snap.SureGuess
	}
	if out := all(func(s snap.Socket) bool { return open(s) && s.Local.Netip() == netip.IPv6Unspecified() }); out != nil {
		return out, snap.SureGuess
	}
	return nil, snap.SureNone
}

// world is a random host that changes: processes come, go, are replaced under their PID and hand sockets on.
type world struct {
	*host
	rng   *rand.Rand
	model twin
	inode uint64
	clock uint64
	start map[int]uint64 // by PID
}

func (w *world) randomSocket() snap.Socket {
	pick := func(s ...string) snap.Addr { return addr(s[w.rng.IntN(len(s))]) }
	w.inode++
	port := uint16(1 + w.rng.IntN(6))
	if w.rng.IntN(2) == 0 {
		return listening([]uint8{6, 17}[w.rng.IntN(2)], pick("0.0.0.0", "::", "10.0.0.1", "2001:db8::1").String(), port, w.inode)
	}
	s := connected("10.0.0.1", port, "10.9.9.9", uint16(1+w.rng.IntN(6)), w.inode)
	if w.rng.IntN(2) == 0 {
		s.Local, s.Peer = addr("2001:db8::1"), addr("2001:db8::9")
	}
	s.Proto = []uint8{6, 17}[w.rng.IntN(2)]
	if w.rng.IntN(6) == 0 && s.Proto == 6 {
		s.State, s.Inode = 6, 0
	}
	return s
}

// has reports whether a connected socket of this tuple exists: two cannot.
func (w *world) has(n snap.Socket) bool {
	return slices.ContainsFunc(w.sockets, func(s snap.Socket) bool {
		return n.PPort != 0 && s.Proto == n.Proto && s.Local == n.Local && s.LPort == n.LPort && s.Peer == n.Peer && s.PPort == n.PPort
	})
}

func (w *world) step() {
	pid := 1 + w.rng.IntN(12)
	switch w.rng.IntN(8) {
	case 0: // a new process under an old or a new PID
		w.clock++
		w.process(pid, w.clock, "p")
		w.start[pid] = w.clock
		w.model.held[pid] = map[int]uint64{}
	case 1:
		w.kill(pid)
		delete(w.model.held, pid)
	case 2, 3:
		if s := w.randomSocket(); !w.has(s) {
			w.sockets = append(w.sockets, s)
			if w.model.held[pid] != nil && s.Inode != 0 {
				w.give(pid, s.Inode)
			}
		}
	case 4:
		if len(w.sockets) > 0 {
			i := w.rng.IntN(len(w.sockets))
			w.sockets = slices.Delete(w.sockets, i, i+1)
		}
	case 5, 6: // share, or hand over
		if len(w.sockets) == 0 || w.model.held[pid] == nil {
			return
		}
		if s := w.sockets[w.rng.IntN(len(w.sockets))]; s.Inode != 0 {
			w.give(pid, s.Inode)
		}
	case 7:
		for fd := range w.model.held[pid] {
			w.letGo(pid, fd)
			delete(w.model.held[pid], fd)
			break
		}
	}
}

func (w *world) give(pid int, inode uint64) {
	fd := 3
	for ; w.model.held[pid][fd] != 0; fd++ {
	}
	w.hold(pid, fd, inode)
	w.model.held[pid][fd] = inode
}

func (w *world) randomFlow() *snap.FlowKey {
	pick := func(s ...string) snap.Addr { return addr(s[w.rng.IntN(len(s))]) }
	k := &snap.FlowKey{Proto: []uint8{6, 17}[w.rng.IntN(2)], Dev: uint16(w.rng.IntN(3)), VLAN: uint16(w.rng.IntN(2)), Egress: w.rng.IntN(2) == 0,
		SPort: uint16(1 + w.rng.IntN(6)), DPort: uint16(1 + w.rng.IntN(6))}
	k.Src, k.Dst = pick("10.0.0.1", "10.9.9.9", "10.0.0.2"), pick("10.0.0.1", "10.9.9.9", "127.0.0.9", "224.0.0.5")
	if w.rng.IntN(2) == 0 {
		k.Src, k.Dst = pick("2001:db8::1", "2001:db8::9"), pick("2001:db8::1", "2001:db8::9", "ff02::1")
	}
	return k
}

// The index says what the slow twin says, or nothing; never something else.
func TestTwin(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	h := newHost(t)
	w := &world{host: h, start: map[int]uint64{}, rng: rand.New(rand.NewPCG(seed, 1)), model: twin{held: map[int]map[int]uint64{}, addrs: h.addrs}}
	x := h.index()
	known, unknown := 0, 0
	for range 300 {
		for range w.rng.IntN(12) {
			w.step()
		}
		h.refresh(x)
		w.model.sockets = h.sockets
		for range 60 {
			k := w.randomFlow()
			got := x.Owner(k)
			sockets, sure := w.model.find(k)
			holders := []int{}
			for _, s := range sockets {
				holders = append(holders, w.model.holders(s.Inode)...)
			}
			switch {
			case strings.HasSuffix(got.Via, "closed since"):
				if sure == snap.SureExact {
					t.Fatalf("%+v: an open connection is said to be closed: %+v", *k, got)
				}
			case got.PID == 0:
				if len(holders) > 0 {
					unknown++
				}
			case got.Sure != sure || len(holders) == 0 || !slices.Contains(holders, got.PID) || got.Start != w.start[got.PID]:
				t.Fatalf("%+v: index says %+v, twin says %v of %v", *k, got, sure, holders)
			default:
				known++
			}
		}
	}
	t.Logf("%d owners known, %d not yet", known, unknown)
	if known == 0 || unknown > known/5 {
		t.Errorf("%d owners known, %d not: the index finds too little", known, unknown)
	}
}

// Any flow key is answered, and a key is no way to make the index say something that no socket says.
func FuzzOwner(f *testing.F) {
	h := &host{root: f.TempDir(), now: time.Unix(1e9, 0), addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}}
	h.sockets = []snap.Socket{connected("10.0.0.1", 443, "10.9.9.9", 5000, 101), listening(6, "::", 22, 102), listening(17, "0.0.0.0", 53, 103)}
	x := New(Options{Root: h.root, Passwd: os.DevNull, Now: func() time.Time { return h.now },
		Sockets: func() ([]snap.Socket, error) { return h.sockets, nil }, Addrs: func() ([]netip.Prefix, error) { return h.addrs, nil }})
	for range 2 {
		h.now = h.now.Add(2 * time.Second)
		if err := x.Refresh(); err != nil {
			f.Fatal(err)
		}
	}
	w := &twin{sockets: h.sockets, addrs: h.addrs}
	f.Add([]byte("0123456789abcdef"), []byte("0123456789abcdef"), uint16(22), uint16(53), uint8(6), uint8(0), uint32(0), true)
	f.Fuzz(func(t *testing.T, src, dst []byte, sport, dport uint16, proto, frag uint8, vni uint32, egress bool) {
		k := &snap.FlowKey{SPort: sport, DPort: dport, Proto: proto, Frag: snap.Frag(frag), VNI: vni, Egress: egress}
		copy(k.Src[:], src)
		copy(k.Dst[:], dst)
		sockets, _ := w.find(k)
		if got := x.Owner(k); (got.Sure == snap.SureKernel) != (len(sockets) > 0) || got.PID != 0 {
			t.Errorf("%+v: %+v of %v", *k, got, sockets)
		}
		x.TCP(k)
	})
}
