// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"sync/atomic"

	"hooktop/bpf"
)

const ownSection = ".data.ht_own_bits"

// ownBits are one bit for each of the host's addresses, by hash: programs look an address up only where its bit is set.
type ownBits []uint64

// ownBit is the bit of an address, as own() in bpf/include/tunnel_line.h has it.
func ownBit(k bpf.XdpOwnKey) uint64 { return (k.W[0] ^ k.W[1]) * 0x9e3779b97f4a7c15 >> 52 }

func (b ownBits) add(bits []uint64) {
	for i, word := range bits {
		atomic.StoreUint64(&b[i], b[i]|word)
	}
}

func (b ownBits) set(bits []uint64) {
	for i, word := range bits {
		atomic.StoreUint64(&b[i], word)
	}
}
