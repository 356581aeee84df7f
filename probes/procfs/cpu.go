// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// Columns of the line cpu in /proc/stat (proc_stat(5)); guests' time behind them is part of user time.
const (
	cpuIRQ     = 5
	cpuSoftIRQ = 6
	cpuColumns = 8
)

// CPUTimes reads how long all CPUs were in interrupts and what these defer, and how long in all, in ticks since boot.
func CPUTimes() (interrupts, all uint64, err error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, fmt.Errorf("read CPU times: %w", err)
	}
	interrupts, all, ok := ParseCPUTimes(b)
	if !ok {
		return 0, 0, fmt.Errorf("read CPU times: /proc/stat begins with %.40q", b)
	}
	return interrupts, all, nil
}

// ParseCPUTimes reads the first line of /proc/stat.
func ParseCPUTimes(stat []byte) (interrupts, all uint64, ok bool) {
	line, _, _ := bytes.Cut(stat, []byte{'\n'})
	f := bytes.Fields(line)
	if len(f) < 1+cpuColumns || string(f[0]) != "cpu" {
		return 0, 0, false
	}
	for i, text := range f[1 : 1+cpuColumns] {
		n, err := strconv.ParseUint(string(text), 10, 64)
		if err != nil {
			return 0, 0, false
		}
		all += n
		if i == cpuIRQ || i == cpuSoftIRQ {
			interrupts += n
		}
	}
	return interrupts, all, true
}
