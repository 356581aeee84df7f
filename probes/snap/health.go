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

// CanaryLimits say how much worse than before its commit a canary's figures may be. A rate may be twice what it was, plus its limit.
type CanaryLimits struct {
	Errors      float64 // of the devices, a second
	Drops       float64 // of the devices, a second
	Denied      float64 // packets that the policy denies beyond the forecast, a second
	Retransmits float64 // TCP segments of this namespace, a second
	CPU         float64 // of all CPUs in interrupts, percent more
	Quiet       float64 // percent of the flows that sent before
}

// DefaultCanaryLimits are for hosts of which nothing is known.
func DefaultCanaryLimits() CanaryLimits {
	return CanaryLimits{Errors: 1, Drops: 10, Denied: 20, Retransmits: 20, CPU: 20, Quiet: 50}
}
