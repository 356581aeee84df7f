// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
	"hooktop/netcfg/acl/compile"
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

// WriteImage writes a policy as generation gen into a map of images that somebody else made and keeps: the benchmark's.
func WriteImage(m *ebpf.Map, gen uint32, img *compile.Image) error {
	var q policies
	images, err := mapArray[bpf.XdpAclImage](&q, m)
	if err != nil {
		return err
	}
	out := &images[gen%aclSlots]
	_, err = write(out, img)
	atomic.StoreUint32(&out.Gen, gen)
	return errors.Join(err, q.close())
}
