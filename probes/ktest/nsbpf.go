// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Sections of a State, and kinds of object.
const (
	bpfProgram = "bpf programs"
	bpfMap     = "bpf maps"
	bpfLink    = "bpf links"
)

// object is a BPF object by its id.
type object struct{ kind, id string }

// ids walks a *_GET_NEXT_ID list of bpf(2).
func ids(t testing.TB, what string, next func(uint32) (uint32, error)) []string {
	t.Helper()
	all := []string{}
	for id := uint32(0); ; {
		following, err := next(id)
		if errors.Is(err, os.ErrNotExist) {
			return all
		}
		if err != nil {
			t.Fatalf("list %s: %v", what, err)
		}
		id = following
		all = append(all, fmt.Sprint(id))
	}
}

func nextProgram(id uint32) (uint32, error) {
	following, err := ebpf.ProgramGetNextID(ebpf.ProgramID(id))
	return uint32(following), err
}

func nextMap(id uint32) (uint32, error) {
	following, err := ebpf.MapGetNextID(ebpf.MapID(id))
	return uint32(following), err
}

// nextLink walks with the iterator, which has no start: links are few. The kernel answers EAGAIN for a link that another
// process is just making, which a stall may hold up: the walk begins anew.
func nextLink(after uint32) (id uint32, err error) {
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for late := time.Now().Add(Patience); ; <-again.C {
		if id, err = linkAfter(after); !errors.Is(err, unix.EAGAIN) || time.Now().After(late) {
			return id, err
		}
	}
}

func linkAfter(after uint32) (uint32, error) {
	it := new(link.Iterator)
	defer it.Close()
	for it.Next() {
		if uint32(it.ID) > after {
			return uint32(it.ID), nil
		}
	}
	if err := it.Err(); err != nil {
		return 0, err
	}
	return 0, os.ErrNotExist
}

// described says of a program or map what it is, behind a blank; "" when it is neither, or gone meanwhile. The same
// object is described alike each time: not by a descriptor, as its String is.
func described(kind, id string) string {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return ""
	}
	switch kind {
	case bpfProgram:
		if p, err := ebpf.NewProgramFromID(ebpf.ProgramID(n)); err == nil {
			defer p.Close()
			if info, err := p.Info(); err == nil {
				return " " + p.Type().String() + " " + info.Name
			}
		}
	case bpfMap:
		if m, err := ebpf.NewMapFromID(ebpf.MapID(n)); err == nil {
			defer m.Close()
			if info, err := m.Info(); err == nil {
				return " " + m.Type().String() + " " + info.Name
			}
		}
	}
	return ""
}

// heldByOthers are the objects that processes other than self have open, with what hangs on them: a link's program, a
// program's maps.
func heldByOthers(self int) map[object]bool {
	infos, _ := filepath.Glob("/proc/[0-9]*/fdinfo/*") // the pattern is right
	return heldBy(slices.DeleteFunc(infos, func(path string) bool {
		return strings.HasPrefix(path, fmt.Sprintf("/proc/%d/", self))
	}))
}

// PacketPrograms counts the XDP and tc programs that a process has open. The kernel's list of all would count those of others too, and
// some that it has yet to free.
func PacketPrograms(pid int) int {
	infos, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid)) // the pattern is right
	n := 0
	for o := range heldBy(infos) {
		if text := described(o.kind, o.id); o.kind == bpfProgram && (strings.HasPrefix(text, " XDP") || strings.HasPrefix(text, " SchedCLS")) {
			n++
		}
	}
	return n
}

// heldBy are the objects of descriptors, by their files in fdinfo.
func heldBy(infos []string) map[object]bool {
	held := map[object]bool{}
	for _, path := range infos {
		target, err := os.Readlink(strings.Replace(path, "/fdinfo/", "/fd/", 1))
		if err != nil || !strings.HasPrefix(target, "anon_inode:bpf") {
			continue // not BPF, or closed meanwhile
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for line := range strings.SplitSeq(string(raw), "\n") {
			name, value, _ := strings.Cut(line, ":")
			kind, ok := map[string]string{"prog_id": bpfProgram, "map_id": bpfMap, "link_id": bpfLink}[name]
			if id, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32); ok && err == nil {
				hold(held, kind, uint32(id))
			}
		}
	}
	return held
}

// hold notes an object and what hangs on it. One that ends meanwhile has nothing hanging on it.
func hold(held map[object]bool, kind string, id uint32) {
	o := object{kind, fmt.Sprint(id)}
	if held[o] {
		return
	}
	held[o] = true
	if kind != bpfProgram {
		return // a link's fdinfo names its program too
	}
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err != nil {
		return
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return
	}
	maps, _ := info.MapIDs()
	for _, m := range maps {
		held[object{bpfMap, fmt.Sprint(uint32(m))}] = true
	}
}
