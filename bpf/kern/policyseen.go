// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
	"hooktop/netcfg/acl"
)

// seedSeen notes the tuples that answer to the flows in the table: those that began before a policy asked for established. From
// before the scan on the programs note those of new flows.
func (p *Pipeline) seedSeen() error {
	for i := range p.policy.states {
		p.policy.states[i].Track = 1
	}
	seen, one := p.maps[bpf.XdpMapHtSeen], uint32(1)
	var err error
	p.table.Scan(func(e *Entry) bool {
		key, ok := answers(e.Raw())
		if ok {
			err = seen.Update(&key, &one, ebpf.UpdateAny)
		}
		return err == nil
	})
	if err != nil {
		return fmt.Errorf("note the connections that stand: %w", err)
	}
	return nil
}

// answers is the seen_key of the packets that answer a flow's: note_seen in bpf/include/acl.h.
func answers(k RawKey) (out [40]byte, ok bool) {
	if k.tag()&tagFragLater != 0 {
		return out, false
	}
	copy(out[0:16], k[16:32])
	copy(out[16:32], k[0:16])
	out[36] = k[36] // and not the VNI behind it
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
