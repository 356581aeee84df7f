// SPDX-License-Identifier: Apache-2.0

package kern_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"hooktop/bpf/kern"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// The programs on real hooks, in namespaces of the test: what they count, who is in the way, and that nothing stays.

// lab is two namespaces joined by a veth, h0 here and p0 there.
type lab struct {
	here, there *ktest.NS
	p           *kern.Pipeline
	dev         kern.Device
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{here: ktest.NewNS(t), there: ktest.NewNS(t)}
	vethIndexed(t, l.here, "h0", l.there, "p0")
	p, err := kern.Open(kern.Options{Flows: 1024})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	l.p, l.dev = p, kern.Device{Index: l.here.Index(t, "h0"), Name: "h0", Slot: 1}
	return l
}

// attach puts a program onto a hook of h0.
func (l *lab) attach(t *testing.T, h kern.Hook) *kern.Attachment {
	t.Helper()
	var a *kern.Attachment
	l.here.Do(t, func() (err error) {
		switch h {
		case kern.XDPNative, kern.XDPGeneric:
			a, err = l.p.AttachXDP(l.dev, h == kern.XDPNative)
		default:
			a, err = l.p.AttachTCX(l.dev, h == kern.TCEgress)
		}
		return err
	})
	return a
}

// mark is a datagram by which a test knows that all frames before it have been handled.
func mark() []byte { return patch(eth(typeIP4, v4(17, udp(nil))), 14+12, 172) }

func isMark(k snap.FlowKey) bool { return k.Src.Is4() && k.Src[12] == 172 }

// send puts frames onto a device and a mark behind them, and waits until the mark has been counted.
func (l *lab) send(t *testing.T, from *ktest.NS, dev string, frames ...[]byte) {
	t.Helper()
	before := l.marks()
	from.SendFrames(t, dev, append(frames, mark())...)
	waitFor(t, "the last frame", func() bool { return l.marks() > before })
}

func (l *lab) marks() (n uint64) {
	l.p.Table().Scan(func(e *kern.Entry) bool {
		if isMark(e.Key()) {
			n += e.Packets()
		}
		return true
	})
	return n
}

// flows sums the table over CPUs, without marks and the kernel's own IPv6 talk.
func (l *lab) flows() map[snap.FlowKey]kern.Count {
	out := map[snap.FlowKey]kern.Count{}
	l.p.Table().Scan(func(e *kern.Entry) bool {
		if k := e.Key(); !isMark(k) && !k.Dst.Netip().IsMulticast() {
			c := out[k]
			out[k] = kern.Count{Packets: c.Packets + e.Packets(), Bytes: c.Bytes + e.Bytes()}
		}
		return true
	})
	return out
}

func TestAttachCountsAndLeavesNothing(t *testing.T) {
	for _, h := range []kern.Hook{kern.XDPGeneric, kern.XDPNative, kern.TCIngress, kern.TCEgress} {
		t.Run(string(h), func(t *testing.T) {
			l := newLab(t)
			l.here.NetState(t)
			a := l.attach(t, h)
			from, dev := l.there, "p0"
			if h == kern.TCEgress {
				from, dev = l.here, "h0"
			}
			want := l.sendCorpus(t, from, dev, h == kern.TCEgress)
			got := l.flows()
			for k, n := range want {
				if got[k] != n {
					t.Errorf("%+v: %+v, want %+v", k, got[k], n)
				}
			}
			for k, n := range got {
				if _, ok := want[k]; !ok {
					t.Errorf("%+v: %+v, and nobody sent it", k, n)
				}
			}
			l.checkInfo(t, a, h)
			linkID, progID := a.ID()
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := link.NewFromID(link.ID(linkID)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("link %d after Close: %v", linkID, err)
			}
			if _, err := ebpf.NewProgramFromID(ebpf.ProgramID(progID)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("program %d after Close: %v", progID, err)
			}
		})
	}
}

// sendCorpus sends every well-formed frame of the corpus that a device takes, and says what must be counted.
func (l *lab) sendCorpus(t *testing.T, from *ktest.NS, dev string, out bool) map[snap.FlowKey]kern.Count {
	t.Helper()
	want := map[snap.FlowKey]kern.Count{}
	var frames [][]byte
	for _, c := range corpus() {
		if c.l3 || c.wire != 0 || len(c.frame) < 60 {
			continue
		}
		frames = append(frames, c.frame)
		ref := ktest.Parse(ktest.Frame{Data: c.frame, Slot: 1, Egress: out, Tag: -1})
		if ref.Why != "" {
			continue
		}
		n := want[ref.Key]
		want[ref.Key] = kern.Count{Packets: n.Packets + 1, Bytes: n.Bytes + uint64(ref.Len)}
	}
	l.send(t, from, dev, frames...)
	return want
}

func (l *lab) checkInfo(t *testing.T, a *kern.Attachment, h kern.Hook) {
	t.Helper()
	info, err := a.Info()
	if err != nil {
		t.Fatal(err)
	}
	if _, prog := a.ID(); info.ID != prog || info.Hook != string(h) || info.Dev != "h0" || !strings.HasPrefix(info.Name, kern.Prefix) || info.Insns == 0 {
		t.Errorf("info %+v", info)
	}
	if ok, err := a.Alive(); !ok || err != nil {
		t.Errorf("alive %v, %v", ok, err)
	}
	links, err := kern.ListLinks()
	if err != nil {
		t.Fatal(err)
	}
	linkID, progID := a.ID()
	kind := strings.Replace(strings.Fields(string(h))[0], "tc", "tcx", 1)
	if !containsLink(links, kern.LinkEntry{ID: linkID, Program: progID, Type: kind, Ifindex: l.dev.Index}) {
		t.Errorf("link %d is not in %+v", linkID, links)
	}
	programs, err := kern.ListPrograms()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, e := range programs {
		found = found || e.ID == progID && e.Ours()
	}
	if !found {
		t.Errorf("program %d is not in the list as ours", progID)
	}
}

func containsLink(all []kern.LinkEntry, want kern.LinkEntry) bool {
	for _, e := range all {
		if e == want {
			return true
		}
	}
	return false
}

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
		return err
	})
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

// A device that goes away takes the link off; Close still ends well.
func TestDeviceGone(t *testing.T) {
	l := newLab(t)
	in, out := l.attach(t, kern.XDPGeneric), l.attach(t, kern.TCEgress)
	l.there.Del(t, "p0")
	for _, a := range []*kern.Attachment{in, out} {
		waitFor(t, "the link to notice", func() bool {
			ok, err := a.Alive()
			return err == nil && !ok
		})
		if err := a.Close(); err != nil {
			t.Errorf("%s: %v", a.Hook(), err)
		}
	}
}

func TestAttachNowhere(t *testing.T) {
	l := newLab(t)
	l.dev.Index = 4711
	l.here.Do(t, func() error {
		for _, f := range []func() (*kern.Attachment, error){
			func() (*kern.Attachment, error) { return l.p.AttachXDP(l.dev, false) },
			func() (*kern.Attachment, error) { return l.p.AttachXDP(l.dev, true) },
			func() (*kern.Attachment, error) { return l.p.AttachTCX(l.dev, true) },
		} {
			if a, err := f(); err == nil {
				t.Errorf("attached %v to nothing", a.Hook())
			} else if errors.Is(err, kern.ErrForeign) || !strings.Contains(err.Error(), "h0") {
				t.Errorf("error %v", err)
			}
		}
		return nil
	})
	l.dev.Slot = 0
	if _, err := l.p.AttachXDP(l.dev, false); err == nil {
		t.Error("slot 0 was taken")
	}
}
