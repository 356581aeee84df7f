// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
	"hooktop/netcfg/acl"
)

// Tuple stands for the packets of one direction of a connection. Addresses are IPv6, IPv4 ones mapped; for ICMP SPort is type and
// code.
type Tuple struct {
	Src, Dst     [16]byte
	SPort, DPort uint16
	Proto        uint8
}

// NoteSeen notes tuples for established, beside those that answer to the flows in the table, and has the programs note those of
// flows that begin. It returns for how many there is no room: the map holds the latest.
func (p *Pipeline) NoteSeen(list []Tuple) (lost int, err error) {
	p.policy.mu.Lock()
	flows, err := p.seedSeen()
	p.policy.mu.Unlock() // a long list holds nobody up
	if err != nil {
		return 0, err
	}
	seen, one := p.maps[bpf.XdpMapHtSeen], uint32(1)
	for i := range list {
		key := list[i].key()
		if err := seen.Update(&key, &one, ebpf.UpdateAny); err != nil {
			return len(list) - i, fmt.Errorf("note the connections that stand: %w", err)
		}
	}
	return max(0, flows+len(list)-p.sizes.seen()), nil
}

// key is the seen_key of these packets.
func (t *Tuple) key() (out [40]byte) {
	copy(out[0:16], t.Src[:])
	copy(out[16:32], t.Dst[:])
	binary.BigEndian.PutUint16(out[32:], t.SPort)
	binary.BigEndian.PutUint16(out[34:], t.DPort)
	out[36] = t.Proto
	return out
}

// seedSeen notes the tuples that answer to the flows in the table: those that began before a policy asked for established. From
// before the scan on the programs note those of new flows.
func (p *Pipeline) seedSeen() (n int, err error) {
	for i := range p.policy.states {
		p.policy.states[i].Track = 1
	}
	seen, one := p.maps[bpf.XdpMapHtSeen], uint32(1)
	p.table.Scan(func(e *Entry) bool {
		key, ok := answers(e.Raw())
		if ok {
			err = seen.Update(&key, &one, ebpf.UpdateAny)
			n++
		}
		return err == nil
	})
	if err != nil {
		return n, fmt.Errorf("note the connections that stand: %w", err)
	}
	return n, nil
}

// answers is the seen_key of the packets that answer a flow's: note_seen in bpf/include/acl.h.
func answers(k RawKey) (out [40]byte, ok bool) {
	if k.tag()&tagFragLater != 0 {
		return out, false
	}
	copy(out[0:16], k[16:32])
	copy(out[16:32], k[0:16])
	copy(out[36:40], k[36:40])
	ports := binary.LittleEndian.Uint32(k[32:])
	switch proto := k[36]; {
	case proto != acl.ICMP && proto != acl.ICMPv6:
		ports = ports>>16 | ports<<16
	case proto == acl.ICMP && (ports == 8 || ports == 0):
		ports ^= 8
	case proto == acl.ICMP && (ports == 13 || ports == 14):
		ports ^= 3
	case proto == acl.ICMPv6 && (ports == 128 || ports == 129):
		ports ^= 1
	default:
		return out, false
	}
	binary.LittleEndian.PutUint32(out[32:], ports)
	return out, true
}
