// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"hooktop/bpf/kern"
	"hooktop/probes/ktest"
)

// build makes the product's binary.
func build(dir string) (string, error) {
	out := filepath.Join(dir, "hooktop")
	c := exec.Command("go", "build", "-trimpath", "-o", out, "hooktop")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build hooktop: %w\n%s", err, b)
	}
	return out, nil
}

// pair is two hosts on a veth; hooktop runs on the second.
func pair(t *testing.T) (a, b *ktest.NS) {
	a, b = ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, a, "v0", b, "v1")
	a.Addr(t, "v0", "192.0.2.1/24")
	b.Addr(t, "v1", "192.0.2.2/24")
	return a, b
}

// attached waits until hooktop sits on both directions of the device, by mode auto.
func attached(t *testing.T, n *ktest.NS, dev string) {
	t.Helper()
	index := n.Index(t, dev)
	for end := time.Now().Add(30 * time.Second); ; {
		sides := 0
		err := n.Run(func() error {
			for _, egress := range []bool{false, true} {
				ids, err := kern.QueryTCX(index, egress)
				if err != nil {
					return err
				}
				sides += min(len(ids), 1)
			}
			return nil
		})
		if sides == 2 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("hooktop has not attached to %s: %v", dev, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// withHooktop runs the product on n's v1 while f runs.
func withHooktop(t *testing.T, n *ktest.NS, f func()) {
	t.Helper()
	c := exec.Command(*product, "-i", "v1", "--once", "--for", "1h", "--json")
	var said bytes.Buffer
	c.Stderr = &said
	if err := n.Run(c.Start); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait()
	}()
	attached(t, n, "v1")
	f()
}

// bulk sends as much as TCP takes for a while and returns what arrived per second.
func bulk(t *testing.T, a, b *ktest.NS, d time.Duration) float64 {
	t.Helper()
	l := b.ListenTCP(t, "192.0.2.2:0")
	defer func() { _ = l.Close() }()
	got := make(chan float64, 1)
	go func() {
		c, err := l.AcceptTCP()
		if err != nil {
			got <- 0
			return
		}
		defer func() { _ = c.Close() }()
		t0 := time.Now()
		n, _ := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, make([]byte, 1<<18))
		got <- float64(n) / time.Since(t0).Seconds()
	}()
	c := a.DialTCP(t, "", l.Addr().String())
	buf := make([]byte, 1<<18)
	for end := time.Now().Add(d); time.Now().Before(end); {
		if _, err := c.Write(buf); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.Close()
	return <-got
}

func measureBulk(t *testing.T, r *Report) {
	a, b := pair(t)
	var with, without []float64
	bulk(t, a, b, time.Second)
	for range 9 {
		without = append(without, bulk(t, a, b, 1500*time.Millisecond))
		withHooktop(t, b, func() { with = append(with, bulk(t, a, b, 1500*time.Millisecond)) })
	}
	r.Rows = append(r.Rows, FromRounds("S14", "bulk TCP through a veth with hooktop on it (mode auto) / without", "x", AtLeast(0.85), Ratios(with, without),
		fmt.Sprintf("with %.2f, without %.2f Gbit/s", Median(with)*8/1e9, Median(without)*8/1e9)))
}

// live starts the dashboard of the product on b's v1, in a pty.
func live(t *testing.T, b *ktest.NS, cols, rows int) *meter {
	t.Helper()
	var m *meter
	if err := b.Run(func() error { m = startMeter(t, cols, rows, nil, *product, "-i", "v1"); return nil }); err != nil {
		t.Fatal(err)
	}
	attached(t, b, "v1")
	return m
}

func measureIdle(t *testing.T, r *Report) {
	_, b := pair(t)
	m := live(t, b, 200, 60)
	m.window(5 * time.Second)
	var cpu []float64
	for range 3 {
		cpu = append(cpu, m.window(look).cpuPercent)
	}
	m.close()
	r.Rows = append(r.Rows, FromRounds("S18", "whole program's CPU, idle host, 200x60 at 2 Hz", "% of a core", AtMost(1), cpu))
}

func measureMemory(t *testing.T, r *Report) {
	a, b := pair(t)
	m := live(t, b, 200, 60)
	const flows = 100_000
	src, dst := a.MAC(t, "v0"), b.MAC(t, "v1")
	for from := 0; from < flows; from += 1000 {
		frames := make([][]byte, 1000)
		for i := range frames {
			frames[i] = numbered(src, dst, uint32(from+i))
		}
		a.SendFrames(t, "v0", frames...)
	}
	// A few may have been driven out of the table, whose places are all taken in a bucket here and there.
	m.until("100k flows", func() bool { return shownFlows(m.emu.String()) >= flows*999/1000 })
	m.window(look)
	rss := residentMiB(t, m.cmd.Process.Pid)
	maps := mapsMiB(t, m.cmd.Process.Pid)
	m.close()
	r.Rows = append(r.Rows,
		FromRounds("S20", "RSS with 100k flows, without the table's mapping", "MiB", AtMost(120), []float64{rss}),
		FromRounds("S20", "BPF maps by default", "MiB", AtMost(64), []float64{maps}))
}

// shownFlows reads "100 000 flows" off the screen.
func shownFlows(screen string) int {
	tight := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, screen)
	m := regexp.MustCompile(`(\d+)flows`).FindStringSubmatch(tight)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

func numbered(src, dst [6]byte, n uint32) []byte {
	b := udp4()
	copy(b, dst[:])
	copy(b[6:], src[:])
	binary.BigEndian.PutUint32(b[26:], 0x0a000000|n)
	copy(b[30:], []byte{192, 0, 2, 2})
	return b
}

// residentMiB sums Rss over all mappings that are not BPF maps.
func residentMiB(t *testing.T, pid int) float64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		t.Fatal(err)
	}
	var sum int
	skip := false
	for l := range strings.Lines(string(b)) {
		f := strings.Fields(l)
		if len(f) >= 5 && strings.Contains(f[0], "-") {
			skip = strings.Contains(l, "bpf-map")
		} else if len(f) >= 2 && f[0] == "Rss:" && !skip {
			n, _ := strconv.Atoi(f[1])
			sum += n
		}
	}
	return float64(sum) / 1024
}

// mapsMiB sums memlock of every map that the process holds, each once.
func mapsMiB(t *testing.T, pid int) float64 {
	t.Helper()
	infos, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	seen, sum := map[string]bool{}, 0
	for _, p := range infos {
		b, _ := os.ReadFile(p)
		field := map[string]string{}
		for l := range strings.Lines(string(b)) {
			if k, v, ok := strings.Cut(strings.TrimSpace(l), ":"); ok {
				field[k] = strings.TrimSpace(v)
			}
		}
		if id := field["map_id"]; id != "" && !seen[id] {
			seen[id] = true
			n, _ := strconv.Atoi(field["memlock"])
			sum += n
		}
	}
	return float64(sum) / (1 << 20)
}
