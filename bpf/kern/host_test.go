// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// configHZ reads CONFIG_HZ where the kernel shows its configuration.
func configHZ(t *testing.T) int {
	t.Helper()
	f, err := os.Open("/proc/config.gz")
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	hz := 0
	for s := bufio.NewScanner(z); s.Scan(); {
		if strings.HasPrefix(s.Text(), "CONFIG_HZ=") {
			if _, err := fmt.Sscanf(s.Text(), "CONFIG_HZ=%d", &hz); err != nil {
				t.Fatal(err)
			}
		}
	}
	return hz
}

func TestClock(t *testing.T) {
	p := openPipeline(t, Options{Flows: 16})
	c := p.Clock()
	if want := configHZ(t); want != 0 && c.HZ != want {
		t.Errorf("HZ is said to be %d, and is configured as %d", c.HZ, want)
	}
	prog := loadFor(t, p, 1, XDPGeneric)
	run(t, prog, udpFrame(1, 64), false)
	p.Table().Scan(func(e *Entry) bool {
		if ago := p.Clock().Ago(e.Last()); ago > 5*time.Second {
			t.Errorf("the packet was seen %v ago", ago)
		}
		return true
	})
}

func TestClockAgo(t *testing.T) {
	c := Clock{Jiffies: 100, HZ: 250}
	for last, want := range map[uint32]time.Duration{
		100: 0, 75: 100 * time.Millisecond,
		101: 0, 100 + 1000: 0, // read after the clock
		1<<32 - 150: time.Second, // the low 32 bits wrapped
	} {
		if got := c.Ago(last); got != want {
			t.Errorf("%d: %v ago, want %v", last, got, want)
		}
	}
}

// The rate is that at which the clock really moves: ticks against the monotonic clock, between two looks that were not interrupted
// for long, and a few ticks that a host which runs this one may hold back.
func TestTheClockMovesAtItsRate(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	look := func() (ticks uint32, before, after time.Time) {
		before = time.Now()
		ticks = p.Clock().Jiffies
		return ticks, before, time.Now()
	}
	const held = 10
	first, before, after := look()
	late := time.After(time.Minute)
	for again := time.NewTicker(50 * time.Millisecond); ; {
		select {
		case <-again.C:
		case <-late:
			t.Fatal("the clock stands still")
		}
		last, began, ended := look()
		n := float64(last - first)
		if n < 20*held {
			continue
		}
		low, high := (n-held)/ended.Sub(before).Seconds(), (n+held)/began.Sub(after).Seconds()
		if hz := float64(p.hz); hz < low || hz > high {
			t.Errorf("HZ is said to be %d, and the clock moves at %.0f to %.0f", p.hz, low, high)
		}
		again.Stop()
		return
	}
}
