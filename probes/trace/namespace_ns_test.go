// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"slices"
	"testing"

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
