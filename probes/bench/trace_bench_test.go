// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/probes"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
	"hooktop/probes/trace"
)

// Where pair's datagrams go. A socket that nobody reads: nearly all are dropped there, and none is answered.
const (
	sink      = "192.0.2.2"
	sinkPort  = 7001
	otherPort = 7002
	deadPort  = 7003 // nobody listens
)

// flood sends datagrams as fast as one thread can, and returns how many it sent per second.
func flood(t *testing.T, a *ktest.NS, port, count int) float64 {
	t.Helper()
	var perSecond float64
	a.Do(t, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open socket: %w", err)
		}
		defer unix.Close(fd)
		to, payload := &unix.SockaddrInet4{Port: port, Addr: netip.MustParseAddr(sink).As4()}, make([]byte, 64)
		begun := time.Now()
		for range count {
			if err := unix.Sendto(fd, payload, 0, to); err != nil {
				return fmt.Errorf("send to %s port %d: %w", sink, port, err)
			}
		}
		perSecond = float64(count) / time.Since(begun).Seconds()
		return nil
	})
	return perSecond
}

// flooded is a pair with a sink on it.
func flooded(t *testing.T) (a, b *ktest.NS) {
	t.Helper()
	a, b = pair(t)
	for _, port := range []int{sinkPort, otherPort} {
		if err := b.UDPSocket(t, fmt.Sprintf("%s:%d", sink, port)).SetReadBuffer(1); err != nil {
			t.Fatal(err)
		}
	}
	return a, b
}

// watched runs f while a process looks at packets on b's v1 and writes them into memory. It looks as soon as it has written
// something, to the standard error (tcpdump) or about a datagram of ours (a trace).
func watched(t *testing.T, a, b *ktest.NS, f func(), name string, args ...string) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "hooktop-bench")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	if err := b.Run(cmd.Start); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	for late := time.After(30 * time.Second); ; {
		if text, err := os.ReadFile(out.Name()); err != nil {
			t.Fatal(err)
		} else if bytes.Contains(text, []byte("listening on")) || bytes.Contains(text, []byte("v1")) && bytes.Contains(text, []byte(sink)) {
			break
		}
		flood(t, a, sinkPort, 1)
		select {
		case <-time.After(20 * time.Millisecond):
		case <-late:
			t.Fatalf("%s has not begun to look", name)
		}
	}
	<-time.After(settling)
	f()
}

// settling is for what the start of a process leaves to do: its other programs are loaded, its first garbage is collected.
const settling = 500 * time.Millisecond

// measureTraced sends a million packets through traced tracepoints: each event must be shown, refused by the filter, or counted
// as lost. Other packets of the machine are refused, too: how many says the detail.
func measureTraced(t *testing.T, r *Report) {
	const wanted, other = 900_000, 100_000
	a, _ := flooded(t)
	var missing []float64
	var detail []string
	for _, rate := range []int{0, math.MaxInt32} {
		spec := snap.TraceSpec{Pattern: "net:netif_receive_skb,skb:kfree_skb", Filter: fmt.Sprintf("dev v1 udp dst port %d", deadPort), Packets: 1 << 30, Seconds: 600, Rate: rate}
		ctx, cancel := context.WithCancel(t.Context())
		got, emitted := make(chan snap.TraceSession, 1), uint64(0)
		attached := make(chan struct{})
		go func() {
			defer close(got)
			s, err := probes.RunTrace(ctx, spec, func(events []snap.TraceEvent) error { emitted += uint64(len(events)); return nil }, func() { close(attached) })
			if err != nil {
				t.Error(err)
			}
			got <- s
		}()
		<-attached
		flood(t, a, otherPort, other)
		flood(t, a, deadPort, wanted)
		cancel()
		s := <-got
		lost, missed := uint64(0), uint64(0)
		for _, l := range s.Lost {
			switch l.Name {
			case "packets not followed": // those are shown
			case "passed over by the kernel": // anybody's
				missed = l.N
			default:
				lost += l.N
			}
		}
		off := math.Abs(2*wanted - float64(s.Events+lost))
		missing = append(missing, max(0, off-float64(missed))+math.Abs(float64(s.Events)-float64(emitted))+max(0, 2*other-float64(s.Filtered+missed)))
		detail = append(detail, fmt.Sprintf("at most %d events/s and CPU: %d packets sent, 2 events each: %d shown + %d refused by the filter (%d of ours) + %d counted as lost %v",
			s.Spec.Rate, wanted+other, s.Events, s.Filtered, 2*other, lost, s.Lost))
	}
	r.Rows = append(r.Rows, FromRounds("T1", "1,000,000 packets traced: events neither shown nor refused nor counted as lost", "events", AtMost(0), missing, detail...))
}

// measureTracedLoad sends as fast as the machine can, with nothing, a trace and tcpdump in turn.
func measureTracedLoad(t *testing.T, r *Report) {
	a, b := flooded(t)
	for _, load := range []struct {
		what, filter, expression string
		rounds                   int
		run                      func() float64
		show                     func(float64) string
	}{
		{"UDP datagrams", fmt.Sprintf("dev v1 udp dst port %d", sinkPort), fmt.Sprintf("udp dst port %d", sinkPort), 9, func() float64 { return flood(t, a, sinkPort, 400_000) },
			func(v float64) string { return fmt.Sprintf("%.0f packets/s", v) }},
		{"bulk TCP", "dev v1", "", 5, func() float64 { return bulk(t, a, b, 1500*time.Millisecond) },
			func(v float64) string { return fmt.Sprintf("%.2f Gbit/s", v*8/1e9) }},
	} {
		tracing := func(pattern string) []string {
			return []string{*product, "trace", pattern, "--filter", load.filter, "--packets", "100000000", "--for", "10m"}
		}
		watchers := [][]string{tracing("net:netif_receive_skb"), tracing("@receive"),
			append(strings.Fields("tcpdump -n -i v1 -Z root -w packets.pcap"), strings.Fields(load.expression)...)}
		var without []float64
		with := make([][]float64, len(watchers))
		load.run()
		for range load.rounds {
			without = append(without, load.run())
			for i, w := range watchers {
				watched(t, a, b, func() { with[i] = append(with[i], load.run()) }, w[0], w[1:]...)
			}
		}
		dump := with[len(with)-1]
		left := func(x []float64) string {
			return fmt.Sprintf("%s (%.2f x)", load.show(Median(x)), Median(Ratios(x, without)))
		}
		for i, pattern := range []string{"net:netif_receive_skb", "@receive"} {
			r.Rows = append(r.Rows, FromRounds("T2", load.what+", with "+pattern+" tracing them / with tcpdump -w", "x", AtLeast(1), Ratios(with[i], dump),
				fmt.Sprintf("%s: %s without either, %s with the trace, %s with tcpdump", load.what, load.show(Median(without)), left(with[i]), left(dump))))
		}
	}
}

// stream is bulk TCP that does not end: what windows of time have of it can be compared.
type stream struct {
	bytes atomic.Int64
	end   func()
}

func newStream(t *testing.T, a, b *ktest.NS) *stream {
	t.Helper()
	l := b.ListenTCP(t, sink+":0")
	defer func() { _ = l.Close() }()
	to := a.DialTCP(t, "", l.Addr().String())
	from, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	s, done := &stream{}, make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 1<<18); ; {
			n, err := from.Read(buf)
			if s.bytes.Add(int64(n)); err != nil {
				return
			}
		}
	}()
	go func() {
		for buf := make([]byte, 1<<18); ; {
			if _, err := to.Write(buf); err != nil {
				return
			}
		}
	}()
	s.end = func() { _ = errors.Join(to.Close(), from.Close()); <-done }
	return s
}

// window returns what arrived per second.
func (s *stream) window(d time.Duration) float64 {
	from, at := s.bytes.Load(), time.Now()
	<-time.After(d)
	return float64(s.bytes.Load()-from) / time.Since(at).Seconds()
}

// measureDefault is what the trace that runs from the launch on costs traffic that it does not show. How fast TCP is differs more from one
// connection and second to the next than by that: it is one connection, and windows with a trace stand between such without. The start of the
// process, which takes as much of a CPU as a minute of tracing, has to be over; either kind of window has the same rest before it. How far
// windows without a trace are from their neighbours of the same kind says what of the ratio is noise.
func measureDefault(t *testing.T, r *Report) {
	a, b := flooded(t)
	s := newStream(t, a, b)
	defer s.end()
	windows := func() float64 {
		var all []float64
		for range 5 {
			all = append(all, s.window(200*time.Millisecond))
		}
		return Median(all)
	}
	const rest = 3 * settling
	windows()
	without := []float64{windows()}
	var with, beside []float64
	for range 21 {
		watched(t, a, b, func() { <-time.After(rest); with = append(with, windows()) },
			*product, "trace", trace.Default, "--packets", "100000000", "--for", "10m", "--rate", fmt.Sprint(trace.AtLaunch().Rate))
		<-time.After(settling + rest)
		without = append(without, windows())
		n := len(without)
		beside = append(beside, (without[n-2]+without[n-1])/2)
	}
	noise := Ratios(without[1:], without[:len(without)-1])
	r.Rows = append(r.Rows, FromRounds("T3", "bulk TCP through a veth with the trace of the launch (@default) / without", "x", AtLeast(0.95), Ratios(with, beside),
		fmt.Sprintf("with %.2f, without %.2f Gbit/s; without / without a round earlier: %.2f x (%.2f – %.2f)", Median(with)*8/1e9, Median(without)*8/1e9,
			Median(noise), slices.Min(noise), slices.Max(noise))))
}
