// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"io"

	"hooktop/probes/snap"
)

// Hook is one place of a device where a pipeline program can sit.
type Hook string

const (
	XDPNative  Hook = "xdp native"
	XDPGeneric Hook = "xdp generic"
	TCIngress  Hook = "tc ingress"
	TCEgress   Hook = "tc egress"
	TCMark     Hook = "tc mark" // ingress beside XDP: gives packets of chains their mark
)

// Device is what a program is loaded for.
type Device struct {
	Index int
	Name  string
	Slot  uint16
	L3    bool
}

// ErrNoTCX says that the kernel has no tcx (before 6.6).
var ErrNoTCX = errors.New("the kernel has no tcx (needs 6.6)")

// Plane is the part of the pipeline that attaching needs: bpf/kern behind KernPlane, something simpler in tests.
type Plane interface {
	// Attach loads the pipeline for a device and puts it on a hook by a BPF link. It never replaces a program. On a tc
	// hook errors.Is(err, ErrNoTCX) where there is no tcx.
	Attach(Device, Hook) (Hold, error)
	// Program loads the pipeline for a clsact filter.
	Program(d Device, h Hook) (Program, error)
	// Forget clears what the flow table holds of a slot.
	Forget(slot uint16) error
	// MaxSlots is the number of devices that can be told apart.
	MaxSlots() int
	// Describe names a foreign program by its id: `program 42 "xdp_dispatcher"`.
	Describe(prog uint32) string
}

// Hold is a program that sits on a hook.
type Hold interface {
	io.Closer // returns when the kernel has let go of link and program
	IDs() (link, prog uint32)
	Info() (snap.Program, error)
	// Sits reports whether the kernel still runs the program on its hook.
	Sits() (bool, error)
}

// Program is loaded and attached by other means.
type Program interface {
	io.Closer
	FD() int
	ID() uint32
	Info() (snap.Program, error)
}

// Filters is the part of probes.Host that attaching needs; see there.
type Filters interface {
	HasClsact(ifindex int) (bool, error)
	EnsureClsact(ifindex int) (made bool, err error)
	AttachFilter(f snap.Filter) error
	ListFilters(ifindex int) ([]snap.Filter, error)
	RemoveFilter(f snap.Filter) error
	RemoveClsact(ifindex int) (removed bool, err error)
}

// Journal hears of everything that the kernel would not remove by itself, before it is made (FAULTS 12). An error from
// Intend keeps it from being made.
type Journal interface {
	// Tag is the mark of ownership that filter names start with.
	Tag() string
	Intend(f snap.Filter, dev string) error
	Done(f snap.Filter)
	// IntendQdisc promises that the clsact qdisc of a device is ours; DoneQdisc takes the promise back.
	IntendQdisc(ifindex int, dev string) error
	DoneQdisc(ifindex int)
}
