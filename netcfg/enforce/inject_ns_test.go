// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/bpf/kern"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// Ports whose datagrams every policy of the test lets pass, and denies, and those about which the two policies differ.
const (
	portAlways, portNever, portFirst, portSecond = 4001, 4002, 4003, 4004
)

// policyOf is one of two policies that have nothing in common but what they make of portAlways and portNever: rules of the one
// with the default of the other would pass what both deny, or deny what both pass.
func policyOf(n int) string {
	if n%2 == 0 {
		return fmt.Sprintf("default in allow\ndeny in udp to any port %d\ndeny in udp to any port %d\n"+
			"deny in udp to any port 9 expires 1h\n", portSecond, portNever)
	}
	return fmt.Sprintf("default in deny\nallow in udp to any port %d\nallow in udp to any port %d\nallow in udp established\n", portAlways, portSecond)
}

// stream sends datagrams to a port here and counts what arrives.
type stream struct {
	out           net.Conn
	sent, arrived atomic.Uint64
}

func newStream(t *testing.T, b *bench, port int) *stream {
	t.Helper()
	s := &stream{}
	addr := fmt.Sprintf("10.9.0.1:%d", port)
	in := b.listen(addr)
	ktest.LargeBuffer(t, in)
	go func() { // ends with the socket
		var buf [16]byte
		for {
			if _, err := in.Read(buf[:]); err != nil {
				return
			}
			s.arrived.Add(1)
		}
	}()
	b.desk.Do(t, func() (err error) { s.out, err = net.Dial("udp4", addr); return err })
	t.Cleanup(func() { s.out.Close() })
	return s
}

// send sends one; a port that was refused once says so, and is open again.
func (s *stream) send() {
	if _, err := s.out.Write([]byte("hello")); err == nil {
		s.sent.Add(1)
	}
}

// wait waits until everything that was sent has arrived.
func (s *stream) wait(t *testing.T) {
	t.Helper()
	late := time.After(ktest.Patience)
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for s.arrived.Load() < s.sent.Load() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("%d of %d datagrams arrived that both policies let pass", s.arrived.Load(), s.sent.Load())
		}
	}
}

// faulty is a service on a pipeline that is attached to v0, whose calls into the kernel can be made to fail.
type faulty struct {
	t             *testing.T
	s             *Service
	faults        *ktest.Faults
	always, never *stream
	differ        [2]*stream
	now           int // the policy that is kept
}

func newFaulty(t *testing.T) *faulty {
	b := &bench{t: t, desk: ktest.NewNS(t), here: ktest.OpenNS(t, "/proc/self/ns/net")}
	b.join("v0", "10.9.0")
	p, err := kern.Open(kern.Options{Flows: 1024})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	dev := kern.Device{Index: b.here.Index(t, "v0"), Name: "v0", Slot: 1}
	for _, egress := range []bool{false, true} {
		if _, err := p.AttachTCX(dev, map[bool]kern.Hook{false: kern.TCIngress, true: kern.TCEgress}[egress]); err != nil {
			t.Fatal(err)
		}
	}
	f := &faulty{t: t}
	dir := t.TempDir()
	if f.s, err = New(Options{Host: "gate", Audit: filepath.Join(dir, "audit"), Draft: filepath.Join(dir, "draft")}); err != nil {
		t.Fatal(err)
	}
	if err := f.s.Begin(&kernPlane{p}, func(snap.Severity, string) {}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.s.End(); err != nil {
			t.Error(err)
		}
	})
	f.s.Look(World{Devices: map[string]uint16{"v0": 1}})
	f.always, f.never = newStream(t, b, portAlways), newStream(t, b, portNever)
	f.differ = [2]*stream{newStream(t, b, portFirst), newStream(t, b, portSecond)}
	f.faults = ktest.CatchCalls(t)
	return f
}

// change brings in the other policy, and keeps it or takes it back. The answers say what failed; what does not depend on it is
// done all the same.
func (f *faulty) change(keep bool) error {
	base := f.s.View(false).Kept
	text := policyOf(f.now + 1)
	answers := []snap.Answer{f.s.Stage(snap.PolicyWish{Text: text, Base: base}, nil), f.s.Commit(snap.PolicyWish{Base: base, Host: "gate"})}
	f.s.Count()
	answers = append(answers, f.s.Extend(30*time.Second))
	if keep {
		answers = append(answers, f.s.Keep(""))
	} else {
		answers = append(answers, f.s.Restore())
	}
	var errs []error
	for _, a := range answers {
		if a.Err != "" {
			errs = append(errs, errors.New(a.Err))
		}
	}
	return errors.Join(errs...)
}

// settle ends what a failure has left on trial, and holds the service's word against the kernel's, and against packets.
func (f *faulty) settle(what string) {
	t := f.t
	t.Helper()
	if v := f.s.View(false); v.Trial.Gen != 0 {
		if a := f.s.Restore(); a.Err != "" {
			t.Fatalf("%s: the trial can't be taken back: %s", what, a.Err)
		}
	}
	f.s.mu.Lock()
	kept := f.s.kept
	words := f.s.plane.State()
	f.s.mu.Unlock()
	if len(words) != 1 || words[0].Gen != kept.gen || words[0].Kept != kept.gen {
		t.Fatalf("%s: generation %d is kept, and the kernel has %+v", what, kept.gen, words)
	}
	f.now = 0
	if strings.HasPrefix(kept.text, "default in deny") {
		f.now = 1
	}
	yes, no := f.differ[f.now], f.differ[1-f.now]
	before := no.arrived.Load()
	no.send()
	yes.sent.Store(yes.arrived.Load()) // of what it sent before, some was denied
	yes.send()
	yes.wait(t)
	if no.arrived.Load() != before || f.never.arrived.Load() > 0 {
		t.Fatalf("%s: datagrams got in that the kept policy denies", what)
	}
}

// flow sends datagrams that both policies let pass, and that both deny, until it is told to stop.
func (f *faulty) flow() (stop func()) {
	quit := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for tick := time.NewTicker(200 * time.Microsecond); ; {
			select {
			case <-tick.C:
				f.always.send()
				f.never.send()
			case <-quit:
				tick.Stop()
				return
			}
		}
	})
	return sync.OnceFunc(func() { close(quit); all.Wait() })
}

// Each call into the kernel that a change makes fails once, in each of four ways, while packets flow: none is judged by anything but
// the old policy or the new one, and the service knows which it is.
func TestEveryCallOfAChangeMayFail(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	f := newFaulty(t)
	f.now = 1
	if err := f.change(true); err != nil { // from no policy at all
		t.Fatal(err)
	}
	f.settle("the first policy")
	stop := f.flow()
	defer stop()
	changes, failed := 0, 0
	for _, keep := range []bool{false, true} {
		for _, errno := range []unix.Errno{unix.EINTR, unix.ENOMEM, unix.E2BIG, unix.EPERM} {
			for n := 1; ; n++ {
				what := fmt.Sprintf("keep %v, call %d, %v", keep, n, errno)
				f.faults.Arm(n, errno)
				err := f.change(keep)
				calls, hit := f.faults.Disarm()
				if !hit && err != nil {
					t.Fatalf("%s: nothing was made to fail, and it says %v", what, err)
				}
				if err != nil {
					failed++
				}
				f.settle(what)
				if changes++; !hit {
					t.Logf("keep %v, %v: %d calls", keep, errno, calls)
					break
				}
			}
		}
	}
	stop()
	f.always.wait(t)
	t.Logf("%d changes, %d of them failed; %d datagrams that pass arrived, of %d that are denied %d did", changes, failed, f.always.arrived.Load(),
		f.never.sent.Load(), f.never.arrived.Load())
}
