// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"hooktop/probes/flows"
	"hooktop/probes/snap"
	"hooktop/ui"
	"hooktop/ui/core"
	flowstab "hooktop/ui/tabs/flows"
)

// table is a flow table in memory: n flows at constant rates, of which every fifth goes up and down (UX 13: a fifth of the
// fields change at a tick).
type table struct {
	samples []flows.Sample
	rate    []float64 // packets a second
	due     []float64 // parts of packets
	rng     *rand.Rand
	at      time.Time
	still   bool
}

func newTable(n int) *table {
	t := &table{samples: make([]flows.Sample, n), rate: make([]float64, n), due: make([]float64, n), rng: rand.New(rand.NewPCG(1, 2)), at: time.Now()}
	for i := range t.samples {
		s := &t.samples[i]
		s.Slot, s.Packets, s.Bytes = uint32(i), 1, 64
		s.Key[10], s.Key[11], s.Key[26], s.Key[27] = 0xff, 0xff, 0xff, 0xff
		binary.BigEndian.PutUint32(s.Key[12:], 0x0a000000|uint32(i))
		binary.BigEndian.PutUint32(s.Key[28:], 0xc0000200|uint32(i%16))
		binary.BigEndian.PutUint16(s.Key[32:], uint16(1024+i%60000))
		binary.BigEndian.PutUint16(s.Key[34:], 443)
		s.Key[36] = 6                          // protocol, low byte of vni_proto
		s.Key[42] = 1                          // device slot
		t.rate[i] = 200_000 / (1 + float64(i)) // the usual long tail
	}
	return t
}

func (t *table) step(now time.Time) {
	dt := now.Sub(t.at).Seconds()
	t.at = now
	if t.still {
		return
	}
	for i := range t.samples {
		n := t.rate[i] * dt
		if i%5 == 0 {
			n *= 0.5 + t.rng.Float64()
		}
		t.due[i] += n
		whole := uint32(t.due[i])
		t.due[i] -= float64(whole)
		t.samples[i].Packets += whole
		t.samples[i].Bytes += uint64(whole) * 700
	}
}

func (t *table) Scan(known func(slot uint32, print uint64) bool, yield func(*flows.Sample) bool) {
	for i := range t.samples {
		t.samples[i].Print = uint64(t.samples[i].Packets) // a slot's flow stays, and all else that changes is made of it
		if !known(uint32(i), t.samples[i].Print) && !yield(&t.samples[i]) {
			return
		}
	}
}
func (t *table) Slots() int                           { return len(t.samples) }
func (t *table) Folded() ([]flows.DeviceCount, error) { return nil, nil }
func (t *table) Since(uint32) time.Duration           { return 0 }

// synthetic is an engine over such a table.
type synthetic struct {
	mu    sync.Mutex
	fresh *sync.Cond
	frame *snap.Frame
	query snap.Query
	asked chan struct{}
	hz    float64
	cheap []*snap.Frame // > 0: made before, so that only the screen costs
}

func newSynthetic(n int, hz float64, cheap, still bool) *synthetic {
	s := &synthetic{asked: make(chan struct{}, 1), hz: hz}
	s.fresh = sync.NewCond(&s.mu)
	t := newTable(n)
	store := flows.New(t, flows.Options{})
	go s.loop(t, store, cheap, still)
	return s
}

func (s *synthetic) loop(t *table, store *flows.Store, cheap, still bool) {
	tick := time.NewTicker(time.Duration(float64(time.Second) / s.hz))
	var kept []flowFrame
	for seq := uint64(1); ; seq++ {
		now := time.Now()
		s.mu.Lock()
		q := s.query.Flows
		s.mu.Unlock()
		if cheap && len(kept) == 32 {
			s.publish(seq, now, kept[seq%32])
		} else {
			t.step(now)
			_ = store.Collect(now)
			f := flowFrame{store.Answer(now, q, nil), store.Totals()}
			if cheap && len(f.view.Rows) > 0 {
				kept = append(kept, f)
			}
			s.publish(seq, now, f)
			t.still = still && seq > 8
		}
		select {
		case <-tick.C:
		case <-s.asked:
		}
	}
}

type flowFrame struct {
	view   snap.FlowsView
	totals snap.Totals
}

func (s *synthetic) publish(seq uint64, now time.Time, f flowFrame) {
	s.mu.Lock()
	s.frame = &snap.Frame{Seq: seq, At: now, Host: "bench", Started: true, State: snap.State{Hz: s.hz, Kernel: "6.18"},
		Interfaces: []snap.Interface{{Name: "eth0", Slot: 1, Mode: "generic", Up: true}}, Totals: f.totals, Flows: f.view}
	s.fresh.Broadcast()
	s.mu.Unlock()
}

func (s *synthetic) Next(ctx context.Context, seq uint64) (*snap.Frame, error) {
	stop := context.AfterFunc(ctx, func() { s.mu.Lock(); s.fresh.Broadcast(); s.mu.Unlock() })
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.frame == nil || s.frame.Seq <= seq {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.fresh.Wait()
	}
	return s.frame, nil
}

func (s *synthetic) Ask(q snap.Query) {
	s.mu.Lock()
	changed := q.Flows != s.query.Flows
	s.query = q
	s.mu.Unlock()
	if !changed {
		return
	}
	select {
	case s.asked <- struct{}{}:
	default:
	}
}

func (s *synthetic) Do(context.Context, snap.Intent) snap.Answer { return snap.Answer{} }

// child is the dashboard on a synthetic engine, in a process of its own so that its CPU and bytes are nobody else's.
// HOOKTOP_BENCH: flows, Hz, "cheap" or "full", "still" or "moving".
func child(spec [4]string) int {
	n, _ := strconv.Atoi(spec[0])
	hz, _ := strconv.ParseFloat(spec[1], 64)
	err := ui.Run(context.Background(), ui.Options{Backend: newSynthetic(n, hz, spec[2] == "cheap", spec[3] == "still"),
		Tabs: []func(*core.Env) core.Tab{flowstab.New}, Theme: "dark", In: os.Stdin, Out: os.Stdout})
	if err != nil {
		return 1
	}
	return 0
}

func TestMain(m *testing.M) {
	if s := os.Getenv("HOOKTOP_BENCH_CHILD"); s != "" {
		var spec [4]string
		copy(spec[:], splitComma(s))
		os.Exit(child(spec))
	}
	os.Exit(m.Run())
}
