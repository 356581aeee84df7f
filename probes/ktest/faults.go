// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Faults makes system calls of this process fail, those by which it talks to the kernel about programs and devices: bpf(2),
// requests over netlink, and membarrier(2), which waits for packets on their way.
type Faults struct {
	listener int

	mu    sync.Mutex
	calls int // since Arm
	at    int // this one of them fails, 0: none
	err   unix.Errno
	hit   bool
}

// notification is struct seccomp_notif, response struct seccomp_notif_resp (include/uapi/linux/seccomp.h).
type notification struct {
	id         uint64
	pid, flags uint32
	nr         int32
	arch       uint32
	ip         uint64
	args       [6]uint64
}

type response struct {
	id         uint64
	val        int64
	err, flags int32
}

// goOn lets a system call run (SECCOMP_USER_NOTIF_FLAG_CONTINUE).
const goOn = 1

// CatchCalls has the process asked about these calls from now on and until it ends, so that it is to be called Inside only.
func CatchCalls(t testing.TB) *Faults {
	t.Helper()
	const (
		load, equal, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
		number, last     = 0, 56 // of struct seccomp_data: the call, and the low half of its sixth argument
		netlinkAddr      = unix.SizeofSockaddrNetlink
	)
	filter := []unix.SockFilter{
		{Code: load, K: number},
		{Code: equal, K: unix.SYS_BPF, Jt: 5},
		{Code: equal, K: unix.SYS_MEMBARRIER, Jt: 4},
		{Code: equal, K: unix.SYS_SENDTO, Jf: 2},
		{Code: load, K: last},
		{Code: equal, K: netlinkAddr, Jt: 1},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
		{Code: ret, K: unix.SECCOMP_RET_USER_NOTIF},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		t.Fatalf("install a seccomp filter: %v", errno)
	}
	f := &Faults{listener: int(fd)}
	go f.answer() // until the process ends: without it the calls would wait for ever
	return f
}

// answer decides about one call after the other.
func (f *Faults) answer() {
	runtime.LockOSThread()
	for {
		var n notification
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(f.listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); errno != 0 {
			continue // EINTR, or the caller is gone
		}
		r := response{id: n.id, flags: goOn}
		if err := f.decide(); err != 0 {
			r.flags, r.err = 0, -int32(err)
		}
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(f.listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&r))) // ENOENT: the caller is gone
	}
}

func (f *Faults) decide() unix.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.at == 0 || f.calls != f.at {
		return 0
	}
	f.hit = true
	return f.err
}

// Arm makes the n-th call from now on fail with err; 0: none fails.
func (f *Faults) Arm(n int, err unix.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at, f.err, f.hit = 0, n, err, false
}

// Disarm lets all calls pass and says how many there were since Arm, and whether one has failed.
func (f *Faults) Disarm() (calls int, hit bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = 0
	return f.calls, f.hit
}
