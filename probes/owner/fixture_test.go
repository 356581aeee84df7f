// SPDX-License-Identifier: Apache-2.0

package owner

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// host is a made-up host: a directory in the shape of /proc, sockets, addresses and a clock.
type host struct {
	t       *testing.T
	root    string
	sockets []snap.Socket
	addrs   []netip.Prefix
	now     time.Time
	dumps   atomic.Int64
}

func newHost(t *testing.T) *host {
	return &host{t: t, root: t.TempDir(), now: time.Unix(1e9, 0),
		addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("2001:db8::1/64"), netip.MustParsePrefix("127.0.0.1/8")}}
}

func (h *host) index() *Index {
	passwd := filepath.Join(h.t.TempDir(), "passwd")
	if err := os.WriteFile(passwd, []byte("root:x:0:0::/:\nwww-data:x:33:33::/:\nbroken\nalso:x:33:1::\n"), 0o644); err != nil {
		h.t.Fatal(err)
	}
	return New(Options{Root: h.root, Passwd: passwd, Now: func() time.Time { return h.now },
		Sockets: func() ([]snap.Socket, error) { h.dumps.Add(1); return append([]snap.Socket(nil), h.sockets...), nil },
		Addrs:   func() ([]netip.Prefix, error) { return h.addrs, nil }})
}

// process makes or replaces a process that holds sockets, as descriptors from 3 on.
func (h *host) process(pid int, start uint64, comm string, inodes ...uint64) {
	h.t.Helper()
	h.kill(pid)
	dir := filepath.Join(h.root, strconv.Itoa(pid))
	h.must(os.MkdirAll(filepath.Join(dir, "fd"), 0o755))
	h.must(os.WriteFile(filepath.Join(dir, "stat"), fmt.Appendf(nil, "%d (%s) S 1 1 1 0 -1 1 2 3 4 5 6 7 8 9 10 0 1 0 %d 0\n", pid, comm, start), 0o644))
	h.must(os.WriteFile(filepath.Join(dir, "status"), []byte("Uid:\t33\t33\t33\t33\n"), 0o644))
	h.must(os.WriteFile(filepath.Join(dir, "cgroup"), []byte("0::/system.slice/x.service\n"), 0o644))
	h.must(os.Symlink("/dev/null", filepath.Join(dir, "fd", "0")))
	for i, n := range inodes {
		h.hold(pid, 3+i, n)
	}
}

func (h *host) hold(pid, fd int, inode uint64) {
	h.t.Helper()
	h.must(os.Symlink(fmt.Sprintf("socket:[%d]", inode), h.fd(pid, fd)))
}

func (h *host) letGo(pid, fd int) { h.t.Helper(); h.must(os.Remove(h.fd(pid, fd))) }

func (h *host) kill(pid int) { h.must(os.RemoveAll(filepath.Join(h.root, strconv.Itoa(pid)))) }

func (h *host) fd(pid, fd int) string {
	return filepath.Join(h.root, strconv.Itoa(pid), "fd", strconv.Itoa(fd))
}

func (h *host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// refresh lets time pass and refreshes.
func (h *host) refresh(x *Index) {
	h.t.Helper()
	h.now = h.now.Add(2 * time.Second)
	h.must(x.Refresh())
}

func addr(s string) snap.Addr { return snap.AddrFrom(netip.MustParseAddr(s)) }

// connected makes an established TCP socket.
func connected(local string, lport uint16, peer string, pport uint16, inode uint64) snap.Socket {
	return snap.Socket{Proto: 6, Local: addr(local), LPort: lport, Peer: addr(peer), PPort: pport, State: 1, Inode: inode,
		TCP: snap.TCPInfo{State: "ESTABLISHED", RTT: time.Millisecond}}
}

// listening makes a TCP listener or an unconnected UDP socket.
func listening(proto uint8, local string, port uint16, inode uint64) snap.Socket {
	s := snap.Socket{Proto: proto, Local: addr(local), LPort: port, State: 7, Inode: inode}
	if s.Local.Is4() {
		s.Peer = any4()
	}
	if proto == 6 {
		s.State = 10
	}
	return s
}

// in and out make the two directions of a flow, given from this host's point of view.
func in(proto uint8, local string, lport uint16, peer string, pport uint16) *snap.FlowKey {
	return &snap.FlowKey{Proto: proto, Src: addr(peer), SPort: pport, Dst: addr(local), DPort: lport, Dev: 1}
}

func out(proto uint8, local string, lport uint16, peer string, pport uint16) *snap.FlowKey {
	return &snap.FlowKey{Proto: proto, Src: addr(local), SPort: lport, Dst: addr(peer), DPort: pport, Dev: 1, Egress: true}
}
