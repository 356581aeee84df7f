// SPDX-License-Identifier: Apache-2.0

package kern_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"hooktop/bpf/kern"
)

func passProgram(t *testing.T, kind ebpf.ProgramType, ret int32) *ebpf.Program {
	t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "stranger", Type: kind, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, ret), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	return prog
}

func progID(t *testing.T, prog *ebpf.Program) uint32 {
	t.Helper()
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	return uint32(id)
}

// A stranger's XDP program, linked or attached by netlink, is named and stays.
func TestForeignXDP(t *testing.T) {
	for _, byLink := range []bool{true, false} {
		l := newLab(t)
		l.here.NetState(t)
		stranger := passProgram(t, ebpf.XDP, 2)
		id := progID(t, stranger)
		detach := l.putStranger(t, stranger, byLink)
		for _, native := range []bool{false, true} {
			l.here.Do(t, func() error {
				a, err := l.p.AttachXDP(l.dev, native)
				if err == nil {
					t.Errorf("native %v: attached beside a stranger", native)
					return a.Close()
				}
				checkForeign(t, err, id, byLink)
				return nil
			})
		}
		if x := l.here.Link(t, "h0").Attrs().Xdp; x == nil || x.ProgId != id {
			t.Errorf("the stranger's program is %+v, was %d", x, id)
		}
		detach()
		if err := l.attach(t, kern.XDPGeneric).Close(); err != nil {
			t.Error(err)
		}
	}
}

// putStranger attaches prog and returns how to take it off.
func (l *lab) putStranger(t *testing.T, prog *ebpf.Program, byLink bool) (detach func()) {
	t.Helper()
	if !byLink {
		dev := l.here.Link(t, "h0")
		const generic = 1 << 1 // XDP_FLAGS_SKB_MODE
		set := func(fd int) {
			if err := netlinkXDP(l.here, dev, fd, generic); err != nil {
				t.Fatal(err)
			}
		}
		set(prog.FD())
		return func() { set(-1) }
	}
	var lnk link.Link
	l.here.Do(t, func() (err error) {
		lnk, err = link.AttachXDP(link.XDPOptions{Program: prog, Interface: l.dev.Index, Flags: link.XDPGenericMode})
		return err
	})
	return func() { lnk.Close() }
}

func checkForeign(t *testing.T, err error, id uint32, byLink bool) {
	t.Helper()
	var f *kern.ForeignError
	if !errors.Is(err, kern.ErrForeign) || !errors.As(err, &f) {
		t.Errorf("error %v", err)
		return
	}
	if byLink && (f.ID != id || f.Name != "stranger" || !strings.Contains(f.Holder, "(pid ")) {
		t.Errorf("%+v, want program %d", f, id)
	}
}

// A device whose XDP program netlink has shown is refused without a try, by name.
func TestForeignKnownByNetlink(t *testing.T) {
	l := newLab(t)
	stranger := passProgram(t, ebpf.XDP, 2)
	l.dev.Foreign = progID(t, stranger)
	_, err := l.p.AttachXDP(l.dev, false)
	checkForeign(t, err, l.dev.Foreign, true)
}

// Programs of others on tcx go on as before, behind ours.
func TestTCXNextToStranger(t *testing.T) {
	l := newLab(t)
	stranger := passProgram(t, ebpf.SchedCLS, 0) // TCX_PASS: ends the chain
	var lnk link.Link
	l.here.Do(t, func() (err error) {
		lnk, err = link.AttachTCX(link.TCXOptions{Interface: l.dev.Index, Program: stranger, Attach: ebpf.AttachTCXIngress})
		if errors.Is(err, link.ErrNotSupported) { // before 6.6: netcfg/nl tests filters beside those of others
			return nil
		}
		return err
	})
	if lnk == nil {
		return
	}
	defer lnk.Close()
	a := l.attach(t, kern.TCIngress)
	_, ours := a.ID()
	var order []uint32
	l.here.Do(t, func() (err error) {
		order, err = kern.QueryTCX(l.dev.Index, false)
		return err
	})
	if len(order) != 2 || order[0] != ours || order[1] != progID(t, stranger) {
		t.Errorf("order %v, ours is %d", order, ours)
	}
	l.send(t, l.there, "p0", eth(typeIP4, v4(6, tcp(2, make([]byte, 20)))))
	if len(l.flows()) != 1 {
		t.Errorf("flows %v", l.flows())
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	l.here.Do(t, func() (err error) {
		order, err = kern.QueryTCX(l.dev.Index, false)
		return err
	})
	if len(order) != 1 || order[0] != progID(t, stranger) {
		t.Errorf("after Close: %v", order)
	}
}
