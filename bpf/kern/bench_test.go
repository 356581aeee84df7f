// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/acltest"
	"hooktop/netcfg/acl/compile"
	"hooktop/netcfg/policy"
)

// Reading a full table of 2^20 entries; FACTS had some 30 ms for 1M slots.
func BenchmarkScan(b *testing.B) {
	p := openPipeline(b, Options{Flows: 1 << 20 / slotsPerFlow})
	const live = 1 << 20
	for i := range p.table.slots[:live] {
		s := &p.table.slots[i]
		s.key, s.bytesFlags = frameKey(udpFrame(uint32(i), 64), 1), 64
		s.packets = 1
	}
	b.ReportMetric(float64(live), "flows")
	var bytes uint64
	for b.Loop() {
		n := 0
		p.Table().Scan(func(e *Entry) bool {
			n++
			bytes += e.Bytes()
			return true
		})
		if n != live {
			b.Fatalf("%d entries", n)
		}
	}
}

// From the text of a policy to the word that lets it decide.
func BenchmarkEdit(b *testing.B) {
	p := openPipeline(b, Options{Flows: 1024})
	for _, rules := range []int{1000, 10_000} {
		text := acltest.Spread(rand.New(rand.NewPCG(1, 2)), rules)
		var f policy.File
		var a acl.Policy
		var m *compile.Image
		var gen uint32
		var err error
		for _, step := range []struct {
			name string
			do   func()
		}{
			{"parse", func() { f, err = policy.Parse(text) }},
			{"resolve", func() { a = f.Resolve(time.Now()).ACL() }},
			{"compile", func() { m, err = compile.Compile(&a, compile.Options{Devices: slotsByName}) }},
			{"write", func() { gen, err = p.WritePolicy(m) }},
			{"try", func() { err = p.TryPolicy(gen, nil, time.Hour) }},
		} {
			b.Run(fmt.Sprintf("%d/%s", rules, step.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if step.do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
