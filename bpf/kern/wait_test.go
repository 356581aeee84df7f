// SPDX-License-Identifier: Apache-2.0

package kern_test

import (
	"fmt"
	"hash/crc32"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
)

// waitFor looks again and again until what the kernel does beside the test has happened.
func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	late, again := time.After(ktest.Patience), time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !happened() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("waited %v for %s", ktest.Patience, what)
		}
	}
}

// vethIndexed is ktest.Veth with an ifindex that no other namespace has: a link tells its ifindex and not its namespace,
// and a stranger's program is named only when that is unambiguous. It is an int32, and PIDs go up to four million.
func vethIndexed(t *testing.T, a *ktest.NS, aName string, b *ktest.NS, bName string) {
	t.Helper()
	v := netlink.NewVeth(netlink.NewLinkAttrs())
	v.Name, v.PeerName, v.PeerNamespace = aName, bName, netlink.NsFd(int(b.Handle))
	v.Index = os.Getpid()%2_000_000*1000 + int(crc32.ChecksumIEEE([]byte(t.Name()))%1000)
	if err := a.NL.LinkAdd(v); err != nil {
		t.Fatalf("add veth %s: %v", aName, err)
	}
	a.Up(t, aName)
	b.Up(t, bName)
	a.WaitUp(t, aName)
}

func netlinkXDP(n *ktest.NS, dev netlink.Link, fd, flags int) error {
	return n.Run(func() error { return netlink.LinkSetXdpFdWithFlags(dev, fd, flags) })
}

// clsact adds a direct-action filter to a device of the calling thread's namespace.
func clsact(ifindex, fd int, egress bool) error {
	if err := netlink.QdiscReplace(clsactOf(ifindex)); err != nil {
		return fmt.Errorf("add clsact: %w", err)
	}
	parent := uint32(netlink.HANDLE_MIN_INGRESS)
	if egress {
		parent = netlink.HANDLE_MIN_EGRESS
	}
	return netlink.FilterAdd(&netlink.BpfFilter{Fd: fd, Name: "ht_test", DirectAction: true, FilterAttrs: netlink.FilterAttrs{
		LinkIndex: ifindex, Parent: parent, Handle: 1, Priority: 1, Protocol: unix.ETH_P_ALL,
	}})
}

func clsactOf(ifindex int) netlink.Qdisc {
	return &netlink.GenericQdisc{QdiscType: "clsact", QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: ifindex, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}}
}
