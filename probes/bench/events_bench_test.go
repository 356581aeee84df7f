// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl/compile"
)

const (
	floodFor     = time.Second      // a round
	eventsGather = time.Millisecond // between reads: a ring holds what comes meanwhile
)

// measureEvents is S12: the product's program writes events as fast as a CPU can, and a reader on another empties the ring. The
// writer is the slower one, so that what is compared is the time of its CPU that a reader takes for an event.
func measureEvents(t *testing.T, r *Report) {
	p, err := kern.Open(kern.Options{LogRate: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	prog, err := p.Load(kern.Device{Index: 1, Name: "bench", Slot: 1}, kern.XDPGeneric)
	if err != nil {
		t.Fatal(err)
	}
	a := parsed(t, "count in udp from any to any port 80 log\n")
	img, err := compile.Compile(&a, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	gen, err := p.WritePolicy(img)
	if err := errors.Join(err, p.TryPolicy(gen, nil, time.Hour)); err != nil {
		t.Fatal(err)
	}
	ours := func(stop *atomic.Bool) (n int, err error) {
		pause := time.NewTicker(eventsGather) // as the engine lets events gather
		defer pause.Stop()
		for !stop.Load() {
			if !p.ReadPolicyEvents(func(*kern.PolicyEvent) { n++ }) {
				if err := p.WaitPolicyEvents(); err != nil {
					return n, err
				}
			}
			<-pause.C
		}
		return n, nil
	}
	var reader *ringbuf.Reader
	theirs := func(stop *atomic.Bool) (n int, err error) {
		var record ringbuf.Record
		for !stop.Load() {
			err := reader.ReadInto(&record)
			if errors.Is(err, ringbuf.ErrFlushed) {
				continue
			}
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	var x, rate [2][]float64
	for n := range 10 {
		for i, read := range []func(*atomic.Bool) (int, error){ours, theirs} {
			if reader == nil { // whose ring is that of the CPU that writes
				if _, err := writeEvents(prog, time.Millisecond); err != nil {
					t.Fatal(err)
				}
				reader = filledRing(t)
			}
			end := func() { _, _ = p.RingPolicyEvents(), reader.Flush() } // either may wait
			got, cpu, took := floodReader(t, prog, read, end)
			if n == 0 { // a round to warm up
				continue
			}
			x[i], rate[i] = append(x[i], cpu/float64(got)), append(rate[i], float64(got)/took/1e6)
		}
	}
	r.Rows = append(r.Rows, FromRounds("S12", "events that a reader takes in a second of its CPU's time, while another writes: hooktop / cilium/ebpf's ringbuf.Reader", "x", AtLeast(8), Ratios(x[1], x[0]),
		fmt.Sprintf("%s, %s an event; %.2f and %.2f M/s arrived", ns("hooktop (decoded)", x[0]), ns("ringbuf.Reader (raw)", x[1]), Median(rate[0]), Median(rate[1]))))
}

// floodReader runs a reader on the last CPU while the first writes, and says what it read and the ns of CPU that this took.
func floodReader(t *testing.T, prog *ebpf.Program, read func(*atomic.Bool) (int, error), end func()) (n int, cpu, seconds float64) {
	t.Helper()
	var stop atomic.Bool
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the thread ends with this
		_, err := toOneCPU()
		from := threadTime()
		var failed error
		n, failed = read(&stop)
		cpu = float64((threadTime() - from).Nanoseconds())
		done <- errors.Join(err, failed)
	}()
	took, err := writeEvents(prog, floodFor)
	stop.Store(true)
	end()
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Fatal("no event arrived")
	}
	return n, cpu, took.Seconds()
}

// writeEvents runs the program on the first CPU for a while.
func writeEvents(prog *ebpf.Program, d time.Duration) (took time.Duration, err error) {
	done := make(chan error)
	from := time.Now()
	go func() {
		runtime.LockOSThread()
		var first unix.CPUSet
		first.Set(0)
		err := unix.SchedSetaffinity(0, &first)
		for more := true; err == nil && more; more = time.Since(from) < d {
			_, _, err = prog.Benchmark(udp4(), runs/5, nil)
		}
		done <- err
	}()
	err = <-done
	return time.Since(from), err
}

// threadTime is the CPU time of the calling thread.
func threadTime() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// filledRing opens the reader of the one ring of this process that holds something.
func filledRing(t *testing.T) *ringbuf.Reader {
	t.Helper()
	infos, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range infos {
		text, err := os.ReadFile(path)
		_, rest, ok := strings.Cut(string(text), "map_id:")
		if err != nil || !ok {
			continue
		}
		id, err := strconv.Atoi(strings.Fields(rest)[0])
		if err != nil {
			t.Fatal(err)
		}
		m, err := ebpf.NewMapFromID(ebpf.MapID(id))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		if m.Type() != ebpf.RingBuf {
			continue
		}
		reader, err := ringbuf.NewReader(m)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = reader.Close() })
		if reader.AvailableBytes() > 0 {
			return reader
		}
	}
	t.Fatal("no ring holds anything")
	return nil
}
