// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"testing"

	"hooktop/probes/snap"
)

// What a watched device drops shows as drops: here frames that no protocol takes.
func TestDropsOfADeviceAreShown(t *testing.T) {
	r := newGround(t)
	r.start(Config{})
	frame := make([]byte, 60)
	for i := range 6 {
		frame[i] = 0xff
	}
	frame[12], frame[13] = 0x88, 0xb5 // IEEE 802 local experimental
	r.until("drops", func(f *snap.Frame) bool {
		r.peer.SendFrames(t, "v0", frame, frame, frame, frame)
		return f.Totals.Drops > 0
	})
	r.until("drops of a second", func(f *snap.Frame) bool {
		r.peer.SendFrames(t, "v0", frame)
		n := len(f.Totals.DropPS)
		return n > 0 && f.Totals.DropPS[n-1] > 0
	})
}
