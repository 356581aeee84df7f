// SPDX-License-Identifier: Apache-2.0

package snap

// Filter is a BPF classifier (cls_bpf, direct action) on a device's clsact qdisc, where the kernel has no tcx.
type Filter struct {
	Index  int    // ifindex
	Egress bool   // parent ffff:fff3, else ffff:fff2
	Prio   uint16 // preference
	Handle uint32
	Name   string // TCA_BPF_NAME: hooktop's mark of ownership, see probes/guard
	FD     int    // program to attach; unused in listings
	ProgID uint32 // in listings only
}
