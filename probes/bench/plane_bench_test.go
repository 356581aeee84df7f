// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"hooktop/bpf"
	"hooktop/bpf/kern"
)

const runs = 1_000_000 // packets per timed call; the kernel returns their average

// slotsPerFlow is how the product sizes its table on each CPU (bpf/kern, sizes.go).
const slotsPerFlow = 4

// pin keeps the measuring thread on one CPU: the table is per CPU.
func pin(t *testing.T) {
	runtime.LockOSThread()
	old, err := toOneCPU()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.SchedSetaffinity(0, &old); runtime.UnlockOSThread() })
}

// toOneCPU moves the calling thread to the last CPU.
func toOneCPU() (old unix.CPUSet, err error) {
	var one unix.CPUSet
	one.Set(runtime.NumCPU() - 1)
	err = errors.Join(unix.SchedGetaffinity(0, &old), unix.SchedSetaffinity(0, &one))
	return old, err
}

// perPacket is the kernel's own average in ns. It truncates: half a nanosecond makes up for that.
func perPacket(t *testing.T, p *ebpf.Program, frame []byte, repeat int) float64 {
	t.Helper()
	_, d, err := p.Benchmark(frame, repeat, nil)
	if err != nil {
		t.Fatalf("run %v: %v", p, err)
	}
	return float64(d.Nanoseconds()) + 0.5
}

// rounds times each program once a round, in turn, after a warm-up of its own.
func rounds(t *testing.T, n int, frame []byte, progs ...*ebpf.Program) [][]float64 {
	t.Helper()
	out := make([][]float64, len(progs))
	for range n {
		for i, p := range progs {
			perPacket(t, p, frame, runs/10)
			out[i] = append(out[i], perPacket(t, p, frame, runs))
		}
	}
	return out
}

// plane loads the benchmark's object for `flows` different flows with `slots` table slots per CPU. What is set beyond that, others say.
func plane(t *testing.T, flows, slots int, more ...func(*ebpf.CollectionSpec)) *ebpf.Collection {
	t.Helper()
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	spec, err := bpf.LoadBench()
	if err != nil {
		t.Fatal(err)
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		t.Fatal(err)
	}
	shift := bits.Len(uint(slots/8)) - 1
	var seed [12]uint64
	for i := range seed {
		seed[i] = rand.Uint64() | 1
	}
	mapped := seed[11] + 0xffff0000*seed[2] + 0xffff0000*seed[6]
	set(t, spec, map[string]any{"dev_slot": uint16(1), "bucket_shift": uint32(shift), "bucket_mask": uint32(1<<shift - 1),
		"hash_seed": seed, "hash_ip4": mapped, "flow_mask": uint32(flows - 1)})
	spec.Maps["ht_flows"].MaxEntries = uint32(cpus << shift)
	spec.Maps["ht_tags"].MaxEntries = uint32(cpus << shift)
	spec.Maps["ht_devices"].MaxEntries = 2
	spec.Maps["lru"].MaxEntries = uint32(slots)
	for _, f := range more {
		f(spec)
	}
	col, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("load the benchmark's programs: %+v", err)
	}
	t.Cleanup(col.Close)
	return col
}

func set(t *testing.T, spec *ebpf.CollectionSpec, values map[string]any) {
	t.Helper()
	for name, v := range values {
		if err := spec.Variables[name].Set(v); err != nil {
			t.Fatalf("set %s: %v", name, err)
		}
	}
}

// udp4 is a 64-byte IPv4/UDP frame.
func udp4() []byte {
	b := make([]byte, 64)
	copy(b, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45})
	binary.BigEndian.PutUint16(b[16:], 50)
	b[22], b[23] = 64, 17
	copy(b[26:], []byte{10, 0, 0, 1, 192, 168, 1, 1})
	binary.BigEndian.PutUint16(b[34:], 1234)
	binary.BigEndian.PutUint16(b[36:], 80)
	binary.BigEndian.PutUint16(b[38:], 30)
	return b
}

// tcp4 is the same with TCP, which most packets are.
func tcp4() []byte {
	b := udp4()
	b[23] = 6
	b[46] = 5 << 4
	b[47] = 0x10
	return b
}

func ns(what string, x []float64) string { return fmt.Sprintf("%s %.1f ns", what, Median(x)) }

// productProgram is the program as a device gets it, through the same door, and what decides in it.
func productProgram(t *testing.T) (*kern.Pipeline, *ebpf.Program) {
	t.Helper()
	p, err := kern.Open(kern.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	prog, err := p.Load(kern.Device{Index: 1, Name: "bench", Slot: 1}, kern.XDPGeneric)
	if err != nil {
		t.Fatal(err)
	}
	return p, prog
}

func measureHit(t *testing.T, r *Report) {
	pin(t)
	col := plane(t, 1, 8192)
	frame, pass := tcp4(), col.Programs["pass"]
	_, ours := productProgram(t)
	x := rounds(t, 15, frame, pass, ours)
	r.Rows = append(r.Rows, FromRounds("S1", "flow hit with counters, generation and last seen / a bare XDP_PASS", "x", AtMost(2.5), Ratios(x[1], x[0]),
		ns("bare XDP_PASS", x[0])+", "+ns("hooktop", x[1])))
	for _, f := range []struct {
		what string
		args []string
		goal float64
	}{{"xdp-filter -f ipv4", []string{"-f", "ipv4"}, 1.0}, {"xdp-filter with all features", nil, 0.55}} {
		peer := xdpFilter(t, f.args)
		x := rounds(t, 15, frame, peer, ours)
		r.Rows = append(r.Rows, FromRounds("S2", "flow hit / "+f.what, "x", AtMost(f.goal), Ratios(x[1], x[0]), ns(f.what, x[0])+", "+ns("hooktop", x[1])))
	}
}

// xdpFilter has the peer load its own program, on a veth of a namespace that ends with the test, and finds it by name.
func xdpFilter(t *testing.T, args []string) *ebpf.Program {
	t.Helper()
	before := programs(t)
	script := fmt.Sprintf(`set -e
mount -t bpf bpf /sys/fs/bpf
ip link add xs type veth peer name xr; ip link set xs up; ip link set xr up
xdp-filter load %s -p allow -m native xr >&2
xdp-filter ip -m src 10.9.9.9 >&2 || true
echo ready; read x`, strings.Join(args, " "))
	c := exec.Command("unshare", "--mount", "--net", "bash", "-c", script)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = c.Wait() }()
	b := make([]byte, 16)
	if n, _ := out.Read(b); !strings.HasPrefix(string(b[:n]), "ready") {
		t.Fatalf("xdp-filter did not load: %s", said.String())
	}
	for id := range programs(t) {
		if before[id] {
			continue
		}
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue
		}
		if info, err := p.Info(); err == nil && strings.HasPrefix(info.Name, "xdpfilt") {
			t.Cleanup(func() { _ = p.Close() })
			return p
		}
		_ = p.Close()
	}
	t.Fatalf("xdp-filter's program is not among the kernel's: %s", said.String())
	return nil
}

func programs(t *testing.T) map[ebpf.ProgramID]bool {
	t.Helper()
	all := map[ebpf.ProgramID]bool{}
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all[next], id = true, next
	}
}

func measureRandom(t *testing.T, r *Report) {
	pin(t)
	curve := Curve{Name: "flows", Title: "Counting a packet of one of many flows, at random", X: "flows", Y: "ns a packet"}
	defer func() { r.Curves = append(r.Curves, curve) }()
	for _, c := range []struct {
		name  string
		flows int
		goal  float64 // 0: none
		n     int
	}{{"1k", 1 << 10, 0, 5}, {"64k", 1 << 16, 2.5, 9}, {"1M", 1 << 20, 3, 5}} {
		col := plane(t, c.flows, slotsPerFlow*c.flows)
		frame := udp4()
		p := col.Programs
		for _, fill := range []string{"ours_each", "obvious_each"} {
			perPacket(t, p[fill], frame, 2*c.flows)
		}
		x := rounds(t, c.n, frame, p["pass_random"], p["obvious_random"], p["ours_random"])
		col.Close()
		curve.Add("hooktop", At(float64(c.flows), less(x[2], x[0])))
		curve.Add("LRU_HASH, atomics", At(float64(c.flows), less(x[1], x[0])))
		if c.goal == 0 {
			continue
		}
		r.Rows = append(r.Rows, FromRounds("S3", fmt.Sprintf("%s flows at random, %d slots a CPU: LRU_HASH with atomics / hooktop, both net of the generator", c.name, slotsPerFlow*c.flows), "x",
			AtLeast(c.goal), NetRatios(x[1], x[2], x[0]), ns("generator", x[0])+", "+ns("LRU_HASH", x[1])+", "+ns("hooktop", x[2])))
	}
}

// measureRead fills a table and an LRU hash with the same million flows and reads both into Go.
func measureRead(t *testing.T, r *Report) {
	pin(t)
	const flows = 1 << 20
	col := plane(t, flows, slotsPerFlow*flows)
	frame := udp4()
	perPacket(t, col.Programs["ours_each"], frame, flows)
	perPacket(t, col.Programs["obvious_each"], frame, flows)
	table, err := kern.MapTable(col.Maps["ht_flows"], slotsPerFlow*flows/8)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = table.Unmap() }()
	var scans, batches []float64
	var seen, batched int
	for range 7 {
		t0 := time.Now()
		seen = 0
		var packets uint64
		table.Scan(func(e *kern.Entry) bool { seen++; packets += e.Packets(); return true })
		scans = append(scans, time.Since(t0).Seconds()*1000)
		t0 = time.Now()
		batched = batchRead(t, col.Maps["lru"])
		batches = append(batches, time.Since(t0).Seconds()*1000)
	}
	if seen < flows*95/100 || batched < flows*95/100 {
		t.Errorf("read %d and %d flows of %d", seen, batched, flows)
	}
	r.Rows = append(r.Rows, FromRounds("S11", fmt.Sprintf("read 1M flows into Go: batch lookups of an LRU_HASH / hooktop's scan of %d slots", table.Slots()), "x", AtLeast(6), Ratios(batches, scans),
		fmt.Sprintf("batch %.0f ms for %d flows, scan %.0f ms for %d flows", Median(batches), batched, Median(scans), seen)))
}

func batchRead(t *testing.T, m *ebpf.Map) int {
	t.Helper()
	type value struct {
		Packets, Bytes, Last uint64
		Path, Gen            uint32
	}
	keys, values := make([][44]byte, 4096), make([]value, 4096)
	var at ebpf.MapBatchCursor
	n := 0
	for {
		c, err := m.BatchLookup(&at, keys, values, nil)
		n += c
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
