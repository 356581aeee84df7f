// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// MapTable reads a flow table that somebody else made and keeps: the benchmark's. It must have bucketsPerCPU buckets for
// each possible CPU.
func MapTable(m *ebpf.Map, bucketsPerCPU int) (*FlowTable, error) {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, fmt.Errorf("count CPUs: %w", err)
	}
	s := Sizes{CPUs: cpus, BucketsPerCPU: bucketsPerCPU}
	if have := int(m.MaxEntries()); have != cpus*bucketsPerCPU {
		return nil, fmt.Errorf("read a flow table of %d buckets as %d CPUs with %d each: the sizes differ", have, cpus, bucketsPerCPU)
	}
	return mapTable(m, s)
}

// Unmap ends the reading of a table got from MapTable.
func (t *FlowTable) Unmap() error { return t.unmap() }
