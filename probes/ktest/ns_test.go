// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"io"
	"net"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// pair is two namespaces joined by a veth without offloads.
func pair(t *testing.T) (a, b *NS) {
	t.Helper()
	a, b = NewNS(t), NewNS(t)
	Veth(t, a, "a0", b, "b0")
	a.Addr(t, "a0", "192.0.2.1/24")
	b.Addr(t, "b0", "192.0.2.2/24")
	a.Addr(t, "a0", "2001:db8::1/64")
	b.Addr(t, "b0", "2001:db8::2/64")
	a.OffloadsOff(t, "a0")
	b.OffloadsOff(t, "b0")
	return a, b
}

func find(t *testing.T, flows map[snap.FlowKey]Tally, want func(snap.FlowKey) bool) Tally {
	t.Helper()
	var sum Tally
	for k, v := range flows {
		if want(k) {
			sum.Packets += v.Packets
			sum.Bytes += v.Bytes
		}
	}
	return sum
}

func TestCaptureCountsWhatWasSent(t *testing.T) {
	a, b := pair(t)
	a.NetState(t)
	for _, family := range []struct {
		from, to string
		header   uint64
	}{{"192.0.2.2:0", "192.0.2.1:9", 14 + 20 + 8}, {"[2001:db8::2]:0", "[2001:db8::1]:9", 14 + 40 + 8}} {
		in := a.UDPSocket(t, family.to)
		c := a.Capture(t, "a0")
		port := b.SendUDP(t, family.from, family.to, make([]byte, 100), 200)
		received(t, in, 200) // a capture sees a packet before its socket does
		got := find(t, c.Stop(t), func(k snap.FlowKey) bool { return k.SPort == port && k.DPort == 9 && !k.Egress })
		if want := (Tally{200, 200 * (family.header + 100)}); got != want {
			t.Errorf("to %s: captured %+v, sent %+v", family.to, got, want)
		}
	}
}

// received waits for datagrams.
func received(t *testing.T, s *net.UDPConn, n int) {
	t.Helper()
	if err := s.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := s.Read(make([]byte, 1500)); err != nil {
			t.Fatalf("after %d of %d datagrams: %v", i, n, err)
		}
	}
}

func TestCaptureSeesTagsThatTheKernelTookOff(t *testing.T) {
	a, b := pair(t)
	frame := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 7, 8, 0,
		0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 2, 192, 0, 2, 1, 0, 1, 0, 2, 0, 8, 0, 0}
	c := a.Capture(t, "a0")
	b.SendFrames(t, "b0", frame, frame, frame)
	got := find(t, c.Stop(t), func(k snap.FlowKey) bool { return k.VLAN == 5 && k.Stacked && k.SPort == 1 && k.DPort == 2 })
	if want := (Tally{3, 3 * uint64(len(frame))}); got != want {
		t.Errorf("captured %+v, sent %+v", got, want)
	}
}

func TestTCPBetweenNamespaces(t *testing.T) {
	a, b := pair(t)
	l := a.ListenTCP(t, "[2001:db8::1]:80")
	c := b.DialTCP(t, "", "[2001:db8::1]:80")
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if got, err := io.ReadAll(s); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
}
