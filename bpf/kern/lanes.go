// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"sync/atomic"

	"hooktop/bpf"
	"hooktop/netcfg/acl"
)

const (
	laneBytes  = 128     // struct tunnel_lane
	maxLanes   = 256     // of a CPU
	lanesBytes = 1 << 20 // of all CPUs
	laneTries  = 4
)

// lanes are what CPUs count of tunnels in use beside their rows (bpf/include/tunnel_lane.h): programs write them meanwhile.
type lanes []bpf.XdpTunnelLane

// each calls yield with a copy of each lane that has packets.
func (l lanes) each(yield func(*bpf.XdpTunnelLane)) {
	for i := range l {
		for range laneTries {
			folds := atomic.LoadUint32(&l[i].Folds)
			if atomic.LoadUint64(&l[i].Packets) == 0 {
				break
			}
			lane := l[i]
			if lane.Packets != 0 && atomic.LoadUint32(&l[i].Folds) == folds {
				yield(&lane)
				break
			}
		}
	}
}

// folds changes when counts go from a lane to somewhere else.
func (l lanes) folds() (sum uint64) {
	for i := range l {
		sum += uint64(atomic.LoadUint32(&l[i].Folds))
	}
	return sum
}

// whole calls read, which adds lanes to what they are folded into, again while one was folded meanwhile: its packets would have been
// counted twice, or not at all.
func (l lanes) whole(read func()) {
	for range laneTries {
		before := l.folds()
		read()
		if l.folds() == before {
			return
		}
	}
}

// forget empties the lanes that a function names.
func (l lanes) forget(gone func(*bpf.XdpTunnelLane) bool) {
	for i := range l {
		if atomic.LoadUint64(&l[i].Packets) != 0 && gone(&l[i]) {
			atomic.StoreUint64(&l[i].Packets, 0)
			atomic.AddUint32(&l[i].Folds, 1)
		}
	}
}

// laneKey is that of the lane's row, without a shard.
func laneKey(lane *bpf.XdpTunnelLane) bpf.XdpTunnelKey {
	key := bpf.XdpTunnelKey{Vni: lane.Vni, Dev: lane.Dev, Kind: lane.Kind, Shard: lane.HasVni * tunnelHasVNI}
	for i := range 2 {
		key.Peer[2*i], key.Peer[2*i+1] = uint32(lane.W[i]), uint32(lane.W[i]>>32)
	}
	return key
}

// laneRow is the row that the lane's counts make.
func laneRow(lane *bpf.XdpTunnelLane) bpf.XdpTunnelRow {
	row := bpf.XdpTunnelRow{Packets: lane.Packets, Bytes: lane.Bytes, Port: lane.Port, Inner: lane.Inner, Hit: lane.Hit, Gen: lane.Gen, Last: lane.Last}
	if lane.Strip != 0 {
		row.Stripped = lane.Packets
	}
	if int(lane.Why) < len(row.Errors) && lane.Why != 0 {
		row.Errors[lane.Why] = lane.Packets
	}
	for i := range 2 {
		row.Local[2*i], row.Local[2*i+1] = uint32(lane.W[2+i]), uint32(lane.W[2+i]>>32)
	}
	return row
}

// tunnelSum collects rows and lanes.
type tunnelSum struct {
	p   *Pipeline
	at  map[bpf.XdpTunnelKey]int
	out []Tunnel
}

func (s *tunnelSum) add(key bpf.XdpTunnelKey, row *bpf.XdpTunnelRow) {
	key.Shard &= tunnelHasVNI
	i, known := s.at[key]
	if !known {
		i = len(s.out)
		s.at[key] = i
		s.out = append(s.out, Tunnel{Kind: acl.TunnelKind(key.Kind), VNI: key.Vni, HasVNI: key.Shard != 0, Peer: addrOf(key.Peer), Slot: key.Dev})
	}
	s.p.add(&s.out[i], row, !known)
}
