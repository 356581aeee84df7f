// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"hooktop/probes/snap"
)

// Headers are n SYNs that a rule denied, the newest first.
func Headers(n int) []snap.Header {
	out := make([]snap.Header, n)
	for i := range out {
		src, dst := netip.AddrFrom4([4]byte{203, 0, 113, byte(9 + i%3)}), netip.AddrFrom4([4]byte{10, 9, 0, 22})
		port := uint16(44123 + i)
		data := []byte{0x52, 0x54, 0, 0x12, 0x34, 0x56, 0x52, 0x54, 0, 0x65, 0x43, 0x21, 8, 0, 0x45, 0, 0, 60, 0x1c, 0x46, 0x40, 0, 0x33, 6, 0, 0}
		data = append(append(data, src.AsSlice()...), dst.AsSlice()...)
		data = binary.BigEndian.AppendUint16(data, port)
		data = append(data, 0, 22, 0, 0, 0, byte(i+1), 0, 0, 0, 0, 0xa0, 2, 0xfd, 0, 0, 0, 0, 0, 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7)
		out[i] = snap.Header{At: Epoch().Add(-time.Duration(i) * 117 * time.Millisecond), Dev: "eth0", Len: len(data), Data: data,
			Src: netip.AddrPortFrom(src, port), Dst: netip.AddrPortFrom(dst, 22), Text: fmt.Sprintf("tcp %s:%d > %s:22", src, port, dst)}
	}
	return out
}
