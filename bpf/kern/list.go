// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// Prefix begins the name of every program and map that hooktop makes.
const Prefix = "ht_"

// ProgramEntry is a program that the kernel has.
type ProgramEntry struct {
	ID   uint32
	Name string
	Type string
}

// Ours tells hooktop's programs by their name.
func (e ProgramEntry) Ours() bool { return strings.HasPrefix(e.Name, Prefix) }

// LinkEntry is a link that the kernel has. Ifindex is 0 for kinds without a device or for a device that went away.
type LinkEntry struct {
	ID, Program uint32
	Type        string
	Ifindex     int
}

// ListPrograms lists every program on the host, in id order. It needs CAP_SYS_ADMIN.
func ListPrograms() ([]ProgramEntry, error) {
	var out []ProgramEntry
	for id := ebpf.ProgramID(0); ; {
		var err error
		id, err = ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("list programs: %w", err)
		}
		prog, err := ebpf.NewProgramFromID(id)
		if errors.Is(err, os.ErrNotExist) {
			continue // gone meanwhile
		}
		if err != nil {
			return out, fmt.Errorf("open program %d: %w", id, err)
		}
		info, err := prog.Info()
		prog.Close()
		if err != nil {
			return out, fmt.Errorf("describe program %d: %w", id, err)
		}
		out = append(out, ProgramEntry{ID: uint32(id), Name: info.Name, Type: info.Type.String()})
	}
}

// ListLinks lists every link on the host, in id order. It needs CAP_SYS_ADMIN.
func ListLinks() (list []LinkEntry, err error) {
	for range 1000 { // EAGAIN: somebody is just making one, which takes ms
		if list, err = listLinks(); !errors.Is(err, unix.EAGAIN) {
			return list, err
		}
		time.Sleep(time.Millisecond)
	}
	return list, err
}

func listLinks() ([]LinkEntry, error) {
	var out []LinkEntry
	it := new(link.Iterator)
	defer it.Close()
	for it.Next() {
		info, err := it.Link.Info()
		if err != nil {
			continue // a kind that the library does not know
		}
		e := LinkEntry{ID: uint32(info.ID), Program: uint32(info.Program), Type: fmt.Sprint(info.Type)}
		if x := info.XDP(); x != nil {
			e.Type, e.Ifindex = "xdp", int(x.Ifindex)
		} else if x := info.TCX(); x != nil {
			e.Type, e.Ifindex = "tcx", int(x.Ifindex)
		}
		out = append(out, e)
	}
	if err := it.Err(); err != nil {
		return out, fmt.Errorf("list links: %w", err)
	}
	return out, nil
}

// QueryTCX asks the kernel which programs sit on a device's tcx hook, in the order in which they run. ErrNoTCX before 6.6.
// The device is looked up in the network namespace of the calling thread.
func QueryTCX(ifindex int, egress bool) ([]uint32, error) {
	res, err := link.QueryPrograms(link.QueryOptions{Target: ifindex, Attach: tcxType(egress)})
	if err != nil {
		if !haveTCX() {
			return nil, ErrNoTCX
		}
		return nil, fmt.Errorf("query tcx programs of device %d: %w", ifindex, err)
	}
	var ids []uint32
	for _, p := range res.Programs {
		ids = append(ids, uint32(p.ID))
	}
	return ids, nil
}

// DescribeProgram reads what the kernel knows about a program.
func DescribeProgram(prog *ebpf.Program) (snap.Program, error) {
	info, err := prog.Info()
	if err != nil {
		return snap.Program{}, fmt.Errorf("describe program: %w", err)
	}
	s := snap.Program{Name: info.Name, Type: strings.ToLower(info.Type.String())}
	if id, ok := info.ID(); ok {
		s.ID = uint32(id)
	}
	if n, ok := info.VerifiedInstructions(); ok {
		s.Insns = n
	} else if size, err := info.TranslatedSize(); err == nil {
		s.Insns = uint32(size / 8)
	}
	if stats, err := prog.Stats(); err == nil {
		s.RunNs, s.Runs = uint64(stats.Runtime), stats.RunCount
	}
	return s, nil
}
