// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// rings are ring buffers read in place (kernel/bpf/ringbuf.c has the layout: a page with the consumer's position, a page with
// the producer's, and the data twice in a row, so that no record is torn at the end).
type rings struct {
	size  uint32
	each  []ring
	epoll *os.File
	bell  *os.File // eventfd: ends a wait
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

// bellTag stands for the bell among the numbers of rings.
const bellTag = -1

// open makes n rings of size bytes, a power of two, and enters them into outer.
func (r *rings) open(outer *ebpf.Map, name string, n int, size uint32) error {
	r.size = size
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("create epoll: %w", err)
	}
	r.epoll = os.NewFile(uintptr(fd), "epoll")
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("create eventfd: %w", err)
	}
	r.bell = os.NewFile(uintptr(bell), "eventfd")
	if err := r.watch(bell, bellTag); err != nil {
		return fmt.Errorf("watch eventfd: %w", err)
	}
	for i := range n {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Name: name, Type: ebpf.RingBuf, MaxEntries: r.size})
		if err != nil {
			return fmt.Errorf("create ring buffer %d: %w", i, err)
		}
		one := ring{m: m, page: os.Getpagesize()}
		r.each = append(r.each, one)
		if err := r.each[i].mmap(int(r.size)); err != nil {
			return fmt.Errorf("map ring buffer %d: %w", i, err)
		}
		if err := outer.Put(uint32(i), m); err != nil {
			return fmt.Errorf("enter ring buffer %d: %w", i, err)
		}
		if err := r.watch(m.FD(), int32(i)); err != nil {
			return fmt.Errorf("watch ring buffer %d: %w", i, err)
		}
	}
	return nil
}

func (r *rings) watch(fd int, tag int32) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: tag}
	return unix.EpollCtl(int(r.epoll.Fd()), unix.EPOLL_CTL_ADD, fd, &ev)
}

// wait returns when a program woke its reader, ring was called, or after so many milliseconds; -1: not by time.
func (r *rings) wait(ms int) error {
	var events [8]unix.EpollEvent
	_, err := unix.EpollWait(int(r.epoll.Fd()), events[:], ms)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for events: %w", err)
	}
	return nil
}

// ring ends a wait, the one under way or the next.
func (r *rings) ring() error {
	if _, err := unix.Write(int(r.bell.Fd()), []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		return fmt.Errorf("wake the reader of events: %w", err)
	}
	return nil
}

// read hands on what waits in all rings, once.
func (r *rings) read(yield func([]byte)) {
	for i := range r.each {
		r.each[i].drain(uint64(r.size), yield)
	}
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
	for _, f := range []**os.File{&r.epoll, &r.bell} {
		if *f != nil {
			errs = append(errs, (*f).Close())
			*f = nil
		}
	}
	return errors.Join(errs...)
}
