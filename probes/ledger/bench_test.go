// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// One look on a host with many devices, as container hosts have.
func BenchmarkLook(b *testing.B) {
	for _, devices := range []int{10, 1000} {
		b.Run(fmt.Sprint(devices, " devices"), func(b *testing.B) {
			h := busyHost()
			for i := range devices {
				h.links = append(h.links, snap.Link{Index: i + 10, Name: fmt.Sprint("veth", i), RxDropped: uint64(i % 3)})
			}
			l := fixture("7.2", h)
			now := time.Unix(1700000000, 0)
			for b.Loop() {
				now = now.Add(time.Second)
				l.Look(now, l.Ask())
			}
		})
	}
}
