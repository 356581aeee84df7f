// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

func pairs() [][2]netip.AddrPort {
	return [][2]netip.AddrPort{
		{netip.MustParseAddrPort("198.51.100.20:4010"), netip.MustParseAddrPort("192.0.2.1:5010")},
		{netip.MustParseAddrPort("[2001:db8:c::20]:4020"), netip.MustParseAddrPort("[2001:db8:1::1]:5020")},
	}
}

func TestFramesAreWhatTheySay(t *testing.T) {
	for _, p := range pairs() {
		src, dst := p[0], p[1]
		base := snap.FlowKey{Src: snap.AddrFrom(src.Addr()), Dst: snap.AddrFrom(dst.Addr()), SPort: src.Port(), DPort: dst.Port(), Proto: unix.IPPROTO_UDP}
		datagram := udp(src, dst, make([]byte, 101))
		for name, c := range map[string]struct {
			tags []tag
			ip   []byte
			want func(k snap.FlowKey) snap.FlowKey
		}{
			"plain":  {nil, ip(src.Addr(), dst.Addr(), unix.IPPROTO_UDP, part{}, datagram), func(k snap.FlowKey) snap.FlowKey { return k }},
			"tagged": {[]tag{{unix.ETH_P_8021Q, 10}}, ip(src.Addr(), dst.Addr(), unix.IPPROTO_UDP, part{}, datagram), func(k snap.FlowKey) snap.FlowKey { k.VLAN = 10; return k }},
			"stacked": {[]tag{{unix.ETH_P_8021AD, 100}, {unix.ETH_P_8021Q, 30}}, ip(src.Addr(), dst.Addr(), unix.IPPROTO_UDP, part{}, datagram),
				func(k snap.FlowKey) snap.FlowKey { k.VLAN, k.Stacked = 100, true; return k }},
			"first": {nil, ip(src.Addr(), dst.Addr(), unix.IPPROTO_UDP, part{7, 0, true}, datagram[:64]), func(k snap.FlowKey) snap.FlowKey { k.Frag = snap.FragFirst; return k }},
			"later": {nil, ip(src.Addr(), dst.Addr(), unix.IPPROTO_UDP, part{7, 64, false}, datagram[64:]),
				func(k snap.FlowKey) snap.FlowKey { k.Frag, k.SPort, k.DPort = snap.FragLater, 0, 0; return k }},
			"syn": {nil, ip(src.Addr(), dst.Addr(), unix.IPPROTO_TCP, part{}, syn(src, dst, 1)), func(k snap.FlowKey) snap.FlowKey { k.Proto = unix.IPPROTO_TCP; return k }},
		} {
			frame := ethernet([6]byte{1}, [6]byte{2}, c.tags, c.ip)
			if got, ok := ktest.FlowOf(frame); !ok || got != c.want(base) {
				t.Errorf("%s from %s: %+v, %v", name, src, got, ok)
			}
		}
		if want := udpFrame(dst.Addr(), 101); len(ethernet([6]byte{}, [6]byte{}, nil, ip(src.Addr(), dst.Addr(), unix.IPPROTO_UDP, part{}, datagram))) != want {
			t.Errorf("a frame to %s is not %d bytes long", dst, want)
		}
	}
}

// A checksum is right when the sum over everything that it covers, itself included, is all ones.
func TestChecksums(t *testing.T) {
	for _, p := range pairs() {
		src, dst := p[0], p[1]
		for _, size := range []int{0, 1, 100, 1471} {
			d := udp(src, dst, slices.Repeat([]byte{0xab}, size))
			if got := sum(pseudo(src.Addr(), dst.Addr(), unix.IPPROTO_UDP, len(d)), d); got != 0xffff {
				t.Errorf("UDP of %d bytes from %s: sum %#x", size, src, got)
			}
		}
		s := syn(src, dst, 12345)
		if got := sum(pseudo(src.Addr(), dst.Addr(), unix.IPPROTO_TCP, len(s)), s); got != 0xffff {
			t.Errorf("SYN from %s: sum %#x", src, got)
		}
	}
	h := ip4(pairs()[0][0].Addr(), pairs()[0][1].Addr(), 17, part{3, 1480, true}, nil)
	if got := sum(h); got != 0xffff {
		t.Errorf("IPv4 header: sum %#x", got)
	}
}

func TestDNS(t *testing.T) {
	for _, kind := range []uint16{typeA, typeAAAA} {
		q := question(7, "www.example.com", kind)
		if len(q) != 12+17+4 {
			t.Errorf("a question of %d bytes", len(q))
		}
		a := answer(q)
		want := len(q) + 12 + map[uint16]int{typeA: 4, typeAAAA: 16}[kind]
		if len(a) != want || be.Uint16(a) != 7 || a[2]&0x80 == 0 || be.Uint16(a[6:]) != 1 {
			t.Errorf("answer %x", a)
		}
		if answer(a) != nil {
			t.Error("an answer was answered")
		}
		for n := range q {
			if got := answer(q[:n]); got != nil {
				t.Errorf("%d bytes of a question were answered: %x", n, got)
			}
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(question(1, "example.com", typeA))
	f.Add([]byte{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63})
	f.Fuzz(func(t *testing.T, b []byte) {
		if a := answer(b); a != nil && be.Uint16(a) != be.Uint16(b) {
			t.Error("the answer has another id")
		}
	})
}

func TestEnvironmentIsThatOfTheLabsOperator(t *testing.T) {
	got := environment([]string{"TERM=xterm", "SSH_CONNECTION=10.0.0.1 1 10.0.0.2 22", "HOOKTOP_LAB=1", "SSH_CLIENT=x", "HOOKTOP_LABEL=kept"}, 4711)
	want := []string{"HOOKTOP_LAB=4711", "SSH_CONNECTION=198.51.100.8 50022 192.0.2.1 22", "SSH_CLIENT=198.51.100.8 50022 22", "TERM=xterm", "HOOKTOP_LABEL=kept"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestInsideIsNotBelieved(t *testing.T) {
	for _, v := range []string{"", "1", "yes", "4026531840x"} {
		t.Setenv(envNamespace, v)
		if Inside() {
			t.Errorf("%s=%q is taken for the lab", envNamespace, v)
		}
	}
}

// The lab is never built around devices that exist.
func TestBuildRefusesANamespaceInUse(t *testing.T) {
	if l, err := Build(t.Context()); err == nil || l != nil { // outside: this is the machine's own namespace
		t.Fatalf("%v, %v", l, err)
	}
	a, b := ktest.NewNS(t), ktest.NewNS(t)
	h, err := nl.At(a.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := onlyLoopback(h); err != nil {
		t.Errorf("an empty namespace: %v", err)
	}
	if !fallback(snap.Link{Name: "tunl0", Kind: "ipip"}) || fallback(snap.Link{Name: "tunl0", Kind: "ipip", Up: true}) || fallback(snap.Link{Name: "eth0"}) {
		t.Error("the tunnel device that a namespace is born with counts as use, or one in use does not")
	}
	ktest.Veth(t, a, "eth0", b, "eth0")
	if err := onlyLoopback(h); err == nil || !strings.Contains(err.Error(), `"eth0"`) {
		t.Errorf("a namespace in use: %v", err)
	}
}

func TestRunRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{nil, {"pirate"}, {"wan", "lan"}} {
		if err := Run(args, strings.NewReader(""), nil); err == nil {
			t.Errorf("%q was taken for a role", args)
		}
	}
}
