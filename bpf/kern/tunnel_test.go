// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"

	"hooktop/netcfg/acl"
	"hooktop/probes/ktest"
)

// The tunnel stage of the real programs against the reference dissector (ktest.Unwrap).

const tunnelPolicy = `tunnel vxlan port 4789 vni 100 to 192.0.2.1 peers 192.0.2.0/24,198.51.100.9 inner 10.50.0.0/16,2001:db8:50::/48 strip
tunnel vxlan port 4789 vni 200 to 192.0.2.1 peers 192.0.2.0/24 inner 10.60.0.0/16 strip
tunnel vxlan port 4789 vni 300 count
tunnel vxlan port 4789 vni 100 to 2001:db8::1 peers 2001:db8::/64 inner 10.50.0.0/16,2001:db8:50::/48 strip
tunnel geneve port 7000 vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.70.0.0/16,2001:db8:70::/48 strip
tunnel gue to 192.0.2.1 peers 192.0.2.0/24 inner 10.80.0.0/16,2001:db8:80::/48 strip
tunnel gre vni any to 192.0.2.1 peers 192.0.2.0/24 inner 10.90.0.0/16,2001:db8:90::/48 strip
tunnel ipip to 192.0.2.1 peers 192.0.2.0/24 inner 10.91.0.0/16,2001:db8:91::/48 strip
`

// tunnelRig is a policy in force, and what the reference is told of it.
type tunnelRig struct {
	p       *Pipeline
	gen     uint32
	xdp, tc *ebpf.Program
	scene   ktest.Scene
	policy  acl.Policy
	mixes   bool // this kernel's tc unwraps a packet of the other family
}

func newTunnelRig(t testing.TB, text string) *tunnelRig {
	t.Helper()
	return tunnelRigOf(t, text, Options{Flows: 64})
}

func tunnelRigOf(t testing.TB, text string, o Options) *tunnelRig {
	t.Helper()
	onOneCPU(t)
	r := &tunnelRig{p: openPipeline(t, o)}
	r.xdp, r.tc = loadFor(t, r.p, 1, XDPGeneric), loadFor(t, r.p, 1, TCIngress)
	own := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("10.50.0.1"), netip.MustParseAddr("2001:db8:50::1")}
	if err := r.p.SetOwn(own); err != nil {
		t.Fatal(err)
	}
	r.scene = ktest.Scene{Own: own, Tunnel: func(port uint16) bool {
		return r.p.policy.ports[port>>6]>>(port&63)&1 == 1
	}}
	r.enforce(t, tunnelPolicy)
	sit := tunnelFrames()["sit"]
	r.mixes = !bytes.Equal(r.run(t, r.tc, sit), sit)
	r.enforce(t, text)
	return r
}

// enforce puts a policy in force, and forgets what was counted under the one before.
func (r *tunnelRig) enforce(t testing.TB, text string) {
	t.Helper()
	r.policy = parsePolicy(t, text)
	r.scene.Lines = r.policy.Tunnels
	r.gen = writeACL(t, r.p, &r.policy)
	r.p.setGeneration(1, r.gen)
	if err := r.p.ForgetTunnels(1, 0); err != nil {
		t.Fatal(err)
	}
}

// step is how counters moved with one frame.
type step struct {
	rows  map[string]Tunnel
	lines []RuleCount
}

func (r *tunnelRig) look(t testing.TB) step {
	t.Helper()
	rows, err := r.p.Tunnels()
	if err != nil {
		t.Fatal(err)
	}
	out := step{rows: map[string]Tunnel{}}
	for _, row := range rows {
		out.rows[fmt.Sprint(row.Kind, row.VNI, row.HasVNI, row.Peer)] = row
	}
	c, err := r.p.PolicyCounts(r.gen)
	if err != nil {
		t.Fatal(err)
	}
	out.lines = c.Tunnels
	return out
}

// run gives a program a frame and returns what it made of it.
func (r *tunnelRig) run(t testing.TB, prog *ebpf.Program, frame []byte) []byte {
	t.Helper()
	out := make([]byte, len(frame)+64)
	o := &ebpf.RunOptions{Data: frame, DataOut: out}
	code, err := prog.Run(o)
	if err != nil {
		t.Fatalf("run a frame of %d bytes: %v", len(frame), err)
	}
	if code != 2 && code != 0xffffffff {
		t.Fatalf("action %d", code)
	}
	return o.DataOut
}

// compare runs a frame through a program and the reference, and says what differs.
func (r *tunnelRig) compare(t testing.TB, prog *ebpf.Program, frame []byte, counters bool) (ktest.Unwrapped, string) {
	t.Helper()
	s := r.scene
	s.Super = prog == r.xdp && len(frame) > 1522
	want := ktest.Unwrap(ktest.Frame{Data: frame, Slot: 1, Tag: -1}, s)
	if why := r.tcRefuses(&want); prog == r.tc && why != "" {
		want.Out, want.Strip, want.Why = frame, false, why
	}
	var before step
	if counters {
		before = r.look(t)
	}
	got := r.run(t, prog, frame)
	if !bytes.Equal(got, want.Out) {
		return want, fmt.Sprintf("%d bytes out, want %d:\n%x\n%x", len(got), len(want.Out), got, want.Out)
	}
	if !counters {
		return want, ""
	}
	return want, r.counted(before, r.look(t), &want, len(frame))
}

// counted holds what one frame added to the counters against the reference.
func (r *tunnelRig) counted(before, after step, want *ktest.Unwrapped, size int) string {
	key := fmt.Sprint(want.Kind, want.VNI, want.HasVNI, want.Outer.Key.Src.Netip())
	for name, row := range after.rows {
		old := before.rows[name]
		if name != key || want.Kind == 0 {
			if row.Packets != old.Packets {
				return fmt.Sprintf("counted as %s, want %s", name, key)
			}
			continue
		}
		was := old.Errors
		for i, n := range row.Errors {
			if moved := n > was[i]; moved != (TunnelError(i) == want.Why && want.Why != "") {
				return fmt.Sprintf("error %q moved: %v, want %q", TunnelError(i), moved, want.Why)
			}
		}
		if row.Packets != old.Packets+1 || row.Bytes != old.Bytes+uint64(size) || (row.Stripped > old.Stripped) != want.Strip {
			return fmt.Sprintf("row %+v after %+v", row, old)
		}
		if row.Last == old.Last && row.Inner == old.Inner && row.Line == old.Line && row.Local == old.Local {
			continue // of two packets in one tick, either is the newest
		}
		if row.Inner != want.Inner || row.Line != want.Line || row.Local != want.Outer.Key.Dst.Netip() {
			return fmt.Sprintf("inner %q, line %d, local %v, want %q, %d", row.Inner, row.Line, row.Local, want.Inner, want.Line)
		}
	}
	if _, ok := after.rows[key]; !ok && want.Kind != 0 {
		return "no row " + key
	}
	for i := range after.lines {
		moved := after.lines[i].Packets - before.lines[i].Packets
		stripped := after.lines[i].Limited - before.lines[i].Limited
		if (moved == 1) != (i == want.Line) || (stripped == 1) != (i == want.Line && want.Strip) {
			return fmt.Sprintf("line %d counted %d, stripped %d; want line %d", i, moved, stripped, want.Line)
		}
	}
	return ""
}

// tunnelFrames are packets of all kinds, most of which the lines of tunnelPolicy unwrap.
func tunnelFrames() map[string][]byte {
	host, guest, router := [6]byte{2, 0, 0, 0, 0, 2}, [6]byte{2, 0, 0, 0, 9, 9}, [6]byte{2, 0, 0, 0, 0, 1}
	inside := func(src, dst string) []byte { return ktest.IP(src, dst, 17, ktest.UDP(4000, 53, []byte("question"))) }
	outer := func(proto uint8, payload []byte) []byte {
		return ktest.Ether(host, router, nil, ktest.IP("192.0.2.7", "192.0.2.1", proto, payload))
	}
	udp := func(port uint16, payload []byte) []byte { return outer(17, ktest.UDP(50000, port, payload)) }
	vx := func(vni uint32, packet []byte) []byte {
		return udp(4789, ktest.VXLANHeader(vni, ktest.Ether(guest, guest, nil, packet)))
	}
	six := func(payload []byte) []byte {
		return ktest.Ether(host, router, nil, ktest.IP("2001:db8::7", "2001:db8::1", 17, ktest.UDP(50000, 4789, payload)))
	}
	key, big, seq := uint32(77), uint32(0xfffffff0), uint32(1)
	four := inside("10.50.0.9", "10.50.0.1")
	return map[string][]byte{
		"vxlan 4 in 4":           vx(100, four),
		"vxlan 6 in 4":           vx(100, inside("2001:db8:50::9", "2001:db8:50::1")),
		"vxlan 4 in 6":           six(ktest.VXLANHeader(100, ktest.Ether(guest, guest, nil, four))),
		"vxlan 6 in 6":           six(ktest.VXLANHeader(100, ktest.Ether(guest, guest, nil, inside("2001:db8:50::9", "2001:db8:50::1")))),
		"vxlan counted":          vx(300, four),
		"vxlan unknown VNI":      vx(101, four),
		"vxlan wrong inside":     vx(100, inside("10.60.0.9", "10.50.0.1")),
		"vxlan from loopback":    vx(100, inside("127.0.0.1", "10.50.0.1")),
		"vxlan from the host":    vx(100, inside("10.50.0.1", "10.50.0.1")),
		"vxlan ARP":              udp(4789, ktest.VXLANHeader(100, ktest.Ether(guest, guest, nil, make([]byte, 28)))),
		"vxlan inner VLAN":       udp(4789, ktest.VXLANHeader(100, ktest.Ether(guest, guest, []uint16{5}, four))),
		"vxlan in vxlan":         vx(100, ktest.IP("10.50.0.9", "10.50.0.1", 17, ktest.UDP(1, 4789, ktest.VXLANHeader(1, nil)))),
		"vxlan ipip inside":      vx(100, ktest.IP("10.50.0.9", "10.50.0.1", 4, four)),
		"vxlan bad inside":       vx(100, append([]byte{0x41}, four[1:]...)),
		"vxlan other endpoint":   ktest.Ether(host, router, nil, ktest.IP("192.0.2.7", "192.0.2.2", 17, ktest.UDP(5, 4789, ktest.VXLANHeader(100, ktest.Ether(guest, guest, nil, four))))),
		"vxlan other peer":       ktest.Ether(host, router, nil, ktest.IP("203.0.113.7", "192.0.2.1", 17, ktest.UDP(5, 4789, ktest.VXLANHeader(100, ktest.Ether(guest, guest, nil, four))))),
		"gpe":                    udp(4790, append([]byte{0x0c, 0, 0, 1, 0, 0, 5, 0}, four...)),
		"geneve eth":             udp(7000, ktest.GeneveHeader(100, 0x6558, nil, ktest.Ether(guest, guest, nil, inside("10.70.0.9", "10.50.0.1")))),
		"geneve ip4":             udp(7000, ktest.GeneveHeader(100, 0x0800, []byte{1, 2, 3, 1, 9, 9, 9, 9, 1, 2, 4, 0}, inside("10.70.0.9", "10.50.0.1"))),
		"geneve ip6":             udp(7000, ktest.GeneveHeader(100, 0x86dd, make([]byte, 252), inside("2001:db8:70::9", "2001:db8:50::1"))),
		"geneve critical":        udp(7000, ktest.GeneveHeader(100, 0x0800, []byte{1, 2, 0x83, 0}, inside("10.70.0.9", "10.50.0.1"))),
		"geneve well-known":      udp(6081, ktest.GeneveHeader(9, 0x0800, nil, four)),
		"gue 4":                  udp(6080, ktest.GUEHeader(4, inside("10.80.0.9", "10.50.0.1"))),
		"gue 6":                  udp(6080, ktest.GUEHeader(41, inside("2001:db8:80::9", "2001:db8:50::1"))),
		"gue version 1":          udp(6080, inside("10.80.0.9", "10.50.0.1")),
		"gtpu":                   udp(2152, ktest.GTPUHeader(0x12345678, nil, four)),
		"gtpu extensions":        udp(2152, ktest.GTPUHeader(5, []byte{1, 0, 0, 0x85, 2, 0, 0, 0, 0, 0, 0, 0}, four)),
		"gre ip4":                outer(47, ktest.GREHeader(0x0800, nil, nil, inside("10.90.0.9", "10.50.0.1"))),
		"gre key and sequence":   outer(47, ktest.GREHeader(0x0800, &key, &seq, inside("10.90.0.9", "10.50.0.1"))),
		"gre wide key, eth":      outer(47, ktest.GREHeader(0x6558, &big, nil, ktest.Ether(guest, guest, nil, inside("10.90.0.9", "10.50.0.1")))),
		"gre ip6":                outer(47, ktest.GREHeader(0x86dd, nil, nil, inside("2001:db8:90::9", "2001:db8:50::1"))),
		"ipip":                   outer(4, inside("10.91.0.9", "10.50.0.1")),
		"sit":                    outer(41, inside("2001:db8:91::9", "2001:db8:50::1")),
		"sit with mapped":        outer(41, inside("2001:db8:91::9", "2001:db8:50::1")[:48]),
		"tagged":                 ktest.Ether(host, router, []uint16{7}, ktest.IP("192.0.2.7", "192.0.2.1", 4, inside("10.91.0.9", "10.50.0.1"))),
		"tagged twice":           ktest.Ether(host, router, []uint16{7, 9}, ktest.IP("192.0.2.7", "192.0.2.1", 4, inside("10.91.0.9", "10.50.0.1"))),
		"no tunnel":              ktest.Ether(host, router, nil, four),
		"padded vxlan":           append(vx(100, four), make([]byte, 9)...),
		"to be forwarded":        vx(100, inside("10.50.0.9", "10.99.0.1")),
		"large, for this host":   vx(100, ktest.IP("10.50.0.9", "10.50.0.1", 17, ktest.UDP(1, 2, make([]byte, 2000)))),
		"large, to be forwarded": vx(100, ktest.IP("10.50.0.9", "10.99.0.1", 17, ktest.UDP(1, 2, make([]byte, 2000)))),
	}
}

// Every kind of tunnel: what is counted, what comes out, and why not, by XDP and by tc.
func TestTunnelsAgreeWithTheReference(t *testing.T) {
	r := newTunnelRig(t, tunnelPolicy)
	stripped := 0
	for name, frame := range tunnelFrames() {
		for _, prog := range []*ebpf.Program{r.xdp, r.tc} {
			want, differs := r.compare(t, prog, frame, true)
			if differs != "" {
				t.Errorf("%s by %v: %s (reference: kind %v, why %q, line %d, strip %v)", name, prog.Type(), differs, want.Kind, want.Why, want.Line, want.Strip)
			}
			if want.Strip {
				stripped++
			}
		}
	}
	if stripped < 30 {
		t.Errorf("%d frames were unwrapped", stripped)
	}
}

// tcRefuses says why tc does not unwrap what is to be: the kernel takes nothing off behind a tag, which it takes out itself before tc runs but in a
// test run, and before 6.3 nothing that leaves a packet of the other family.
func (r *tunnelRig) tcRefuses(want *ktest.Unwrapped) string {
	switch {
	case !want.Strip:
	case want.Outer.L3 > 14:
		return "VLAN tag in front"
	case !r.mixes && want.Outer.Key.Src.Netip().Is4() == want.Inside.Six:
		return "other IP family"
	}
	return ""
}

// A packet that tc can't unwrap is left as it was, and counted.
func TestWhatTCCannotUnwrap(t *testing.T) {
	r := newTunnelRig(t, tunnelPolicy)
	frame := tunnelFrames()["tagged"]
	if got := r.run(t, r.tc, frame); !bytes.Equal(got, frame) {
		t.Errorf("%x became %x", frame, got)
	}
	for _, row := range r.look(t).rows {
		for i, n := range row.Errors {
			if want := uint64(flag(TunnelError(i) == "VLAN tag in front")); n != want {
				t.Errorf("%q: %d", TunnelError(i), n)
			}
		}
	}
}

// Every frame cut at every length: as a short frame, which is what an attacker sends.
func TestTunnelCuts(t *testing.T) {
	r := newTunnelRig(t, tunnelPolicy)
	n := 0
	for name, frame := range tunnelFrames() {
		if len(frame) > 500 {
			continue
		}
		for cut := ShadowMin; cut < len(frame); cut++ {
			for _, f := range [][]byte{frame[:cut:cut], shortened(frame[:cut:cut])} {
				if _, differs := r.compare(t, r.xdp, f, false); differs != "" {
					t.Fatalf("%s cut at %d: %s", name, cut, differs)
				}
				n++
			}
		}
	}
	t.Logf("%d frames, no difference", n)
}

// shortened makes the outer headers of a cut frame say what is left, so that the parsers get as far as the cut.
func shortened(frame []byte) []byte {
	out := bytes.Clone(frame)
	p := ktest.Parse(ktest.Frame{Data: frame, Wire: 1 << 15, Tag: -1})
	if p.Why != "" || p.L4+8 > len(out) {
		return out
	}
	if out[p.L3]>>4 == 4 {
		binary.BigEndian.PutUint16(out[p.L3+2:], uint16(len(out)-p.L3))
	} else {
		binary.BigEndian.PutUint16(out[p.L3+4:], uint16(len(out)-p.L3-40))
	}
	if p.Key.Proto == acl.UDP {
		binary.BigEndian.PutUint16(out[p.L4+4:], uint16(len(out)-p.L4))
	}
	return out
}

// A flood of forged VNIs fills the rows; what has none is counted, and rows of idle tunnels make room again.
func TestAFloodOfTunnelsIsCounted(t *testing.T) {
	r := newTunnelRig(t, tunnelPolicy)
	frame := tunnelFrames()["vxlan counted"]
	at := bytes.Index(frame, []byte{8, 0, 0, 0, 0, 1, 0x2c, 0}) + 4
	const sent = tunnelRows*maxShards + 500
	for n := range uint32(sent) {
		binary.BigEndian.PutUint32(frame[at:], (n+1)<<8)
		r.run(t, r.xdp, frame)
	}
	rows := r.look(t).rows
	c, err := r.p.Counters()
	if err != nil || c.Stats.TunnelFull == 0 || len(rows)+int(c.Stats.TunnelFull) != sent {
		t.Errorf("%d rows, %d without, %d sent: %v", len(rows), c.Stats.TunnelFull, sent, err)
	}
	if err := r.p.ForgetTunnels(1, 0); err != nil {
		t.Fatal(err)
	}
	r.run(t, r.xdp, frame)
	if n := len(r.look(t).rows); n != 1 {
		t.Errorf("%d rows after all were dropped", n)
	}
}
