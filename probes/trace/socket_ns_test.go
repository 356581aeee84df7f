// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
	"hooktop/probes/procfs"
	"hooktop/probes/snap"
)

// In a namespace that is not the initial one a session is about that one, and the kernel refuses what passes elsewhere; a filter
// can ask for more, or for another.
func TestASessionIsOfItsOwnNamespace(t *testing.T) {
	g := newGround(t)
	var inode uint32
	g.there.Do(t, func() error {
		n, initial := procfs.NetNamespace("/proc/thread-self/ns/net")
		if inode = uint32(n); initial {
			t.Errorf("namespace %d is taken for the initial one", n)
		}
		return nil
	})
	if n, initial := procfs.NetNamespace("/proc/thread-self/ns/net"); n == 0 || !initial {
		t.Fatalf("the tests run in namespace %d, not in the initial one", n)
	}
	for _, c := range []struct {
		from    *ktest.NS // nil: the initial one
		filter  string
		within  bool
		foreign bool // what passes in another namespace is shown too
	}{
		{g.there, "udp port 4244", true, false},
		{g.there, "udp port 4244 netns all", false, true},
		{nil, "udp port 4244", false, true},
	} {
		g.from = c.from
		s, end := g.run(t, snap.TraceSpec{Pattern: "net:net_dev_queue,skb:kfree_skb", Filter: c.filter})
		g.here.SendUDP(t, hereAddr+":0", thereAddr+":4244", []byte("nobody listens"), 8)
		waitFor(t, "the drops", func() bool { return s.State().Events >= 8 })
		st, events := end()
		foreign := slices.ContainsFunc(events, func(e snap.TraceEvent) bool { return e.NetNS != inode && e.NetNS != 0 })
		if st.Within != c.within || foreign != c.foreign || c.within && (st.NetNS != inode || st.Filtered < 8) {
			show(t, events)
			t.Errorf("%q: %+v, others' events: %v", c.filter, st, foreign)
		}
	}
}

// A segment that TCP sends again lies in its queue without header: its socket tells whose it is, and the filter hears that.
func TestRetransmitsTellTheirConnection(t *testing.T) {
	g := newGround(t)
	const nobody = "10.97.0.9"
	g.here.Neighbour(t, g.dev, nobody, [6]byte{2, 0, 0, 0, 0, 9})
	s, end := g.run(t, snap.TraceSpec{Pattern: "tcp:tcp_retransmit_skb", Filter: "tcp dst host " + nobody + " dst port 8082"})
	g.here.Do(t, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(fd) })
		if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: netip.MustParseAddr(nobody).As4(), Port: 8082}); err != unix.EINPROGRESS {
			return fmt.Errorf("connect: %w", err)
		}
		return nil
	})
	waitFor(t, "the SYN to be sent again", func() bool { return s.State().Events > 0 })
	if _, events := end(); events[0].Key.Src != addr(hereAddr) || events[0].Key.SPort == 0 || events[0].NetNS == 0 {
		show(t, events)
		t.Errorf("%+v", events[0])
	}
}
