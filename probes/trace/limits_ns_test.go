// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"slices"
	"testing"

	"hooktop/probes/snap"
)

func TestASessionStopsByItself(t *testing.T) {
	g := newGround(t)
	s := New(g.cat, snap.TraceSpec{Pattern: "@drops", Filter: "udp port 4243", Packets: 5}, nil)
	if err := s.Attach(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop("the test ends") })
	g.here.SendUDP(t, hereAddr+":0", thereAddr+":4243", []byte("nobody listens"), 8)
	// All are there before the first is read: a session that has what it wants does not wait for a sender that is slow.
	waitFor(t, "eight drops", func() bool {
		s.reader.t.Read(s.reader.d.add)
		return len(s.reader.d.waiting) >= 8
	})
	if err := s.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	st := s.State()
	if st.State != snap.TraceStopped || st.Why != "5 packets were traced" || st.Events != 5 || !slices.Equal(st.Lost, []snap.Count{{Name: "past the last packet", N: 3}}) {
		t.Errorf("%+v", st)
	}
	s, end := g.run(t, snap.TraceSpec{Pattern: "@drops", Filter: "udp port 4243", Seconds: 1})
	<-s.Done()
	if st, _ := end(); st.Why != "1 s are over" || st.Packets != 0 {
		t.Errorf("%+v", st)
	}
}
