// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"hooktop/bpf"
)

// lane is the only lane in use.
func (r *tunnelRig) lane(t *testing.T) *bpf.XdpTunnelLane {
	t.Helper()
	at := slices.IndexFunc(r.p.policy.lanes, func(l bpf.XdpTunnelLane) bool { return l.Packets != 0 })
	if at < 0 {
		t.Fatal("no lane is in use")
	}
	return &r.p.policy.lanes[at]
}

// total is what all rows say.
func (r *tunnelRig) total(t *testing.T) (packets, bytes, stripped uint64, sizes uint64) {
	t.Helper()
	for _, row := range r.look(t).rows {
		packets, bytes, stripped = packets+row.Packets, bytes+row.Bytes, stripped+row.Stripped
	}
	all, err := r.p.InnerSizes()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range all {
		sizes += n
	}
	return packets, bytes, stripped, sizes
}

// What a lane counts is the same as what a row counts, wherever its counts are.
func TestLanesAndRowsAddUp(t *testing.T) {
	r := newTunnelRig(t, tunnelPolicy)
	frame := tunnelFrames()["vxlan 4 in 4"]
	var sent, before uint64
	_, _, _, before = r.total(t)
	send := func(n int) {
		t.Helper()
		for range n {
			r.run(t, r.xdp, frame)
		}
		sent += uint64(n)
		if packets, bytes, stripped, sizes := r.total(t); packets != sent || bytes != sent*uint64(len(frame)) || stripped != sent || sizes != before+sent {
			t.Fatalf("%d packets, %d bytes, %d unwrapped, %d sizes, want %d", packets, bytes, stripped, sizes-before, sent)
		}
	}
	send(10)
	if n := r.lane(t).Packets; n != 10 {
		t.Errorf("the lane has %d packets, want all 10", n)
	}

	// Another generation: the old one's counts are in the row and in its line, the lane begins anew.
	old := r.gen
	r.gen = writeACL(t, r.p, &r.policy)
	r.p.setGeneration(1, r.gen)
	send(3)
	if lane := r.lane(t); lane.Packets != 3 || uint32(lane.Gen) != r.gen {
		t.Errorf("the lane has %d packets of policy %d, want 3 of %d", lane.Packets, lane.Gen, r.gen)
	}
	for gen, want := range map[uint32]uint64{old: 10, r.gen: 3} {
		c, err := r.p.PolicyCounts(gen)
		if err != nil || c.Tunnels[0].Packets != want || c.Tunnels[0].Limited != want {
			t.Errorf("the line of policy %d: %+v, %v, want %d", gen, c.Tunnels, err, want)
		}
	}

	// So it is when its counters are full.
	lane := r.lane(t)
	sent += 1<<31 - lane.Packets
	lane.Bytes += (1<<31 - lane.Packets) * uint64(len(frame))
	lane.Sizes[0] += uint32(1<<31 - lane.Packets)
	lane.Packets = 1 << 31
	send(2)
	if n := r.lane(t).Packets; n != 2 {
		t.Errorf("a full lane has %d packets after two more, want 2", n)
	}
	if c, err := r.p.PolicyCounts(r.gen); err != nil || c.Tunnels[0].Packets != 1<<31+2 {
		t.Errorf("the line counts %+v, %v", c.Tunnels, err)
	}
}

// A lane is another tunnel's once its own is silent for a second, not before; packets are counted in either case.
func TestASilentTunnelLeavesItsLane(t *testing.T) {
	one, other := tunnelFrames()["vxlan 4 in 4"], tunnelFrames()["vxlan counted"]
	var r *tunnelRig
	var lane *bpf.XdpTunnelLane
	at := -1
	for tries := 0; at < 0; tries++ { // by some hundredth of all seeds both really have one lane
		if tries == 8 {
			t.Fatal("both tunnels have one lane whatever the seed")
		}
		r = newTunnelRig(t, tunnelPolicy)
		r.run(t, r.xdp, one)
		lane = r.lane(t)
		r.run(t, r.xdp, other)
		at = slices.IndexFunc(r.p.policy.lanes, func(l bpf.XdpTunnelLane) bool { return l.Packets != 0 && l.Vni == 300 })
	}
	// As if both had one hash: the lane of the other is taken by the first.
	theirs := &r.p.policy.lanes[at]
	*theirs, lane.Packets = *lane, 0
	for range 3 {
		r.run(t, r.xdp, other)
	}
	if theirs.Vni != 100 || theirs.Packets != 1 {
		t.Fatalf("the lane of a tunnel that just spoke is of VNI %d with %d packets", theirs.Vni, theirs.Packets)
	}
	folds := theirs.Folds
	theirs.Last -= uint32(2 * r.p.hz)
	for range 4 {
		r.run(t, r.xdp, other)
	}
	if theirs.Vni != 300 || theirs.Packets != 4 || theirs.Folds != folds+1 {
		t.Errorf("the lane of a silent tunnel is of VNI %d with %d packets", theirs.Vni, theirs.Packets)
	}
	// The lane that was written over had counted one of the other's.
	rows := r.look(t).rows
	for _, row := range rows {
		if want := map[uint32]uint64{100: 1, 300: 7}[row.VNI]; row.Packets != want {
			t.Errorf("VNI %d: %d packets, want %d", row.VNI, row.Packets, want)
		}
	}
	if len(rows) != 2 {
		t.Errorf("%d rows", len(rows))
	}
}

// Only what comes to the end that the lane says is counted there.
func TestALaneDoesNotHideWhatIsWrongInside(t *testing.T) {
	r := newTunnelRig(t, tunnelPolicy)
	frames := tunnelFrames()
	for range 3 { // the first of them makes the lane
		for _, name := range []string{"vxlan 4 in 4", "vxlan wrong inside", "vxlan from loopback", "vxlan from the host", "vxlan ARP", "vxlan in vxlan", "vxlan bad inside"} {
			if _, what := r.compare(t, r.xdp, frames[name], true); what != "" {
				t.Fatalf("%s: %s", name, what)
			}
		}
	}
	if n := r.lane(t).Packets; n != 3 {
		t.Errorf("the lane has %d packets, want the 3 that were unwrapped", n)
	}
}

// A reader sees each packet once while a lane is emptied into its row.
func TestAFoldMeanwhileIsReadAgain(t *testing.T) {
	l := lanes{{Packets: 5}}
	reads := 0
	l.whole(func() {
		if reads++; reads == 1 {
			l[0].Folds++
		}
	})
	if reads != 2 {
		t.Errorf("read %d times, want 2", reads)
	}
	l.whole(func() { l[0].Folds++; reads++ })
	if reads != 2+laneTries {
		t.Errorf("read %d times while each met a fold, want %d", reads-2, laneTries)
	}
}

// Lanes of tunnels that are forgotten begin anew.
func TestForgottenLanesBeginAnew(t *testing.T) {
	r := newTunnelRig(t, tunnelPolicy)
	frame := tunnelFrames()["vxlan 4 in 4"]
	r.run(t, r.xdp, frame)
	if err := r.p.ForgetTunnels(9, time.Hour); err != nil || len(r.look(t).rows) != 1 {
		t.Fatalf("a tunnel of another device was forgotten: %v", err)
	}
	r.lane(t).Last -= uint32(7200 * r.p.hz)
	if err := r.p.ForgetTunnels(0, time.Hour); err != nil || len(r.look(t).rows) != 0 {
		t.Fatalf("an idle tunnel was not forgotten: %v", err)
	}
	r.run(t, r.xdp, frame)
	if packets, _, _, _ := r.total(t); packets != 1 {
		t.Errorf("%d packets, want 1", packets)
	}
}

// The bits in front of the host's addresses let none of them slip, whatever else is there.
func TestOwnBitsHideNoAddress(t *testing.T) {
	r := newTunnelRig(t, tunnelPolicy)
	forged := tunnelFrames()["vxlan from the host"] // by 10.50.0.1
	says := func(addrs []netip.Addr, want bool) {
		t.Helper()
		if err := r.p.SetOwn(addrs); err != nil {
			t.Fatal(err)
		}
		before, _, stripped, _ := r.total(t)
		r.run(t, r.xdp, forged)
		after, _, now, _ := r.total(t)
		if after != before+1 || (now == stripped) != want {
			t.Errorf("among %d addresses: forged %v, want %v", len(addrs), now == stripped, want)
		}
	}
	many := make([]netip.Addr, ownAddresses-1)
	for i := range many {
		many[i] = netip.AddrFrom4([4]byte{172, 16, byte(i >> 8), byte(i)})
	}
	own := netip.MustParseAddr("10.50.0.1")
	says([]netip.Addr{own}, true)
	says(nil, false)
	says(append(slices.Clone(many), own), true)
	says(many, false)
	says([]netip.Addr{own}, true)
}
