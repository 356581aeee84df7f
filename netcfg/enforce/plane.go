// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// ErrLeaseOver is what Plane.Keep and Plane.Extend return, perhaps wrapped, for a trial that has ended.
var ErrLeaseOver = errors.New("the lease is over")

// Plane is what decides packets: the pipeline in the kernel. Write and Judge may take long; the others store a word.
type Plane interface {
	// Write compiles a policy into an idle slot, where it decides nothing yet.
	Write(p *acl.Policy, devices map[string]uint16, now time.Time) (gen uint32, err error)
	// Try lets gen decide on the devices in these slots, nil: on all, also those that come, until the lease ends.
	Try(gen uint32, slots []uint16, lease time.Duration) error
	// Extend makes the lease end that long from now.
	Extend(lease time.Duration) error
	// Keep makes the trial what leases fall back to.
	Keep(gen uint32) error
	// Restore ends the trial: what was kept decides, at once.
	Restore() error
	// Swap puts next in the place of old, on trial or kept, and leaves the lease alone.
	Swap(old, next uint32) error
	// State is what decides on each device this instant.
	State() []Word
	// Counts are what a generation counted since it was written.
	Counts(gen uint32) (Counts, error)
	// Judge runs the program on packets and counts nothing. Devices are named as for Write.
	Judge(gen uint32, packets []acl.Packet, devices map[string]uint16) ([]acl.Decision, error)
	// Note lets established match these packets, and from now on those that answer to flows that begin. It returns how many it
	// had no room for.
	Note(list []Tuple) (lost int, err error)
	// Price measures what deciding about these packets takes, ns each, by gen or for 0 by no policy. It takes some ms.
	Price(gen uint32, packets []acl.Packet, devices map[string]uint16) (float64, error)
	// What says which rule, guard line or default a flow's path stands for. False when the generation is gone.
	What(gen uint32, path uint16) (by acl.By, index int, ok bool)
}

// Tuple stands for the packets of one direction of a connection. For ICMP SPort is type and code.
type Tuple struct {
	Src, Dst     snap.Addr
	SPort, DPort uint16
	Proto        uint8
}

// Word is what decides on one device.
type Word struct {
	Slot      uint16
	Gen, Kept uint32
	Lease     time.Duration // 0: none
}

// Count is a counter of a generation.
type Count struct {
	Packets, Bytes, Limited uint64
	Last                    time.Duration // since the last packet, -1: never
}

// Counts of one generation.
type Counts struct {
	Rules   []Count // by index in acl.Policy.Rules
	Default [2]Count
	Guard   []Count // by index in acl.Policy.Guard
}
