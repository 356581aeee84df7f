// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl/compile"
)

const (
	eventsAFill = 1500 // what a ring of the product holds, and some room
	fills       = 40   // a round
)

// measureEvents is S12: the product's program fills the product's ring, and either reader empties it, on the same CPU. What is timed
// is a reader alone: how fast a program writes decides on no machine how fast a reader is.
func measureEvents(t *testing.T, r *Report) {
	pin(t)
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
	perPacket(t, prog, udp4(), eventsAFill)
	reader := filledRing(t)
	ours := func() (n int) {
		p.ReadPolicyEvents(func(e *kern.PolicyEvent) { n++ })
		return n
	}
	var record ringbuf.Record
	theirs := func() (n int) {
		for reader.AvailableBytes() > 0 {
			for range eventsAFill { // each fill is as many: asking for more than there is would wait
				if err := reader.ReadInto(&record); err != nil {
					t.Fatal(err)
				}
				n++
			}
		}
		return n
	}
	if n := ours(); n != eventsAFill {
		t.Fatalf("%d events of %d arrived", n, eventsAFill)
	}
	var x [2][]float64
	for range 9 {
		for i, read := range []func() int{ours, theirs} {
			var took time.Duration
			for range fills {
				perPacket(t, prog, udp4(), eventsAFill)
				from := time.Now()
				n := read()
				took += time.Since(from)
				if n != eventsAFill {
					t.Fatalf("reader %d: %d events of %d", i, n, eventsAFill)
				}
			}
			x[i] = append(x[i], float64(took.Nanoseconds())/(fills*eventsAFill))
		}
	}
	r.Rows = append(r.Rows, FromRounds("S12", "events a second of one reader of a full ring: hooktop / cilium/ebpf's ringbuf.Reader", "x", AtLeast(8), Ratios(x[1], x[0]),
		fmt.Sprintf("hooktop %.1f M/s (decoded), ringbuf.Reader %.1f M/s (raw)", 1000/Median(x[0]), 1000/Median(x[1]))))
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
