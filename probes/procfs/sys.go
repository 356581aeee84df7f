// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The three calls that a walk over every descriptor of every process is made of, without the string copies of the usual
// wrappers: names are NUL-terminated bytes, which is how getdents64 hands them out. x/sys/unix has no such form, hence
// unsafe here and nowhere else.

// openat opens name below dir. A name without its NUL is refused.
func openat(dir int, name []byte, flags int) (int, error) {
	if len(name) == 0 || name[len(name)-1] != 0 {
		return -1, unix.EINVAL
	}
	for {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(&name[0])), uintptr(flags|unix.O_CLOEXEC), 0, 0, 0)
		switch errno {
		case 0:
			return int(fd), nil
		case unix.EINTR:
		default:
			return -1, errno
		}
	}
}

// readlinkat reads the target of name below dir into buf and returns its length, at most len(buf).
func readlinkat(dir int, name, buf []byte) (int, error) {
	if len(name) == 0 || name[len(name)-1] != 0 || len(buf) == 0 {
		return 0, unix.EINVAL
	}
	n, _, errno := unix.Syscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// entry names inside a getdents64 buffer (struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name NUL-terminated).
const (
	direntReclen = 16
	direntName   = 19
)

// direntIno reads the inode number of the entry that buf begins with, which nextName has found whole.
func direntIno(buf []byte) uint64 { return binary.NativeEndian.Uint64(buf) }

// nextName takes the first entry off buf: its name with the NUL, and the rest. An entry that does not fit ends the walk.
func nextName(buf []byte) (name, rest []byte, ok bool) {
	if len(buf) <= direntName {
		return nil, nil, false
	}
	n := int(binary.NativeEndian.Uint16(buf[direntReclen:]))
	if n <= direntName || n > len(buf) {
		return nil, nil, false
	}
	for i := direntName; i < n; i++ {
		if buf[i] == 0 {
			return buf[direntName : i+1 : i+1], buf[n:], true
		}
	}
	return nil, nil, false
}

// number reads a decimal number of at most 18 digits; a trailing NUL is left out.
func number(s []byte) (uint64, bool) {
	if len(s) > 0 && s[len(s)-1] == 0 {
		s = s[:len(s)-1]
	}
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	var n uint64
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}
