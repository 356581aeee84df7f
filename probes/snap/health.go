// SPDX-License-Identifier: Apache-2.0

package snap

import "time"

// Health is what the host's counters say at one instant: a canary is held against what they did before its commit.
type Health struct {
	At          time.Time
	Devices     map[string]DeviceHealth // watched devices by the kernel's name
	SoftIRQ     uint64                  // time that all CPUs spent in interrupts and what they defer, where packets are handled
	CPU         uint64                  // all time of all CPUs, in the same ticks
	Retransmits uint64                  // TCP segments of this network namespace
	Talking     map[string]int          // flows that sent packets lately, denied ones among them, by device; nil: not looked
}

// DeviceHealth are counters of a device, both directions.
type DeviceHealth struct {
	Errors  uint64
	Dropped uint64 // by device and driver
	Denied  uint64 // by the policy
}
