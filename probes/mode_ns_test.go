// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"net"
	"sync"
	"testing"
	"time"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// TestModeChangesUnderTrafficLoseAndDoubleNothing sends without pause while the ingress goes through all modes and back,
// and compares what was counted with what was sent.
func TestModeChangesUnderTrafficLoseAndDoubleNothing(t *testing.T) {
	for _, noTCX := range []bool{false, true} {
		r := newGround(t)
		r.start(Config{NoTCX: noTCX})
		stop, sent := send(t, r.peer.UDPSocket(t, there+":0"), r.ns.UDPSocket(t, here+":5001"))
		for _, step := range []struct{ ask, want string }{
			{"generic", "generic"}, {"tc", "tc"}, {"native", "native"}, {"tc", "tc"}, {"native", "native"},
			{"generic", "generic"}, {"auto", "tc"}, {"native", "native"}, {"auto", "tc"},
		} {
			a := r.engine.Do(t.Context(), snap.Intent{Kind: snap.SetMode, Target: "v0", Arg: step.ask})
			if a.Err != "" {
				t.Fatalf("to %s: %s", step.ask, a.Err)
			}
			if d := iface(r.all(), "v0"); d.Mode != step.want {
				t.Errorf("asked for %s, is %s: %s", step.ask, d.Mode, a.Text)
			}
		}
		stop()
		n := <-sent
		r.until("everything sent", func(*snap.Frame) bool { return packets(r.all(), 5001, false, "v0") >= n })
		if got := packets(r.all(), 5001, false, "v0"); got != n {
			t.Errorf("no tcx %v: counted %d of %d packets", noTCX, got, n)
		}
		t.Logf("no tcx %v: %d packets over nine changes", noTCX, n)
	}
}

// underWay is how many datagrams may be on their way: more than the CPU's backlog or a veth's ring holds would be lost before any program
// sees them, once the receiving side waits for its CPU.
const underWay = 64

// send sends until it is told to stop, and says then how many datagrams it were. All of them arrive.
func send(t *testing.T, from, to *net.UDPConn) (stop func(), sent chan uint64) {
	ktest.LargeBuffer(t, to)
	done, ended := make(chan struct{}), make(chan struct{})
	stop = sync.OnceFunc(func() { close(done) })
	t.Cleanup(func() { stop(); <-ended })
	sent = make(chan uint64, 1)
	arrived := make(chan struct{}, underWay)
	go func() { // ends with the socket
		var buf [128]byte
		for {
			if _, _, err := to.ReadFromUDPAddrPort(buf[:]); err != nil {
				return
			}
			arrived <- struct{}{}
		}
	}()
	dst := to.LocalAddr().(*net.UDPAddr).AddrPort()
	go func() {
		var n, there uint64
		defer close(ended)
		defer func() { sent <- n }()
		payload := make([]byte, 64)
		for {
			late := time.NewTimer(ktest.Patience)
			for n-there == underWay {
				select {
				case <-arrived:
					there++
				case <-late.C:
					t.Errorf("%d of %d datagrams arrived", there, n)
					return
				}
			}
			late.Stop()
			select {
			case <-done:
				return
			default:
			}
			if _, err := from.WriteToUDPAddrPort(payload, dst); err != nil {
				t.Errorf("send: %v", err)
				return
			}
			n++
		}
	}()
	return stop, sent
}

func TestUnknownModeAndDevice(t *testing.T) {
	r := newGround(t)
	r.start(Config{})
	for _, in := range []snap.Intent{
		{Kind: snap.SetMode, Target: "v0", Arg: "warp"}, {Kind: snap.SetMode, Target: "nope", Arg: "tc"},
		{Kind: snap.WatchInterface, Target: "nope"}, {Kind: snap.UnwatchInterface, Target: "nope"}, {Kind: "dance"},
	} {
		if a := r.engine.Do(t.Context(), in); a.Err == "" {
			t.Errorf("%+v: %+v", in, a)
		}
	}
	if a := r.engine.Do(t.Context(), snap.Intent{Kind: snap.UnwatchInterface, Target: "v0"}); a.Err != "" {
		t.Errorf("unwatch: %s", a.Err)
	}
	if f := r.all(); iface(f, "v0") != nil {
		t.Error("v0 is still watched")
	}
	if a := r.engine.Do(t.Context(), snap.Intent{Kind: snap.WatchInterface, Target: "v0"}); a.Err != "" || iface(r.all(), "v0") == nil {
		t.Errorf("watch again: %+v", a)
	}
}

// The kernel lets a device's name hold escape sequences. Frames show it cleaned, and that is what a screen gives back.
func TestADeviceIsFoundByTheNameThatIsShown(t *testing.T) {
	r := newGround(t)
	const name = "w\x1b[31m"
	r.veth(name, "10.6.0.1/24", "10.6.0.2/24")
	t.Cleanup(func() { r.ns.Del(t, name) })
	r.start(Config{})
	const shown = `w\x1b[31m`
	if iface(r.all(), shown) == nil {
		t.Fatalf("%s is not watched", shown)
	}
	for _, in := range []snap.Intent{
		{Kind: snap.SetMode, Target: shown, Arg: "tc"}, {Kind: snap.UnwatchInterface, Target: shown},
		{Kind: snap.WatchInterface, Target: shown}, {Kind: snap.UnwatchInterface, Target: shown},
	} {
		a := r.engine.Do(t.Context(), in)
		watched := iface(r.all(), shown) != nil
		if a.Err != "" || watched == (in.Kind == snap.UnwatchInterface) {
			t.Errorf("%+v: %+v; watched %v", in, a, watched)
		}
	}
}
