// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/compile"
)

const (
	portsSection = ".data.ht_ports"
	tunnelHasVNI = 0x80 // TUNNEL_HAS_VNI
	tunnelRows   = 1024 // tunnels and peers that have counters, in each shard
	ownAddresses = 4096 // of the host
	rowBytes     = 320  // an entry of the rows, about
)

// Tunnel is what one peer sent in one tunnel to one device.
type Tunnel struct {
	Kind     acl.TunnelKind
	VNI      uint32
	HasVNI   bool
	Peer     netip.Addr
	Local    netip.Addr // outer destination of the newest packet, as what follows
	Port     uint16
	Slot     uint16
	Inner    string // "eth", "ip4", "ip6", ""
	Line     int    // index of the policy's tunnel line that speaks of it, -1: none
	Gen      uint16 // whose line that is
	Packets  uint64
	Bytes    uint64
	Stripped uint64
	Errors   [len(tunnelErrors)]uint64
	Last     uint32 // jiffies, see Clock
}

// tunnelErrors are the names of enum tunnel_error (bpf/include/tunnel_wire.h).
var tunnelErrors = [...]string{
	bpf.XdpTunnelErrorTERR_NONE:     "none",
	bpf.XdpTunnelErrorTERR_SHORT:    "short",
	bpf.XdpTunnelErrorTERR_VERSION:  "bad version",
	bpf.XdpTunnelErrorTERR_FLAGS:    "bad flags",
	bpf.XdpTunnelErrorTERR_CRITICAL: "unknown critical option",
	bpf.XdpTunnelErrorTERR_CONTROL:  "control message",
	bpf.XdpTunnelErrorTERR_PAYLOAD:  "unknown payload",
	bpf.XdpTunnelErrorTERR_FRAGMENT: "fragment",
	bpf.XdpTunnelErrorTERR_INNER:    "malformed inside",
	bpf.XdpTunnelErrorTERR_NOT_OURS: "not ours",
	bpf.XdpTunnelErrorTERR_VNI:      "VNI not allowed",
	bpf.XdpTunnelErrorTERR_PEER:     "peer not allowed",
	bpf.XdpTunnelErrorTERR_NESTED:   "nested too deep",
	bpf.XdpTunnelErrorTERR_NOT_IP:   "not IP inside",
	bpf.XdpTunnelErrorTERR_SOURCE:   "inner source not allowed",
	bpf.XdpTunnelErrorTERR_FORGED:   "inner source forged",
	bpf.XdpTunnelErrorTERR_FORWARD:  "super-packet to forward",
	bpf.XdpTunnelErrorTERR_TAG:      "VLAN tag in front",
	bpf.XdpTunnelErrorTERR_FAMILY:   "other IP family",
	bpf.XdpTunnelErrorTERR_FAILED:   "strip failed",
}

// TunnelError is the name of reason i, "" when there is none.
func TunnelError(i int) string {
	if i <= 0 || i >= len(tunnelErrors) {
		return ""
	}
	return tunnelErrors[i]
}

var innerNames = [...]string{"", "eth", "ip4", "ip6"}

// Tunnels reads what is counted of tunnels, shards added up. Rows come in no order.
func (p *Pipeline) Tunnels() ([]Tunnel, error) {
	var sum tunnelSum
	var err error
	p.policy.lanes.whole(func() {
		sum = tunnelSum{p: p, at: map[bpf.XdpTunnelKey]int{}}
		p.policy.lanes.each(func(lane *bpf.XdpTunnelLane) {
			row := laneRow(lane)
			sum.add(laneKey(lane), &row)
		})
		var key bpf.XdpTunnelKey
		var row bpf.XdpTunnelRow
		rows := p.maps[bpf.XdpMapHtTunnels].Iterate()
		for rows.Next(&key, &row) {
			sum.add(key, &row)
		}
		err = rows.Err()
	})
	if err != nil && !errors.Is(err, ebpf.ErrIterationAborted) { // rows that come meanwhile are seen the next time
		return nil, fmt.Errorf("read counters of tunnels: %w", err)
	}
	return sum.out, nil
}

func (p *Pipeline) add(t *Tunnel, row *bpf.XdpTunnelRow, first bool) {
	t.Packets += row.Packets
	t.Bytes += row.Bytes
	t.Stripped += row.Stripped
	for i, n := range row.Errors {
		t.Errors[i] += n
	}
	if !first && int32(row.Last-t.Last) < 0 {
		return
	}
	t.Local, t.Port, t.Last, t.Line, t.Gen = addrOf(row.Local), bits.ReverseBytes16(row.Port), row.Last, -1, row.Gen
	if int(row.Inner) < len(innerNames) {
		t.Inner = innerNames[row.Inner]
	}
	if by, index, ok := p.What(uint32(row.Gen), row.Hit); ok && by == acl.ByTunnel {
		t.Line = index
	}
}

// addrOf reads an address of a key: words in network order, IPv4 as ::ffff:a.b.c.d.
func addrOf(words [4]uint32) netip.Addr {
	var b [16]byte
	for i, w := range words {
		binary.LittleEndian.PutUint32(b[i*4:], w)
	}
	return netip.AddrFrom16(b).Unmap()
}

// InnerSizes counts inner packets of up to 64, 128, 256, 512, 1024 bytes, and longer.
func (p *Pipeline) InnerSizes() (out [6]uint64, err error) {
	p.policy.lanes.whole(func() {
		var sums []uint64
		sums, err = readSums(p.maps[bpf.XdpMapHtSizes])
		copy(out[:], sums)
		p.policy.lanes.each(func(lane *bpf.XdpTunnelLane) {
			for i := range out {
				out[i] += uint64(lane.Sizes[i])
			}
		})
	})
	return out, err
}

// ForgetTunnels drops the rows of a device whose programs are detached, and those that have been idle for that long.
func (p *Pipeline) ForgetTunnels(slot uint16, idle time.Duration) error {
	m := p.maps[bpf.XdpMapHtTunnels]
	clock := p.Clock()
	p.policy.lanes.forget(func(lane *bpf.XdpTunnelLane) bool {
		return lane.Dev == slot || idle > 0 && clock.Ago(atomic.LoadUint32(&lane.Last)) > idle
	})
	var gone []bpf.XdpTunnelKey
	var key bpf.XdpTunnelKey
	var row bpf.XdpTunnelRow
	rows := m.Iterate()
	for rows.Next(&key, &row) {
		if key.Dev == slot || idle > 0 && clock.Ago(row.Last) > idle {
			gone = append(gone, key)
		}
	}
	for i := range gone {
		if err := m.Delete(gone[i]); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("drop counters of a tunnel: %w", err)
		}
	}
	return nil
}

// SetOwn tells the programs the host's own addresses: no packet inside a tunnel comes from them.
func (p *Pipeline) SetOwn(addrs []netip.Addr) error {
	m := p.maps[bpf.XdpMapHtOwn]
	var bits [len(bpf.XdpOwnBits{}.Bits)]uint64
	want := map[bpf.XdpOwnKey]bool{}
	for _, a := range addrs {
		b := a.As16()
		key := bpf.XdpOwnKey{W: [2]uint64{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}}
		want[key] = true
		bit := ownBit(key)
		bits[bit>>6] |= 1 << (bit & 63)
	}
	p.policy.own.add(bits[:]) // before an address that needs them is there
	var gone []bpf.XdpOwnKey
	var key bpf.XdpOwnKey
	var one uint32
	have := m.Iterate()
	for have.Next(&key, &one) {
		if !want[key] {
			gone = append(gone, key)
		}
		delete(want, key)
	}
	if err := have.Err(); err != nil {
		return fmt.Errorf("read the host's addresses in the kernel: %w", err)
	}
	for k := range want { // new ones first: at no instant one is missing
		if err := m.Put(k, uint32(1)); err != nil {
			return fmt.Errorf("tell the host's %d addresses to the programs: %w", len(addrs), err)
		}
	}
	for i := range gone {
		if err := m.Delete(gone[i]); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("take an address back from the programs: %w", err)
		}
	}
	p.policy.own.set(bits[:])
	return nil
}

// listen marks the UDP ports that tunnels may be on: those that are well known, and those of the policies that are loaded. A port
// that is marked and not a tunnel's costs its packets some nanoseconds.
func (q *policies) listen() {
	want := [1024]uint64{}
	mark := func(port uint16) {
		if port != 0 {
			want[port>>6] |= 1 << (port & 63)
		}
	}
	for _, k := range acl.TunnelKinds() {
		mark(k.WellKnown())
	}
	for i := range q.loaded {
		for _, port := range q.loaded[i].ports {
			mark(port)
		}
	}
	for i, word := range want {
		if q.ports[i] != word {
			q.ports[i] = word
		}
	}
}

// writeTunnels puts the tunnel lines where programs read them.
func writeTunnels(out *bpf.XdpAclImage, img *compile.Image) (ports []uint16) {
	to := &out.Tunnels
	to.N = uint32(len(img.Tunnels))
	for i, p := range img.Prefixes {
		first, mask := p.Masked().Addr().As16(), [16]byte{}
		ones := p.Bits()
		if p.Addr().Is4() {
			ones += 96
		}
		for b := range ones {
			mask[b/8] |= 0x80 >> (b % 8)
		}
		for w := range 2 {
			to.Prefix[i].Addr[w] = binary.LittleEndian.Uint64(first[w*8:])
			to.Prefix[i].Mask[w] = binary.LittleEndian.Uint64(mask[w*8:])
		}
	}
	for i := range img.Tunnels {
		l, line := &img.Tunnels[i], &to.Line[i]
		line.To, line.Pad = [2]uint64{}, [3]uint16{}
		line.Kind, line.Vni, line.Hit, line.Port = uint8(l.Kind), l.VNI, l.Hit, bits.ReverseBytes16(l.Port)
		line.Peers, line.PeersN = uint16(l.Peers.Offset), uint16(l.Peers.Len)
		line.Inner, line.InnerN = uint16(l.Inner.Offset), uint16(l.Inner.Len)
		line.Flags = flag(l.Strip)*tunnelStrip | flag(l.AnyVNI)*tunnelAnyVNI | flag(!l.To.IsValid())*tunnelAnyTo
		if l.To.IsValid() {
			b := l.To.As16()
			line.To = [2]uint64{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
		}
		ports = append(ports, l.Port)
	}
	return ports
}

// TUNNEL_* in bpf/include/tunnel_image.h.
const (
	tunnelStrip  = 1
	tunnelAnyVNI = 2
	tunnelAnyTo  = 4
)
