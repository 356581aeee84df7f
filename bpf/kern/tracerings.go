// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"hooktop/bpf"
)

// TraceEvent is struct trace_event of bpf/include/wire.h.
type TraceEvent = bpf.TraceTraceEvent

// Flags of a TraceEvent.
const (
	TraceIsClone  = 0x01
	TraceIsReturn = 0x02
	TraceHasKey   = 0x04
	TraceIsFirst  = 0x08
)

// Ring buffers of all CPUs together, and of one.
const (
	ringsBytes   = 8 << 20
	maxRingBytes = 1 << 20
	minRingBytes = 64 << 10
)

// ringBytes is the size of one CPU's ring: a power of two.
func ringBytes(cpus int) uint32 {
	each := uint32(1) << (bits.Len(uint(ringsBytes/cpus)) - 1)
	return min(max(each, minRingBytes), maxRingBytes)
}

// rings are the ring buffers of a trace, one a CPU, read in place (kernel/bpf/ringbuf.c has the layout: a page with the
// consumer's position, a page with the producer's, and the data twice in a row, so that no record is torn at the end).
type rings struct {
	size  uint32
	each  []ring
	epoll *os.File
}

type ring struct {
	m        *ebpf.Map
	consumer []byte
	data     []byte // producer's page, then the data, twice
	page     int
}

// Header of a record: its length, and whether it is still being written or was given up.
const (
	recordHeader  = 8
	recordBusy    = 1 << 31
	recordDiscard = 1 << 30
)

func (r *rings) open(outer *ebpf.Map, cpus int) error {
	r.size = ringBytes(cpus)
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("create epoll: %w", err)
	}
	r.epoll = os.NewFile(uintptr(fd), "epoll")
	for cpu := range cpus {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "ht_tr_ring", Type: ebpf.RingBuf, MaxEntries: r.size})
		if err != nil {
			return fmt.Errorf("create ring buffer of cpu %d: %w", cpu, err)
		}
		one := ring{m: m, page: os.Getpagesize()}
		r.each = append(r.each, one)
		if err := r.each[cpu].mmap(int(r.size)); err != nil {
			return fmt.Errorf("map ring buffer of cpu %d: %w", cpu, err)
		}
		if err := outer.Put(uint32(cpu), m); err != nil {
			return fmt.Errorf("enter ring buffer of cpu %d: %w", cpu, err)
		}
		ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(cpu)}
		if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, m.FD(), &ev); err != nil {
			return fmt.Errorf("watch ring buffer of cpu %d: %w", cpu, err)
		}
	}
	return nil
}

func (r *ring) mmap(size int) (err error) {
	if r.consumer, err = unix.Mmap(r.m.FD(), 0, r.page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return err
	}
	r.data, err = unix.Mmap(r.m.FD(), int64(r.page), r.page+2*size, unix.PROT_READ, unix.MAP_SHARED)
	return err
}

func word(b []byte) *uint64 { return (*uint64)(unsafe.Pointer(unsafe.SliceData(b))) }

// drain hands on all complete records and gives their room back.
func (r *ring) drain(size uint64, yield func([]byte)) {
	consumed, produced := atomic.LoadUint64(word(r.consumer)), atomic.LoadUint64(word(r.data))
	for consumed < produced {
		at := r.data[r.page+int(consumed&(size-1)):]
		head := atomic.LoadUint32((*uint32)(unsafe.Pointer(unsafe.SliceData(at))))
		if head&recordBusy != 0 {
			break
		}
		n := uint64(head &^ recordDiscard)
		if head&recordDiscard == 0 {
			yield(at[recordHeader : recordHeader+n])
		}
		consumed += (recordHeader + n + 7) &^ 7
	}
	atomic.StoreUint64(word(r.consumer), consumed)
}

func (r *rings) close() error {
	var errs []error
	for _, one := range r.each {
		for _, mapped := range [][]byte{one.consumer, one.data} {
			if mapped != nil {
				errs = append(errs, unix.Munmap(mapped))
			}
		}
		errs = append(errs, one.m.Close())
	}
	r.each = nil
	if r.epoll != nil {
		errs = append(errs, r.epoll.Close())
		r.epoll = nil
	}
	return errors.Join(errs...)
}

// Wait returns when a ring has filled up to its mark, once each time, or after a while at the latest.
func (t *Trace) Wait(atMost time.Duration) error {
	var events [8]unix.EpollEvent
	_, err := unix.EpollWait(int(t.rings.epoll.Fd()), events[:], int(atMost.Milliseconds()))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for events: %w", err)
	}
	return nil
}

// Read hands on the events that wait, CPU by CPU; those of one CPU come in the order of time. What is passed is valid
// during the call.
func (t *Trace) Read(yield func(e *TraceEvent, stack []uint64)) {
	for i := range t.rings.each {
		t.rings.each[i].drain(uint64(t.rings.size), func(record []byte) {
			if len(record) < int(unsafe.Sizeof(TraceEvent{})) {
				return
			}
			start := unsafe.Pointer(unsafe.SliceData(record))
			var stack []uint64
			if len(record) >= int(unsafe.Sizeof(bpf.TraceTraceStack{})) {
				deep := (*bpf.TraceTraceStack)(start)
				stack = deep.Ips[:min(int(deep.Event.Depth), len(deep.Ips))]
			}
			yield((*TraceEvent)(start), stack)
		})
	}
}

// MonotonicNs is the clock of TraceEvent.Ts.
func MonotonicNs() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0
	}
	return uint64(ts.Nano())
}
