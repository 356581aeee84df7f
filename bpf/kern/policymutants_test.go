// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"math/rand/v2"
	"slices"
	"testing"

	"hooktop/netcfg/acl/compile"
)

// mutants are faults of a compiler: each changes an image where it matters.
func mutants() map[string]func(m *compile.Image) {
	records := func(f func(r *compile.Record)) func(m *compile.Image) {
		return func(m *compile.Image) {
			for i := range m.Records {
				f(&m.Records[i])
			}
		}
	}
	without := func(f compile.Flags) func(m *compile.Image) {
		return records(func(r *compile.Record) { r.Flags &^= f })
	}
	return map[string]func(m *compile.Image){
		"default in inverted":    func(m *compile.Image) { m.DenyIn = !m.DenyIn },
		"default out inverted":   func(m *compile.Image) { m.DenyOut = !m.DenyOut },
		"no guard for not IP":    func(m *compile.Image) { m.NotIP = 0 },
		"source one short":       records(func(r *compile.Record) { r.SrcHi -= min(1, r.SrcHi-r.SrcLo) }),
		"destination one long":   records(func(r *compile.Record) { r.DstHi += min(1, 0xffff-r.DstHi) }),
		"source port one short":  records(func(r *compile.Record) { r.SPortHi -= min(1, r.SPortHi) }),
		"port range one long":    records(func(r *compile.Record) { r.DPortLo -= min(1, r.DPortLo) }),
		"direction forgotten":    records(func(r *compile.Record) { r.Flags |= compile.In | compile.Out }),
		"action forgotten":       without(compile.Deny),
		"count decides":          without(compile.Count),
		"not from forgotten":     without(compile.NotSrc),
		"not to forgotten":       without(compile.NotDst),
		"not vlan forgotten":     without(compile.NotVLAN),
		"established forgotten":  without(compile.Established),
		"later fragments denied": without(compile.Later),
		"later fragments all":    records(func(r *compile.Record) { r.Flags |= compile.Later }),
		"protocol forgotten":     records(func(r *compile.Record) { r.Proto = 0 }),
		"ICMP type forgotten":    records(func(r *compile.Record) { r.Type = 0 }),
		"device forgotten":       records(func(r *compile.Record) { r.Dev = 0 }),
		"chain forgotten":        without(compile.Chain),
		"legs swapped": records(func(r *compile.Record) {
			if r.Flags&compile.Chain != 0 {
				r.Hit = 1 + r.Hit%2
			}
		}),
		"VNI forgotten":     records(func(r *compile.Record) { r.VNI = 0 }),
		"not VNI forgotten": without(compile.NotVNI),
		"count rules forgotten": records(func(r *compile.Record) {
			if r.Flags&compile.Count != 0 {
				r.Flags &^= compile.In | compile.Out
			}
		}),
		"VLAN forgotten":         records(func(r *compile.Record) { r.VLAN = 0 }),
		"set forgotten":          records(func(r *compile.Record) { r.Src, r.Dst = 0, 0 }),
		"counters shifted":       records(func(r *compile.Record) { r.Hit++ }),
		"a list forgotten":       func(m *compile.Image) { m.Wild = compile.List{} },
		"source lists forgotten": func(m *compile.Image) { clear(m.Sides[0].Lists) },
		"destination lists":      func(m *compile.Image) { clear(m.Sides[1].Lists) },
		"port lists forgotten":   func(m *compile.Image) { clear(m.PortSides[1].Lists) },
		"lists of later frags":   func(m *compile.Image) { m.PortSides[1].Later = compile.List{} },
		"lists upside down":      func(m *compile.Image) { slices.Reverse(m.Lists) },
		"records swapped": func(m *compile.Image) {
			for i := 1; i < len(m.Records); i += 2 {
				m.Records[i-1], m.Records[i] = m.Records[i], m.Records[i-1]
			}
		},
		"an IPv4 bound off by one": func(m *compile.Image) {
			for i := range m.Sides[0].Bounds4[1:] {
				m.Sides[0].Bounds4[i+1]++
			}
		},
		"an IPv6 bound off by one": func(m *compile.Image) {
			for i := range m.Sides[1].Bounds6[1:] {
				m.Sides[1].Bounds6[i+1][1]++
			}
		},
		"roots of another table": func(m *compile.Image) { m.Sides[0].Root = [compile.Ports + 1]uint16{} },
	}
}

// A compiler that is wrong is caught: each mutant differs from the oracle on some packet.
func TestMutantsOfTheCompilerAreCaught(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	for name, mutate := range mutants() {
		caught := func() bool {
			for n := range 400 {
				rnd := rand.New(rand.NewPCG(uint64(n), 3))
				a, _ := randomPolicy(t, n%7, rnd)
				img, err := compile.Compile(&a, compile.Options{Devices: slotsByName})
				if err != nil {
					t.Fatal(err)
				}
				mutate(img)
				gen, err := p.WritePolicy(img)
				if err != nil {
					t.Fatal(err)
				}
				src := newSource(&a, uint64(n))
				for range 200 {
					if _, differs := judged(t, p, gen, &a, src.next()); differs != "" {
						return true
					}
				}
			}
			return false
		}
		if !caught() {
			t.Errorf("%s: no packet told", name)
		}
	}
}
