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
	begun := time.Now()
	run(t, prog, udpFrame(1, 64), false)
	p.Table().Scan(func(e *Entry) bool {
		ago := p.Clock().Ago(e.Last())
		if most := time.Since(begun) + 5*time.Second; ago > most {
			t.Errorf("the packet was seen %v ago, at most %v", ago, most)
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
// for long, and a few ticks that a host which runs this one may hold back. It may hold back more, the CPU that moves the clock
// being another: a wrong rate is wrong at each of some tries.
func TestTheClockMovesAtItsRate(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	late := time.After(5 * time.Minute)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	var wrong []string
	for hz := float64(p.hz); len(wrong) < 5; {
		low, high := clockRate(t, p, again.C, late)
		if low <= hz && hz <= high {
			return
		}
		wrong = append(wrong, fmt.Sprintf("%.0f to %.0f", low, high))
	}
	t.Errorf("HZ is said to be %d, and the clock moves at %s", p.hz, strings.Join(wrong, ", "))
}

// clockRate is the clock's rate in ticks a second, as well as two looks can tell.
func clockRate(t *testing.T, p *Pipeline, again, late <-chan time.Time) (low, high float64) {
	t.Helper()
	look := func() (ticks uint32, before, after time.Time) {
		before = time.Now()
		ticks = p.Clock().Jiffies
		return ticks, before, time.Now()
	}
	const held = 10
	first, before, after := look()
	for {
		select {
		case <-again:
		case <-late:
			t.Fatal("the clock stands still")
		}
		last, began, ended := look()
		if n := float64(last - first); n >= 20*held {
			return (n - held) / ended.Sub(before).Seconds(), (n + held) / began.Sub(after).Seconds()
		}
	}
}
