// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
)

// BPF_F_MMAPABLE (include/uapi/linux/bpf.h); needs Linux 5.5.
const mmapable = 1 << 10

// constants are the load-time values that all instances have in common (bpf/include/config.h).
type constants struct {
	seed  [12]uint64
	sizes Sizes
	hz    int
	rates [2]int // events that a rule with log tells of in a second, and headers of what a rule denied
}

// newConstants draws the multipliers of the flow hash, or derives them from seed (splitmix64).
func newConstants(seed [6]uint64, sizes Sizes) (constants, error) {
	c := constants{sizes: sizes}
	if seed == [6]uint64{} {
		var b [len(c.seed) * 8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return c, fmt.Errorf("draw hash seed: %w", err)
		}
		for i := range c.seed {
			c.seed[i] = binary.NativeEndian.Uint64(b[i*8:]) | 1
		}
		return c, nil
	}
	for i := range c.seed {
		z := seed[i%len(seed)] + uint64(i+1)*0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		c.seed[i] = (z ^ z>>31) | 1
	}
	return c, nil
}

// hash is the twin of the kernel's: multilinear over the key's 32-bit words, mixed once more (bpf/include/parse.h), of
// which the top bits are used.
func (c *constants) hash(k RawKey) uint64 {
	h := c.seed[11]
	for i := range 11 {
		h += uint64(binary.LittleEndian.Uint32(k[i*4:])) * c.seed[i]
	}
	h ^= h >> 32
	return h * 0x9e3779b97f4a7c15
}

// ip4 is what the words of an IPv4 key that never change add to the hash (src[2] and dst[2] are 0xffff in network order).
func (c *constants) ip4() uint64 {
	const mapped = 0xffff0000
	return c.seed[11] + mapped*c.seed[2] + mapped*c.seed[6]
}

// constMap makes the frozen map of one instance's constants.
func (c *constants) constMap(spec *ebpf.CollectionSpec, d Device, why purpose) (*ebpf.Map, error) {
	return newConstMap(spec, map[string]any{
		bpf.XdpVarDevSlot: d.Slot, bpf.XdpVarL3Device: flag(d.L3), bpf.XdpVarShadow: flag(why == forDryRun), bpf.XdpVarParseOnly: flag(why == forParserTime),
		bpf.XdpVarBucketShift: c.sizes.bucketShift(), bpf.XdpVarBucketMask: uint32(c.sizes.BucketsPerCPU - 1),
		bpf.XdpVarDeniedShift: shift(c.sizes.DeniedPerCPU), bpf.XdpVarDeniedMask: uint32(c.sizes.DeniedPerCPU - 1),
		bpf.XdpVarLaneShift: shift(c.sizes.LanesPerCPU), bpf.XdpVarLaneMask: uint32(c.sizes.LanesPerCPU - 1), bpf.XdpVarRepeatShift: c.repeatShift(),
		bpf.XdpVarHashSeed: c.seed, bpf.XdpVarHashIp4: c.ip4(),
		bpf.XdpVarHitShards: uint32(c.sizes.Shards - 1), bpf.XdpVarHitsOwn: flag(c.sizes.Shards >= c.sizes.CPUs), bpf.XdpVarSecond: uint32(c.hz),
		bpf.XdpVarLogRate: uint32(c.rates[0]), bpf.XdpVarSampleRate: uint32(c.rates[1]), bpf.XdpVarEventRings: uint32(c.sizes.EventRings - 1),
	})
}

// repeatShift makes the spans in which a denied flow is judged anew for its header so short that no pace is missed, if a tick is.
func (c *constants) repeatShift() uint32 {
	return uint32(max(1, bits.Len(uint(c.hz/max(1, c.rates[1]))))) - 1
}

// newConstMap makes the frozen map of an object's constants. It is made by hand and not by the loader, so that it carries
// hooktop's prefix. The specification, the caller's own, has no variables afterwards: the loader would map the memory of each
// into this process, which keeps the map alive until the garbage collector comes to it.
func newConstMap(spec *ebpf.CollectionSpec, values map[string]any) (*ebpf.Map, error) {
	m := spec.Maps[constSection].Copy()
	content := make([]byte, m.ValueSize)
	for name, v := range spec.Variables {
		if v.SectionName != constSection {
			continue
		}
		if value, ok := values[name]; ok {
			if err := v.Set(value); err != nil {
				return nil, fmt.Errorf("set constant %s: %w", name, err)
			}
		}
		copy(content[v.Offset:], v.Value)
	}
	spec.Variables = nil
	m.Name = "ht_const"
	m.Flags |= mmapable
	m.Contents = []ebpf.MapKV{{Key: uint32(0), Value: content}}
	out, err := ebpf.NewMap(m)
	if err != nil {
		return nil, fmt.Errorf("create map of constants: %w", err)
	}
	if err := out.Freeze(); err != nil {
		out.Close()
		return nil, fmt.Errorf("freeze map of constants: %w", err)
	}
	return out, nil
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
