// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
	"hooktop/probes/trace/functions"
)

// ground is two namespaces joined by a veth, far from everybody's traffic.
type ground struct {
	here, there *ktest.NS
	cat         *functions.Catalog
}

const (
	hereAddr  = "10.97.0.1"
	thereAddr = "10.97.0.2"
)

func newGround(t *testing.T) *ground {
	t.Helper()
	if _, err := exec.LookPath("bpftool"); err == nil { // a bare guest has no commands to list its state with
		ktest.HostState(t)
	}
	cat, err := functions.Load(functions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := &ground{here: ktest.NewNS(t), there: ktest.NewNS(t), cat: cat}
	ktest.Veth(t, g.here, "v0", g.there, "v1")
	g.here.Addr(t, "v0", hereAddr+"/24")
	g.there.Addr(t, "v1", thereAddr+"/24")
	return g
}

// run starts a session and returns it when it is attached. It ends with the test at the latest.
func (g *ground) run(t *testing.T, spec snap.TraceSpec) (s *Session, end func() (snap.TraceSession, []snap.TraceEvent)) {
	t.Helper()
	var events []snap.TraceEvent
	s = New(g.cat, spec, func(e *snap.TraceEvent) error { events = append(events, *e); return nil })
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ended := false
	end = func() (snap.TraceSession, []snap.TraceEvent) {
		t.Helper()
		if !ended {
			ended = true
			s.Stop("told to")
			if err := <-done; err != nil {
				t.Errorf("run: %v", err)
			}
			cancel()
		}
		return s.State(), events
	}
	t.Cleanup(func() { end() })
	waitFor(t, "the trace", func() bool { return s.State().State != snap.TraceAttaching })
	if st := s.State(); st.State != snap.Tracing {
		t.Fatalf("%v: %s", st.State, st.Why)
	}
	return s, end
}

// waitFor looks again and again until what the kernel does beside the test has happened.
func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	late, again := time.After(60*time.Second), time.NewTicker(2*time.Millisecond)
	defer again.Stop()
	for !happened() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("waited 60 s for %s", what)
		}
	}
}

// show prints events as an operator would read them.
func show(t *testing.T, events []snap.TraceEvent) {
	t.Helper()
	var b strings.Builder
	for i := range events {
		e := &events[i]
		dir := ""
		if e.Return {
			dir = " returned"
		}
		if e.Clone {
			dir += " clone"
		}
		if e.Drop {
			dir += " drop " + e.Reason
		}
		fmt.Fprintf(&b, "\n%9v pkt %d skb %x cpu %d %s %s len %d proto %d %v:%d > %v:%d %s(%d)%s %s", time.Duration(e.AtNs-events[0].AtNs), e.Packet,
			e.SKB&0xffffff, e.CPU, e.Func, e.Dev, e.Len, e.Key.Proto, e.Key.Src, e.Key.SPort, e.Key.Dst, e.Key.DPort, e.Comm, e.PID, dir, e.Args)
	}
	t.Log(b.String())
}

// ping sends one echo request from here.
func (g *ground) ping(t *testing.T) {
	t.Helper()
	g.here.Do(t, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		request := []byte{8, 0, 0, 0, 0x12, 0x34, 0, 1, 'h', 'o', 'o', 'k', 't', 'o', 'p', '.'}
		var sum uint32
		for i := 0; i < len(request); i += 2 {
			sum += uint32(request[i])<<8 | uint32(request[i+1])
		}
		sum = ^(sum>>16 + sum&0xffff)
		request[2], request[3] = byte(sum>>8), byte(sum)
		to := netip.MustParseAddr(thereAddr).As4()
		if err := unix.Sendto(fd, request, 0, &unix.SockaddrInet4{Addr: to}); err != nil {
			return err
		}
		var reply [256]byte
		_, err = unix.Read(fd, reply[:])
		return err
	})
}

func TestAPingsJourney(t *testing.T) {
	g := newGround(t)
	g.ping(t) // neighbours know each other now
	s, end := g.run(t, snap.TraceSpec{Pattern: snap.JourneyPreset, Filter: "icmp host " + thereAddr})
	g.ping(t)
	waitFor(t, "both packets", func() bool { return s.State().Packets >= 2 })
	st, events := end()
	show(t, events)
	t.Logf("%+v", st)
}

func TestATCPConnectsJourney(t *testing.T) {
	g := newGround(t)
	g.ping(t)
	g.there.ListenTCP(t, thereAddr+":8080")
	s, end := g.run(t, snap.TraceSpec{Pattern: snap.JourneyPreset, Filter: "tcp port 8080"})
	g.here.DialTCP(t, "", thereAddr+":8080")
	waitFor(t, "the handshake", func() bool { return s.State().Packets >= 3 })
	st, events := end()
	show(t, events)
	t.Logf("%+v", st)
}

func TestADropHasItsReason(t *testing.T) {
	g := newGround(t)
	s, end := g.run(t, snap.TraceSpec{Pattern: "@drops", Filter: "udp dst host " + thereAddr + " port 4242"})
	g.here.SendUDP(t, hereAddr+":0", thereAddr+":4242", []byte("nobody listens"), 3)
	waitFor(t, "three drops", func() bool { return s.State().Events >= 3 })
	st, events := end()
	show(t, events)
	t.Logf("%+v", st)
}
