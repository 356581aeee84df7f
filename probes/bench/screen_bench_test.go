// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func splitComma(s string) []string { return strings.Split(s, ",") }

const look = 10 * time.Second // a window of counting

// dashboard starts the child with a synthetic engine.
func dashboard(t *testing.T, cols, rows, flows int, hz float64, cost, motion string) *meter {
	t.Helper()
	m := startMeter(t, cols, rows, []string{fmt.Sprintf("HOOKTOP_BENCH_CHILD=%d,%g,%s,%s", flows, hz, cost, motion)}, os.Args[0])
	m.until("flows", func() bool { return strings.Contains(m.emu.String(), ":443") })
	m.window(3 * time.Second) // the first frames, the ring of made frames
	return m
}

func measureBytes(t *testing.T, r *Report) {
	const every = "0.5 s"
	peers := []struct {
		name    string
		command []string
		goal    float64
	}{{"htop", []string{"htop", "-d", "5"}, 1.3}, {"btop", btop(t, "update_ms = 500\n"), 0.15}}
	for _, size := range []struct{ cols, rows int }{{80, 24}, {200, 60}} {
		var ours []float64
		theirs := make([][]float64, len(peers))
		for range 3 {
			m := dashboard(t, size.cols, size.rows, 100_000, 2, "full", "moving")
			ours = append(ours, m.window(look).bytesPerSec)
			m.close()
			for i, peer := range peers {
				p := startMeter(t, size.cols, size.rows, nil, peer.command[0], peer.command[1:]...)
				p.window(3 * time.Second)
				theirs[i] = append(theirs[i], p.window(look).bytesPerSec)
				p.close()
			}
		}
		for i, peer := range peers {
			r.Rows = append(r.Rows, FromRounds("S15", fmt.Sprintf("bytes/s to the terminal at 2 Hz, 100k flows, %dx%d / %s at %s", size.cols, size.rows, peer.name, every), "x",
				AtMost(peer.goal), Ratios(ours, theirs[i]), fmt.Sprintf("hooktop %.0f B/s, %s %.0f B/s", Median(ours), peer.name, Median(theirs[i]))))
		}
	}
}

// btop 1.2 (Debian 12) takes no path to its configuration: it reads HOME.
func btop(t *testing.T, conf string) []string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "btop")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "btop.conf"), []byte(conf), 0o600)); err != nil {
		t.Fatal(err)
	}
	return []string{"env", "XDG_CONFIG_HOME=" + filepath.Dir(dir), "btop"}
}

// measureRanked compares a view that follows the ranking with one whose order is held.
func measureRanked(t *testing.T, r *Report) {
	var ratios []float64
	var a, b []float64
	for range 3 {
		m := dashboard(t, 80, 24, 100_000, 2, "full", "moving")
		ranked := m.window(look).bytesPerSec
		_, _ = m.file.WriteString("o")
		m.until("order held", func() bool { return strings.Contains(m.emu.String(), "HELD") })
		held := m.window(look).bytesPerSec
		m.close()
		a, b = append(a, ranked), append(b, held)
		ratios = append(ratios, ranked/held)
	}
	r.Rows = append(r.Rows, FromRounds("S16", "bytes/s of a view ranked by rate / the same with its order held", "x", AtMost(1.5), ratios,
		fmt.Sprintf("ranked %.0f B/s, held %.0f B/s", Median(a), Median(b))))
}

func measureKeys(t *testing.T, r *Report) {
	m := dashboard(t, 80, 24, 100_000, 10, "full", "moving")
	// The cursor is on a flow: were its rank to change in the frame that moves the cursor, the mark could stand still.
	_, _ = m.file.WriteString("o")
	m.until("order held", func() bool { return strings.Contains(m.emu.String(), "HELD") })
	lat := m.keyLatency(200, ">")
	m.close()
	p50, p99 := []float64{percentile(lat, 50)}, []float64{percentile(lat, 99)}
	r.Rows = append(r.Rows,
		FromRounds("S17", "key to frame, p50 of 200 keys, 100k rows at 10 Hz", "ms", AtMost(17), p50),
		FromRounds("S17", "key to frame, p99", "ms", AtMost(34), p99))
}

func measureScreenCPU(t *testing.T, r *Report) {
	m := dashboard(t, 200, 60, 100_000, 2, "cheap", "moving")
	m.window(18 * time.Second) // until the ring of made frames is full
	var cpu []float64
	for range 3 {
		cpu = append(cpu, m.window(look).cpuPercent)
	}
	m.close()
	r.Rows = append(r.Rows, FromRounds("S18", "UI's CPU at 2 Hz, 200x60, 100k flows", "% of a core", AtMost(1), cpu))

	m = dashboard(t, 80, 24, 1000, 2, "full", "still")
	m.window(70 * time.Second) // rates, trends and ages have come to rest; the clock is on larger screens only
	still := m.window(look)
	m.close()
	r.Rows = append(r.Rows, FromRounds("S18", "bytes per second to the terminal while nothing changes, 80x24 at 2 Hz", "B", AtMost(0), []float64{still.bytesPerSec}))
}
