// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"hooktop/bpf/kern"
	"hooktop/probes/snap"
)

func TestEveryModeCountsExactlyAndLeavesNothing(t *testing.T) {
	for _, mode := range []string{"auto", "native", "generic", "tc"} {
		for _, noTCX := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s no tcx %v", mode, noTCX), func(t *testing.T) {
				r := newGround(t)
				f := r.start(Config{Mode: mode, NoTCX: noTCX, NoTrace: true})
				want := map[string]string{"auto": "tc", "native": "native", "generic": "generic", "tc": "tc"}[mode]
				if d := iface(f, "v0"); d == nil || d.Mode != want || d.Why == "" {
					t.Fatalf("v0: %+v, want %s and why", d, want)
				}
				for _, st := range f.Start {
					if st.Outcome == snap.Pending || st.Outcome == snap.Unavailable {
						t.Errorf("start line %+v", st)
					}
				}
				r.peer.SendUDP(t, there+":0", here+":5001", make([]byte, 100), 250)
				r.ns.SendUDP(t, here+":0", there+":5002", make([]byte, 100), 150)
				f = r.until("all packets", func(*snap.Frame) bool {
					all := r.all()
					return packets(all, 5001, false, "v0") >= 250 && packets(all, 5002, true, "v0") >= 150
				})
				all := r.all()
				if in, out := packets(all, 5001, false, "v0"), packets(all, 5002, true, "v0"); in != 250 || out != 150 {
					t.Errorf("counted %d in and %d out, want 250 and 150", in, out)
				}
				if len(f.Programs) != 2 {
					t.Errorf("programs: %+v", f.Programs)
				}
				if report := r.close(); len(report) != 2 {
					t.Errorf("report: %+v", report)
				}
			})
		}
	}
}

func TestDevicesThatComeAndGoAreFollowed(t *testing.T) {
	r := newGround(t)
	r.start(Config{Interfaces: []string{"v*"}})
	for range 3 {
		r.veth("v7", "10.5.7.1/24", "10.5.7.2/24")
		f := r.until("v7 watched", func(f *snap.Frame) bool { return watched(f, "v7", 2) })
		slot := iface(f, "v7").Slot
		r.peer.SendUDP(t, "10.5.7.2:0", "10.5.7.1:5001", make([]byte, 50), 40)
		r.until("v7 counted", func(*snap.Frame) bool {
			all := r.all()
			return iface(all, "v7") != nil && iface(all, "v7").Slot == slot && iface(all, "v7").InPackets >= 40
		})
		r.ns.Del(t, "v7")
		r.until("v7 gone", func(f *snap.Frame) bool { return iface(f, "v7") == nil })
	}
	r.rename("v0", "v9")
	f := r.until("v0 renamed", func(f *snap.Frame) bool { return iface(f, "v9") != nil })
	if iface(f, "v0") != nil {
		t.Error("v0 is still there under its old name")
	}
	r.rename("v9", "v0")
	r.until("v0 again", func(f *snap.Frame) bool { return iface(f, "v0") != nil })
}

// pass is a foreign program.
func pass(t *testing.T, typ ebpf.ProgramType, ret int32) *ebpf.Program {
	t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "foreign", Type: typ, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, ret), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	return prog
}

func TestForeignXDPIsLeftInPlaceAndSaidWhy(t *testing.T) {
	for _, mode := range []string{"auto", "native", "generic"} {
		t.Run(mode, func(t *testing.T) {
			r := newGround(t)
			var l link.Link
			prog := pass(t, ebpf.XDP, 2)
			r.ns.Do(t, func() (err error) {
				l, err = link.AttachXDP(link.XDPOptions{Program: prog, Interface: r.ns.Index(t, "v0"), Flags: link.XDPGenericMode})
				return err
			})
			defer l.Close()
			f := r.start(Config{Mode: mode})
			if d := iface(f, "v0"); d == nil || d.Mode != "tc" || !strings.Contains(d.Why, "foreign") {
				t.Errorf("v0: %+v, want tc because of the foreign program", d)
			}
			r.peer.SendUDP(t, there+":0", here+":5001", make([]byte, 100), 20)
			r.until("packets", func(*snap.Frame) bool { return packets(r.all(), 5001, false, "") == 20 })
			r.close()
			info, err := l.Info()
			if err != nil || int(info.XDP().Ifindex) != r.ns.Index(t, "v0") {
				t.Errorf("the foreign program was detached: %+v, %v", info, err)
			}
		})
	}
}

func TestForeignFiltersAndTCXAreUntouched(t *testing.T) {
	for _, noTCX := range []bool{false, true} {
		t.Run(fmt.Sprint("no tcx ", noTCX), func(t *testing.T) {
			r := newGround(t)
			index := r.ns.Index(t, "v0")
			prog := pass(t, ebpf.SchedCLS, 0) // TC_ACT_OK ends the chain: ours must run before it
			if made, err := r.host.EnsureClsact(index); err != nil || !made {
				t.Fatal(made, err)
			}
			theirs := snap.Filter{Index: index, Prio: 1, Handle: 1, Name: "theirs", FD: prog.FD()}
			if err := r.host.AttachFilter(theirs); err != nil {
				t.Fatal(err)
			}
			before, err := r.host.ListFilters(index)
			if err != nil {
				t.Fatal(err)
			}
			f := r.start(Config{Mode: "tc", NoTCX: noTCX})
			if d := iface(f, "v0"); d == nil || d.Mode != "tc" {
				t.Fatalf("v0: %+v", d)
			}
			r.close()
			after, err := r.host.ListFilters(index)
			if err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("filters before %+v, after %+v (%v)", before, after, err)
			}
			if err := r.host.RemoveFilter(theirs); err != nil {
				t.Error(err)
			}
			if removed, err := r.host.RemoveClsact(index); err != nil || !removed {
				t.Errorf("the foreign qdisc was gone: %v, %v", removed, err)
			}
		})
	}
}

func TestTakenOffIsSaidAndAttachedOnce(t *testing.T) {
	r := newGround(t)
	f := r.start(Config{Mode: "generic", NoTrace: true})
	off := func(f *snap.Frame) {
		t.Helper()
		for _, p := range f.Programs {
			if p.Hook != "generic XDP" {
				continue
			}
			links, err := kern.ListLinks()
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range links {
				if l.Program == p.ID {
					if err := forceOff(l.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	off(f)
	f = r.until("said and attached again", func(f *snap.Frame) bool { return told(f, "attached again once") })
	off(f)
	f = r.until("left off", func(f *snap.Frame) bool { return told(f, "stays off") })
	states := ""
	for _, p := range f.Programs {
		states += p.Hook + " " + p.State + ", "
	}
	if states != "generic XDP detached, "+egressHook(t, r)+" attached, " {
		t.Errorf("programs: %s", states)
	}
}

// egressHook is what this kernel has at egress.
func egressHook(t *testing.T, r *rig) string {
	t.Helper()
	hook := "tcx egress"
	r.ns.Do(t, func() error {
		_, err := kern.QueryTCX(r.ns.Index(t, "v0"), true)
		if errors.Is(err, kern.ErrNoTCX) {
			hook, err = "clsact egress", nil
		}
		return err
	})
	return hook
}

// forceOff is `bpftool link detach`: BPF_LINK_DETACH, which ebpf's link package has for its own links.
func forceOff(id uint32) error {
	l, err := link.NewFromID(link.ID(id))
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Detach()
}

func told(f *snap.Frame, text string) bool {
	for _, n := range f.Notices {
		if strings.Contains(n.Text, text) {
			return true
		}
	}
	return false
}

func TestSeveralDevicesCountForwardedPacketsOnce(t *testing.T) {
	r := newGround(t)
	r.veth("v1", "10.5.1.1/24", "10.5.1.2/24")
	defer r.ns.Del(t, "v1")
	r.ns.Sysctl(t, "ipv4/ip_forward", "1")
	defer r.ns.Sysctl(t, "ipv4/ip_forward", "0")
	r.ns.Route(t, "10.9.0.0/16", "10.5.1.2")
	r.peer.Route(t, "10.9.0.0/16", here)
	f := r.start(Config{Interfaces: []string{"v0", "v1"}})
	if len(f.Interfaces) != 2 || f.Interfaces[0].Slot == f.Interfaces[1].Slot {
		t.Fatalf("devices: %+v", f.Interfaces)
	}
	before := r.all().Totals.Packets
	r.peer.SendUDP(t, there+":0", "10.9.0.9:5001", make([]byte, 100), 100)
	r.until("both devices", func(*snap.Frame) bool {
		all := r.all()
		return packets(all, 5001, false, "v0") == 100 && packets(all, 5001, true, "v1") == 100
	})
	all := r.all()
	var other uint64 // what else was seen meanwhile: ARP, ICMP, mDNS
	for _, row := range all.Flows.Rows {
		if row.Key.DPort != 5001 && !row.Forwarded {
			other += row.Packets
		}
		if row.Key.DPort == 5001 && row.Forwarded != row.Key.Egress {
			t.Errorf("forwarded %v on egress %v", row.Forwarded, row.Key.Egress)
		}
	}
	if total := all.Totals.Packets - before; total < 100 || total >= 200 {
		t.Errorf("100 forwarded packets (and about %d others) make a total of %d", other, total)
	}
}

func TestHandlesOutliveTheGarbageCollector(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	r := newGround(t)
	r.start(Config{Mode: "tc"})
	for i := range 20 {
		runtime.GC()
		r.peer.SendUDP(t, there+":0", here+":5001", make([]byte, 100), 10)
		r.until("packets", func(*snap.Frame) bool { return packets(r.all(), 5001, false, "v0") == uint64(10*(i+1)) })
	}
	if f := r.all(); told(f, "taken off") {
		t.Errorf("the collector detached something: %+v", f.Notices)
	}
}

func TestASecondEngineLooksBesideTheFirst(t *testing.T) {
	r := newGround(t)
	r.start(Config{})
	second := &rig{t: t, ns: r.ns, peer: r.peer, host: r.host, ended: make(chan error, 1), ids: map[uint32]bool{}}
	f := second.start(Config{ReadOnly: "pid 1 holds the pen"})
	if d := iface(f, "v0"); d == nil || d.Mode != "tc" || f.State.ReadOnly == "" {
		t.Errorf("second engine: %+v, read-only %q", d, f.State.ReadOnly)
	}
	r.peer.SendUDP(t, there+":0", here+":5001", make([]byte, 100), 30)
	for name, e := range map[string]*rig{"first": r, "second": second} {
		e.until(name+" counted", func(*snap.Frame) bool { return packets(e.all(), 5001, false, "") == 30 })
	}
	second.close()
	if d := iface(r.all(), "v0"); d == nil || d.Mode != "tc" {
		t.Errorf("the first after the second left: %+v", d)
	}
}
