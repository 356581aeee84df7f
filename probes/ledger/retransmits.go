// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"
	"os"
)

// Retransmits reads how many TCP segments the caller's network namespace sent again (RFC 4022, tcpRetransSegs).
func Retransmits() (uint64, error) {
	b, err := os.ReadFile("/proc/thread-self/net/snmp")
	if err != nil {
		return 0, fmt.Errorf("read TCP's counters: %w", err)
	}
	mib := map[string]uint64{}
	parseMIB(mib, b)
	return mib["Tcp RetransSegs"], nil
}
