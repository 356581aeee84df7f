// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// symbolAddresses reads the addresses of functions from /proc/kallsyms.
func symbolAddresses[V any](names map[string]V) (map[string]uint64, error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, fmt.Errorf("read the addresses of functions: %w", err)
	}
	defer f.Close()
	out := make(map[string]uint64, len(names))
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		field := strings.Fields(lines.Text()) // "ffffffff81000000 T name", then "[module]"
		if len(field) < 3 {
			continue
		}
		if _, ok := names[field[2]]; !ok {
			continue
		}
		addr, err := strconv.ParseUint(field[0], 16, 64)
		if err != nil || addr == 0 {
			return nil, errors.New("read the addresses of functions: the kernel hides them: sysctl kernel.kptr_restrict=0, or run as root")
		}
		out[field[2]] = addr
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the addresses of functions: %w", err)
	}
	return out, nil
}
