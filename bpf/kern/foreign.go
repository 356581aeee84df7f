// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// ErrForeign means that somebody else's program sits on the hook. hooktop never replaces it.
var ErrForeign = errors.New("somebody else's program is attached there")

// ForeignError says which program is in the way, as far as the kernel tells.
type ForeignError struct {
	Device string
	Hook   Hook
	ID     uint32 // program id, 0: unknown
	Name   string
	Holder string // process that holds the program or its link, "" when none does (pinned, or attached by netlink)
}

func (e *ForeignError) Error() string {
	if e.ID == 0 {
		return fmt.Sprintf("attach %s program to %s: another program is attached there", e.Hook, e.Device)
	}
	s := fmt.Sprintf("attach %s program to %s: program %d (%q) is attached there", e.Hook, e.Device, e.ID, e.Name)
	if e.Holder != "" {
		s += ", held by " + e.Holder
	}
	return s
}

// Is makes errors.Is(err, ErrForeign) true.
func (e *ForeignError) Is(target error) bool { return target == ErrForeign }

func foreign(d Device, h Hook, id uint32) error {
	e := &ForeignError{Device: d.Name, Hook: h, ID: id}
	if id == 0 {
		return e
	}
	if prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(id)); err == nil {
		defer prog.Close()
		if s, err := DescribeProgram(prog); err == nil {
			e.Name = s.Name
		}
	}
	e.Holder = holder(id)
	return e
}

// linkedXDP finds the program that a link holds on a device's XDP hook. The kernel tells a link's ifindex but not its
// network namespace: when several links have that ifindex, none is named.
func linkedXDP(ifindex int) uint32 {
	var found []uint32
	it := new(link.Iterator)
	defer it.Close()
	for it.Next() {
		info, err := it.Link.Info()
		if err != nil {
			continue
		}
		if x := info.XDP(); x != nil && int(x.Ifindex) == ifindex {
			found = append(found, uint32(info.Program))
		}
	}
	if len(found) != 1 {
		return 0
	}
	return found[0]
}
