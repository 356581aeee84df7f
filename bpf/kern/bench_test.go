// SPDX-License-Identifier: Apache-2.0

package kern

import "testing"

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
