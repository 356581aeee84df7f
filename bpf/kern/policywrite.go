// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/bpf"
	"hooktop/netcfg/acl/compile"
)

// WritePolicy writes a compiled policy into a slot that decides nothing, and returns its generation. It decides nothing yet.
func (p *Pipeline) WritePolicy(img *compile.Image) (gen uint32, err error) {
	q := &p.policy
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lapse(p)
	gen = q.next(p)
	slot := gen % aclSlots
	if l := &q.loaded[slot]; l.busy {
		// A packet on its way may still read the image: it holds no longer than a grace period.
		if err := p.Settle(); err != nil {
			return 0, fmt.Errorf("write policy: %w", err)
		}
	}
	out := &q.images[slot]
	atomic.StoreUint32(&out.Gen, 0)
	q.loaded[slot] = loaded{}
	clear(q.hits[int(slot)*q.shards*aclHits:][:q.shards*aclHits])
	expiry, err := write(out, img)
	if err != nil {
		return 0, err
	}
	before, err := p.legsBefore(slot, len(img.Legs))
	if err != nil {
		return 0, fmt.Errorf("write policy: %w", err)
	}
	q.loaded[slot] = loaded{gen: gen, hits: len(img.Hits), what: slices.Clone(img.Hits), missed: make([]odometer, len(img.Hits)), forgotten: make([]Count, len(img.Hits)), expiry: expiry, flows: img.Flows,
		legs: slices.Clone(img.Legs), before: before, ports: writeTunnels(out, img)}
	q.listen()
	q.last = gen
	q.used.add(gen)
	atomic.StoreUint32(&out.Gen, gen)
	return gen, nil
}

// write puts an image where programs read it, and says when its rules end.
func write(out *bpf.XdpAclImage, img *compile.Image) (expiry []uint64, err error) {
	out.Deny = [2]uint32{uint32(flag(img.DenyIn)), uint32(flag(img.DenyOut))}
	out.NotIp = uint32(img.NotIP)
	out.Flows = uint32(flag(img.Flows))
	out.Proto, out.Dev = img.Proto, img.Dev
	copy(out.Type[:], img.Type[:])
	var errs []error
	list := func(l compile.List) uint32 {
		if l.Len >= 1<<(32-listOffsetBits) {
			errs = append(errs, fmt.Errorf("write policy: a packet would be held against %d rules: narrow them", l.Len))
		}
		return l.Offset | l.Len<<listOffsetBits
	}
	lists := func(to []uint32, from []compile.List) {
		for i, l := range from {
			to[i] = list(l)
		}
	}
	for i := range img.Sides {
		from, to := &img.Sides[i], &out.Side[i]
		copy(to.Root[:], from.Root[:])
		copy(to.Bound4[:], from.Bounds4)
		copy(to.Bound6[:], from.Bounds6)
		copy(to.Sets[:], from.Sets)
		lists(to.List[:], from.Lists)
		to.N4, to.N6 = uint32(len(from.Bounds4)), uint32(len(from.Bounds6))
	}
	for i := range img.PortSides {
		from, to := &img.PortSides[i], &out.Ports[i]
		to.Class = from.Class
		lists(to.List[:], from.Lists)
		to.Later, to.Classes = list(from.Later), uint32(len(from.Lists))
	}
	out.Wild = list(img.Wild)
	copy(out.List[:], img.Lists)
	for i, l := range img.Legs {
		out.Leg[i].Mark, out.Leg[i].Mask = l.Mark, l.Mask
	}
	boot := bootTime()
	for i := range img.Records {
		r, to := &img.Records[i], &out.Record[i]
		to.SrcLo, to.SrcHi, to.DstLo, to.DstHi = r.SrcLo, r.SrcHi, r.DstLo, r.DstHi
		to.SportLo, to.SportHi, to.DportLo, to.DportHi = r.SPortLo, r.SPortHi, r.DPortLo, r.DPortHi
		to.Vni, to.Vlan, to.Hit, to.Flags = r.VNI, r.VLAN, r.Hit, uint32(r.Flags)
		to.Proto, to.Type, to.Dev, to.Src, to.Dst = r.Proto, r.Type, r.Dev, r.Src, r.Dst
		to.Bucket, to.Cost, to.Burst, to.Expires = r.Bucket, uint64(r.Cost), uint64(r.Burst), 0
		if !r.Expires.IsZero() {
			to.Expires = uint64(max(1, boot+time.Until(r.Expires)))
			expiry = append(expiry, to.Expires)
		}
	}
	slices.Sort(expiry)
	return expiry, errors.Join(errs...)
}

// LIST_OFFSET_BITS in bpf/include/acl_image.h.
const listOffsetBits = 18

func clock(id int32) time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(id, &ts) != nil { // these clocks are there
		return 0
	}
	return time.Duration(ts.Nano())
}

func bootTime() time.Duration { return clock(unix.CLOCK_BOOTTIME) }

// slept is how long the host was suspended since boot: jiffies stood still. Whoever is held up between the two clocks reads them again.
func slept() time.Duration {
	for {
		before, boot := clock(unix.CLOCK_MONOTONIC), bootTime()
		if clock(unix.CLOCK_MONOTONIC)-before < 100*time.Millisecond {
			return boot - before
		}
	}
}
