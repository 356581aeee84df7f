// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// host is a made-up host: a directory in the shape of /proc, sockets, devices.
type host struct {
	t       *testing.T
	root    string
	sockets []snap.Socket
	links   []snap.Link
	addrs   []Addr
	unheld  map[uint64]bool
	inode   uint64
}

func newHost(t *testing.T) *host {
	h := &host{t: t, root: t.TempDir(), inode: 1000, unheld: map[uint64]bool{}}
	h.link(1, "lo", "", "127.0.0.1/8")
	h.link(2, "eth0", "", "10.0.0.1/24")
	return h
}

func (h *host) link(index int, name, kind, addr string) {
	h.links = append(h.links, snap.Link{Index: index, Name: name, Kind: kind, Up: true})
	h.addrs = append(h.addrs, Addr{netip.MustParsePrefix(addr), index})
}

// Terminals.
const (
	pts  = 136 << 8
	tty1 = 4<<8 | 1
)

// fixture is a made-up process; what it runs is root's unless owner says else.
type fixture struct {
	pid, ppid int
	comm      string
	exe       string // below the fixture; "" for /usr/bin/comm
	owner     int    // of exe
	uid, tty  int
	environ   []string
	inodes    []uint64
	netns     int
}

func (h *host) process(p fixture) {
	h.t.Helper()
	dir := filepath.Join(h.root, strconv.Itoa(p.pid))
	must := func(err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
	}
	write := func(name, text string) { must(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)) }
	must(os.RemoveAll(dir))
	must(os.MkdirAll(filepath.Join(dir, "fd"), 0o755))
	must(os.MkdirAll(filepath.Join(dir, "ns"), 0o755))
	write("stat", fmt.Sprintf("%d (%s) S %d 1 1 %d -1 1 2 3 4 5 6 7 8 9 10 0 1 0 %d 0\n", p.pid, p.comm, p.ppid, p.tty, p.pid))
	write("status", fmt.Sprintf("Name:\tx\nUid:\t%d\t%d\t%d\t%d\n", p.uid, p.uid, p.uid, p.uid))
	write("environ", strings.Join(p.environ, "\x00")+"\x00")
	must(os.Symlink(fmt.Sprintf("net:[%d]", 4026531840+p.netns), filepath.Join(dir, "ns", "net")))
	must(os.Symlink("pid:[4026531836]", filepath.Join(dir, "ns", "pid")))
	exe := p.exe
	if exe == "" {
		exe = "/usr/bin/" + p.comm
	}
	file := filepath.Join(h.root, "files", exe)
	must(os.MkdirAll(filepath.Dir(file), 0o755))
	must(os.WriteFile(file, nil, 0o755))
	must(os.Chown(file, p.owner, p.owner))
	must(os.Symlink(file, filepath.Join(dir, "exe")))
	for i, n := range p.inodes {
		must(os.Symlink(fmt.Sprintf("socket:[%d]", n), filepath.Join(dir, "fd", strconv.Itoa(3+i))))
	}
}

// socket adds one and returns its inode. Without a peer it listens.
func (h *host) socket(proto uint8, local, peer string) uint64 {
	h.inode++
	l := netip.MustParseAddrPort(local)
	s := snap.Socket{Proto: proto, Local: snap.AddrFrom(l.Addr()), LPort: l.Port(), State: 10, Inode: h.inode}
	if proto == protoUDP {
		s.State = 7
	}
	if peer != "" {
		p := netip.MustParseAddrPort(peer)
		s.Peer, s.PPort, s.State = snap.AddrFrom(p.Addr()), p.Port(), 1
	}
	h.sockets = append(h.sockets, s)
	return h.inode
}

// look looks for the session of process self.
func (h *host) look(self int, agents ...string) *Finder {
	h.t.Helper()
	f := New(Options{Root: h.root, Self: self, Agents: agents, Now: func() time.Time { return time.Unix(1e9, 0) },
		Sockets: func() ([]snap.Socket, error) { return h.sockets, nil },
		Links:   func() ([]snap.Link, error) { return h.links, nil },
		Addrs:   func() ([]Addr, error) { return h.addrs, nil },
		Unheld:  func(n uint64) bool { return h.unheld[n] }})
	if err := f.Refresh(); err != nil {
		h.t.Fatal(err)
	}
	return f
}

// both makes the two directions of a connection.
func both(proto uint8, local, peer string) [2]*snap.FlowKey {
	l, p := netip.MustParseAddrPort(local), netip.MustParseAddrPort(peer)
	la, pa := snap.AddrFrom(l.Addr()), snap.AddrFrom(p.Addr())
	return [2]*snap.FlowKey{
		{Proto: proto, Src: pa, SPort: p.Port(), Dst: la, DPort: l.Port()},
		{Proto: proto, Src: la, SPort: l.Port(), Dst: pa, DPort: p.Port(), Egress: true},
	}
}

// expect checks what a connection counts as, in both directions.
func expect(t *testing.T, f *Finder, proto uint8, local, peer string, want snap.WayIn) {
	t.Helper()
	for _, k := range both(proto, local, peer) {
		if got := f.WayIn(k); got != want {
			t.Errorf("%s %s egress %v counts as %d, want %d\n%s", local, peer, k.Egress, got, want, strings.Join(f.Now().Lines(), "\n"))
		}
	}
}

// contains checks that a sentence of the report says something.
func contains(t *testing.T, f *Finder, what string) {
	t.Helper()
	if all := strings.Join(f.Now().Lines(), "\n"); !strings.Contains(all, what) {
		t.Errorf("the report does not say %q:\n%s", what, all)
	}
}
