// SPDX-License-Identifier: Apache-2.0

package kern_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

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

// attach puts a program onto a hook of h0. Before tcx that is a clsact filter, and what comes back is nil.
func (l *lab) attach(t *testing.T, h kern.Hook) *kern.Attachment {
	t.Helper()
	var a *kern.Attachment
	l.here.Do(t, func() (err error) {
		switch h {
		case kern.XDPNative, kern.XDPGeneric:
			a, err = l.p.AttachXDP(l.dev, h == kern.XDPNative)
		default:
			if a, err = l.p.AttachTCX(l.dev, h); errors.Is(err, kern.ErrNoTCX) {
				return l.filter(h == kern.TCEgress)
			}
		}
		return err
	})
	return a
}

// filter attaches by clsact. It goes with the device.
func (l *lab) filter(egress bool) error {
	prog, err := l.p.ProgramForFilter(l.dev, map[bool]kern.Hook{false: kern.TCIngress, true: kern.TCEgress}[egress])
	if err != nil {
		return err
	}
	return clsact(l.dev.Index, prog.FD(), egress)
}

func (l *lab) filterOff(t *testing.T) {
	t.Helper()
	l.here.Do(t, func() error { return netlink.QdiscDel(clsactOf(l.dev.Index)) })
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
			if a == nil { // a filter, whose removal is netcfg/nl's
				l.filterOff(t)
				return
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

// A device that goes away takes the link off; Close still ends well.
func TestDeviceGone(t *testing.T) {
	l := newLab(t)
	in, out := l.attach(t, kern.XDPGeneric), l.attach(t, kern.TCEgress)
	l.there.Del(t, "p0")
	for _, a := range []*kern.Attachment{in, out} {
		if a == nil {
			continue // a filter, which went with the device
		}
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
			func() (*kern.Attachment, error) { return l.p.AttachTCX(l.dev, kern.TCEgress) },
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

// Where the kernel has no tcx, the error says so, and an instance can be had for a clsact filter.
func TestTCXOrFilter(t *testing.T) {
	l := newLab(t)
	have := false
	for _, f := range kern.Features() {
		have = have || f.Name == "tcx" && f.Have
	}
	l.here.Do(t, func() error {
		a, err := l.p.AttachTCX(l.dev, kern.TCEgress)
		if have != (err == nil) || have == errors.Is(err, kern.ErrNoTCX) {
			t.Errorf("the kernel has tcx: %v; attach says %v", have, err)
		}
		if err == nil {
			return a.Close()
		}
		if _, err := kern.QueryTCX(l.dev.Index, true); !errors.Is(err, kern.ErrNoTCX) {
			t.Errorf("query says %v", err)
		}
		return nil
	})
	prog, err := l.p.ProgramForFilter(l.dev, kern.TCEgress)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.p.Unload(prog); err != nil {
		t.Error(err)
	}
}
