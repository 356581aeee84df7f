// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/cilium/ebpf"

	"hooktop/netcfg/acl"
)

// vector has a bit for each rule.
type vector []uint64

func (v vector) set(rule int) { v[rule/64] |= 1 << (rule % 64) }

// vectors are a policy's bit vectors, as bpf/bench/vectors.h looks them up.
type vectors struct {
	words    int
	from, to map[netip.Prefix]vector
	class    []uint32 // by destination port
	port     []vector // by class
	proto    []vector
	denies   vector
}

func newVectors(a *acl.Policy) *vectors {
	v := &vectors{words: (len(a.Rules) + 63) / 64, class: make([]uint32, 1<<16)}
	v.from, v.to = v.trie(a, func(r *acl.Rule) acl.End { return r.From }), v.trie(a, func(r *acl.Rule) acl.End { return r.To })
	v.denies = v.where(a, func(r *acl.Rule) bool { return r.Action == acl.Deny })
	for proto := range 256 {
		v.proto = append(v.proto, v.where(a, func(r *acl.Rule) bool {
			return len(r.Proto.List) == 0 || slices.Contains(r.Proto.List, uint8(proto))
		}))
	}
	cut := make([]bool, 1<<16+1)
	cut[0] = true
	for i := range a.Rules {
		for _, one := range a.Rules[i].To.Ports.List {
			cut[one.Lo], cut[int(one.Hi)+1] = true, true
		}
	}
	for port := range 1 << 16 {
		if cut[port] {
			v.port = append(v.port, v.where(a, func(r *acl.Rule) bool {
				list := r.To.Ports.List
				return len(list) == 0 || slices.ContainsFunc(list, func(one acl.Range) bool { return int(one.Lo) <= port && port <= int(one.Hi) })
			}))
		}
		v.class[port] = uint32(len(v.port) - 1)
	}
	return v
}

func (v *vectors) where(a *acl.Policy, holds func(*acl.Rule) bool) vector {
	out := make(vector, v.words)
	for i := range a.Rules {
		if holds(&a.Rules[i]) {
			out.set(i)
		}
	}
	return out
}

// trie gives each prefix the rules whose own prefix holds it: the longest match then has all that match.
func (v *vectors) trie(a *acl.Policy, end func(*acl.Rule) acl.End) map[netip.Prefix]vector {
	all := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	rules := map[netip.Prefix][]int{all: nil}
	for i := range a.Rules {
		p := end(&a.Rules[i]).Prefix
		if !p.IsValid() {
			p = all
		}
		rules[p] = append(rules[p], i)
	}
	out := map[netip.Prefix]vector{}
	for p := range rules {
		out[p] = make(vector, v.words)
		for bits := p.Bits(); bits >= 0; bits-- {
			above, _ := p.Addr().Prefix(bits)
			for _, i := range rules[above] {
				out[p].set(i)
			}
		}
	}
	return out
}

// sizes sets the object's maps for the vectors.
func (v *vectors) sizes(spec *ebpf.CollectionSpec) {
	for name, n := range map[string]int{"bv_src": len(v.from), "bv_dst": len(v.to), "bv_port": len(v.port), "bv_proto": len(v.proto), "bv_denies": 1} {
		spec.Maps[name].MaxEntries, spec.Maps[name].ValueSize = uint32(n), uint32(8*v.words)
	}
	spec.Maps["bv_hits"].MaxEntries = uint32(64*v.words + 1)
}

func (v *vectors) fill(t *testing.T, maps map[string]*ebpf.Map) {
	t.Helper()
	put := func(name string, key, value any) {
		if err := maps[name].Put(key, value); err != nil {
			t.Fatalf("fill %s: %v", name, err)
		}
	}
	for name, trie := range map[string]map[netip.Prefix]vector{"bv_src": v.from, "bv_dst": v.to} {
		for p, rules := range trie {
			put(name, append(binary.NativeEndian.AppendUint32(nil, uint32(p.Bits())), p.Addr().AsSlice()...), []uint64(rules))
		}
	}
	for name, list := range map[string][]vector{"bv_port": v.port, "bv_proto": v.proto, "bv_denies": {v.denies}} {
		for i, rules := range list {
			put(name, uint32(i), []uint64(rules))
		}
	}
	for port, class := range v.class {
		put("bv_class", uint32(port), class)
	}
}
