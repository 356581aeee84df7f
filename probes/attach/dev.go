// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"time"

	"hooktop/probes/snap"
)

// Dev is one watched device.
type Dev struct {
	Link   snap.Link
	Slot   uint16
	Reason string // why it is watched
	Want   Mode   // what was wished for
	Mode   Mode   // what its ingress has now
	Why    string // why this mode
	Since  time.Time

	in, out   *held
	madeQdisc bool // the clsact qdisc is ours to remove
	base      snap.Link
	seen      [2]uint64 // packets that the pipeline had counted then, in and out
	flapped   bool      // its carrier was said to have gone since the attach
	reviewed  bool      // carrier and counters were looked at after the attach
}

// held is a program on a hook, with what is told about it.
type held struct {
	Hold
	to      string // "generic XDP", "tcx egress"
	again   bool   // it was attached a second time after somebody took it off
	lost    bool   // somebody took it off and it stays off
	program snap.Program
}

func (d *Dev) device() Device {
	return Device{Index: d.Link.Index, Name: d.Link.Name, Slot: d.Slot, L3: d.Link.L3}
}

// Watching reports whether anything of the pipeline sits on the device.
func (d *Dev) Watching() bool { return d.in != nil || d.out != nil }

// slot of the ingress or the egress program.
func (d *Dev) side(egress bool) **held {
	if egress {
		return &d.out
	}
	return &d.in
}

func line(d *Dev, egress bool) string {
	if egress {
		return "pipeline " + d.Link.Name + " egress"
	}
	return "pipeline " + d.Link.Name + " ingress"
}

func modeHook(m Mode) Hook {
	switch m {
	case Native:
		return XDPNative
	case Generic:
		return XDPGeneric
	}
	return TCIngress
}

func hookMode(h Hook) Mode {
	switch h {
	case XDPNative:
		return Native
	case XDPGeneric:
		return Generic
	}
	return TC
}
