// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"os"
	"strings"
)

// statsFile is 1 while the kernel takes the time of each run of a program.
const statsFile = "/proc/sys/kernel/bpf_stats_enabled"

// slowed says what makes every program slower on this host than it is, "" when nothing does. Ratios to an empty program are of no use
// then: it pays as much as any other.
func slowed(file string) string {
	text, err := os.ReadFile(file)
	if v := strings.TrimSpace(string(text)); err == nil && v != "0" {
		return fmt.Sprintf("kernel.bpf_stats_enabled is %s: the kernel looks at the clock before and after each run of a program. Set it to 0", v)
	}
	return ""
}
