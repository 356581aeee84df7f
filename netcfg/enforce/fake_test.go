// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// fakePlane is a data plane that decides nothing: it keeps words as the kernel does, by its own clock.
type fakePlane struct {
	mu          sync.Mutex
	now         func() time.Time
	written     map[uint32]acl.Policy
	counts      map[uint32]Counts
	last        uint32
	trial, kept uint32
	slots       []uint16 // of the trial, nil: all
	deadline    time.Time
	bare        bool // no device
	noted       []Tuple
	priced      []int                           // packets that each measurement was made with
	fail        map[string]error                // by method
	lie         func(acl.Packet, *acl.Decision) // a broken compiler
	meanwhile   func()                          // in Write
}

func (f *fakePlane) Write(p *acl.Policy, _ map[string]uint16, _ time.Time) (uint32, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail["write"]; err != nil {
		return 0, err
	}
	f.last++
	f.written[f.last] = *p
	if f.meanwhile != nil {
		f.meanwhile()
	}
	return f.last, nil
}

func (f *fakePlane) Try(gen uint32, slots []uint16, lease time.Duration) error {
	if err := f.fail["try"]; err != nil {
		return err
	}
	f.trial, f.slots, f.deadline = gen, slots, f.now().Add(lease)
	return nil
}

func (f *fakePlane) over() bool { return f.trial == f.kept || !f.now().Before(f.deadline) }

func (f *fakePlane) Extend(lease time.Duration) error {
	if err := f.fail["extend"]; err != nil {
		return err
	}
	if f.over() {
		return ErrLeaseOver
	}
	f.deadline = f.now().Add(lease)
	return nil
}

func (f *fakePlane) Keep(gen uint32) error {
	if err := f.fail["keep"]; err != nil {
		return err
	}
	if f.trial != gen || f.over() {
		return ErrLeaseOver
	}
	f.kept = gen
	return nil
}

func (f *fakePlane) Restore() error {
	if err := f.fail["restore"]; err != nil {
		return err
	}
	f.trial = f.kept
	return nil
}

func (f *fakePlane) Swap(old, next uint32) error {
	if f.trial == old {
		f.trial = next
	}
	if f.kept == old {
		f.kept = next
	}
	return nil
}

func (f *fakePlane) State() []Word {
	if f.bare {
		return nil
	}
	var out []Word
	for slot := range uint16(2) {
		w := Word{Slot: slot + 1, Gen: f.kept, Kept: f.kept}
		if !f.over() && (f.slots == nil || slices.Contains(f.slots, w.Slot)) {
			w.Gen, w.Lease = f.trial, f.deadline.Sub(f.now())
		}
		out = append(out, w)
	}
	return out
}

func (f *fakePlane) Counts(gen uint32) (Counts, error) {
	c, ok := f.counts[gen]
	if !ok {
		return Counts{}, errors.New("no such generation")
	}
	return c, nil
}

func (f *fakePlane) Legs(uint32) ([]LegCount, error) { return nil, nil }

func (f *fakePlane) Judge(gen uint32, list []acl.Packet, _ map[string]uint16) ([]acl.Decision, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail["judge"]; err != nil {
		return nil, err
	}
	p, ok := f.written[gen]
	if !ok {
		return nil, errors.New("no such generation")
	}
	out := make([]acl.Decision, len(list))
	for i, k := range list {
		out[i] = acl.Evaluate(&p, k, acl.NewState(f.now()))
		if f.lie != nil {
			f.lie(k, &out[i])
		}
	}
	return out, nil
}

func (f *fakePlane) Note(list []Tuple) (int, error) {
	f.noted = append(f.noted, list...)
	return max(0, len(f.noted)-100), f.fail["note"]
}

func (f *fakePlane) Price(gen uint32, list []acl.Packet, _ map[string]uint16) (float64, error) {
	f.priced = append(f.priced, len(list))
	if err := f.fail["price"]; err != nil {
		return 0, err
	}
	first := 0.0
	if len(f.priced) <= 2 {
		first = 50 // cold caches
	}
	return float64(100+gen) + first, nil
}

func (f *fakePlane) What(uint32, uint16) (acl.By, int, bool) { return 0, 0, false }

// decides says what decides now on the device in slot 1, where no canary is.
func (f *fakePlane) decides() uint32 { return f.State()[0].Gen }

// rig is a service on a made-up plane, with a clock of its own.
type rig struct {
	t       *testing.T
	dir     string
	clock   time.Time
	plane   *fakePlane
	s       *Service
	mu      sync.Mutex // of notices: who removes rules and routes tells on a goroutine of its own
	notices []string
	health  snap.Health // of the last look
	opt     Options
}

func newRig(t *testing.T, change func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), clock: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	r.opt = Options{
		Host: "gate", State: filepath.Join(r.dir, "state"), Draft: filepath.Join(r.dir, "state", "draft"),
		Audit: filepath.Join(r.dir, "state", "audit.jsonl"),
		Door:  filepath.Join(r.dir, "door"), Now: func() time.Time { return r.clock },
	}
	if change != nil {
		change(&r.opt)
	}
	r.start()
	return r
}

func (r *rig) start() {
	r.t.Helper()
	r.plane = &fakePlane{now: r.opt.Now, written: map[uint32]acl.Policy{}, counts: map[uint32]Counts{}, fail: map[string]error{}}
	s, err := New(r.opt)
	if err != nil {
		r.t.Fatal(err)
	}
	r.s = s
	if err := s.Begin(r.plane, func(_ snap.Severity, text string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.notices = append(r.notices, text)
	}); err != nil {
		r.t.Fatal(err)
	}
	s.Look(World{})
	r.t.Cleanup(func() {
		if !s.ended {
			if err := s.End(); err != nil {
				r.t.Error(err)
			}
		}
	})
}

func (r *rig) pass(d time.Duration) { r.clock = r.clock.Add(d) }

func (r *rig) good(a snap.Answer) snap.Answer {
	r.t.Helper()
	if a.Err != "" {
		r.t.Fatalf("refused: %s", a.Err)
	}
	return a
}

func (r *rig) bad(a snap.Answer, words string) {
	r.t.Helper()
	if !strings.Contains(a.Err, words) {
		r.t.Fatalf("answer %+v, want an error with %q", a, words)
	}
}

func (r *rig) stage(text string) {
	r.t.Helper()
	r.good(r.s.Stage(snap.PolicyWish{Text: text, Base: r.s.kept.id}, nil))
}

func (r *rig) commit(text string) {
	r.t.Helper()
	r.stage(text)
	r.good(r.s.Commit(snap.PolicyWish{Base: r.s.kept.id}))
}

// ssh is a way in.
func ssh(peer string, port uint16) acl.WayIn {
	return acl.WayIn{
		Proto: acl.TCP, Local: netip.MustParseAddr("10.0.0.1"), Peer: netip.MustParseAddr(peer), Port: 22, PeerPort: port,
		Name: "ssh " + peer,
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
