// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"math/bits"
	"testing"
	"time"

	"hooktop/bpf/kern"
	"hooktop/probes/flows"
	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	flowstab "hooktop/ui/tabs/flows"
	"hooktop/ui/uitest"
)

// realTable is the kernel's flow table as a source of flows; all of it is read each time, as when new flows come.
type realTable struct{ *kern.FlowTable }

func (r realTable) Scan(known func(slot uint32, print uint64) bool, yield func(*flows.Sample) bool) {
	var out flows.Sample
	r.ScanChanged(func(slot int, print uint64) bool { return known(uint32(slot), print) }, func(slot int, e *kern.Entry) bool {
		out = flows.Sample{Slot: uint32(slot), Key: flows.RawKey(e.Raw()), Packets: uint32(e.Packets()), Bytes: e.Bytes(), Path: e.Path(), Gen: e.Gen(), Last: e.Last(), Print: r.Print(e)}
		return yield(&out)
	})
}
func (realTable) Folded() ([]flows.DeviceCount, error) { return nil, nil }
func (realTable) Since(uint32) time.Duration           { return 0 }

// measureFrames is how long the way from the kernel's table to the screen's lines takes, with ever more flows in it.
func measureFrames(t *testing.T, r *Report) {
	pin(t)
	curve := Curve{Name: "frames", Title: "From the flow table to the screen", X: "flows", Y: "ms"}
	for _, n := range []int{1000, 10_000, 100_000, 1_000_000} {
		collect, idle, answer, draw := framesOf(t, n, 7)
		curve.Add("collect, each flow moved", At(float64(n), collect))
		curve.Add("collect, nothing moved", At(float64(n), idle))
		curve.Add("rank and answer", At(float64(n), answer))
		curve.Add("draw 200x60", At(float64(n), draw))
	}
	r.Curves = append(r.Curves, curve)
}

func ms(from time.Time) float64 { return float64(time.Since(from).Microseconds()) / 1000 }

// framesOf times, each round after a packet of every flow: reading the table, reading it again, ranking for a screen, and drawing it.
func framesOf(t *testing.T, n, rounds int) (collect, idle, answer, draw []float64) {
	t.Helper()
	const width, height, tick = 200, 60, 500 * time.Millisecond
	slots := slotsPerFlow << bits.Len(uint(n-1))
	col := plane(t, 1<<20, slots)
	table, err := kern.MapTable(col.Maps["ht_flows"], slots/8)
	if err != nil {
		t.Fatal(err)
	}
	defer col.Close()
	defer func() { _ = table.Unmap() }()
	store := flows.New(realTable{table}, flows.Options{})
	env, clock := uitest.Env(t, "dark", themes.TrueColor, false)
	tab := flowstab.New(env)
	now := time.Now()
	look := func() float64 {
		now = now.Add(tick)
		from := time.Now()
		if err := store.Collect(now); err != nil {
			t.Fatal(err)
		}
		return ms(from)
	}
	for i := range uint64(rounds + 3) {
		if err := col.Variables["turn"].Set(uint32(0)); err != nil {
			t.Fatal(err)
		}
		perPacket(t, col.Programs["ours_each"], udp4(), n)
		moved, still := look(), look()
		clock.Pass(2 * tick)
		var q snap.Query
		tab.Query(&q)
		from := time.Now()
		view := store.Answer(now.Add(time.Duration(i)*flows.RankEvery), q.Flows, nil) // ranked anew each time
		answered := ms(from)
		f := &snap.Frame{Seq: i + 1, At: clock.Now(), Host: "bench", Started: true, Interfaces: []snap.Interface{{Name: "eth0", Slot: 1, Mode: "generic", Up: true}},
			Totals: store.Totals(), Flows: view}
		from = time.Now()
		tab.Update(core.FrameMsg{Frame: f})
		lines := tab.View(width, height)
		drawn := ms(from)
		if i < 3 { // the first fill what later ones find
			continue
		}
		if have := store.Totals().Flows; have < n*99/100 || len(lines) < height-2 || len(view.Rows) == 0 {
			t.Fatalf("%d flows of %d, %d rows, %d lines", have, n, len(view.Rows), len(lines))
		}
		collect, idle, answer, draw = append(collect, moved), append(idle, still), append(answer, answered), append(draw, drawn)
	}
	return collect, idle, answer, draw
}
