// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// Reader reads processes below one root. Its buffers are reused, so it serves one goroutine.
type Reader struct {
	root string
	path []byte // names with their NUL
	dir  []byte // getdents64
	data []byte // contents of a file
	link [256]byte
}

// NewReader reads below root; "" means /proc.
func NewReader(root string) *Reader {
	if root == "" {
		root = "/proc"
	}
	return &Reader{root: root, dir: make([]byte, 32<<10), data: make([]byte, 4<<10)}
}

// Entry is one process in the list of all. Dir is the inode number of its directory: as long as it stays the same, so does
// the process, which tells for nothing that a PID was used again. It may change without a reason, when the kernel forgets
// unused directory entries.
type Entry struct {
	PID int
	Dir uint64
}

// List appends all processes to dst, in the order of the directory (ascending in the real /proc).
func (r *Reader) List(dst []Entry) ([]Entry, error) {
	r.path = append(append(r.path[:0], r.root...), 0)
	fd, err := openat(unix.AT_FDCWD, r.path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return dst, fmt.Errorf("list processes in %s: %w", r.root, err)
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Getdents(fd, r.dir)
		if err != nil {
			return dst, fmt.Errorf("list processes in %s: %w", r.root, err)
		}
		if n <= 0 {
			return dst, nil
		}
		for buf := r.dir[:n]; ; {
			name, rest, ok := nextName(buf)
			if !ok {
				break
			}
			if pid, ok := number(name); ok && pid > 0 && pid < 1<<31 {
				dst = append(dst, Entry{int(pid), direntIno(buf)})
			}
			buf = rest
		}
	}
}

// Proc is one process: what is read through it is of this process, even when its number is used again meanwhile.
// It shares the buffers of its Reader.
type Proc struct {
	r   *Reader
	fd  int // of /proc/PID
	PID int
}

// Open takes hold of a process; false when there is none of that number. Close it.
func (r *Reader) Open(pid int) (Proc, bool) {
	r.path = append(append(r.path[:0], r.root...), '/')
	r.path = append(strconv.AppendInt(r.path, int64(pid), 10), 0)
	fd, err := openat(unix.AT_FDCWD, r.path, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return Proc{}, false
	}
	return Proc{r: r, fd: fd, PID: pid}, true
}

// Close lets go of the process.
func (p Proc) Close() { _ = unix.Close(p.fd) } // O_PATH: nothing can be lost

// file reads a whole file of the process, at most limit bytes. The bytes are good until the next reading.
func (p Proc) file(name string, limit int) ([]byte, bool) {
	r := p.r
	r.path = append(append(r.path[:0], name...), 0)
	fd, err := openat(p.fd, r.path, unix.O_RDONLY)
	if err != nil {
		return nil, false
	}
	defer unix.Close(fd)
	n := 0
	for n < limit {
		if n == len(r.data) {
			r.data = append(r.data, make([]byte, len(r.data))...)
		}
		m, err := unix.Read(fd, r.data[n:min(len(r.data), limit)])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, false // ESRCH: it ended meanwhile
		}
		if m == 0 {
			break
		}
		n += m
	}
	return r.data[:n], true
}

// readlink reads a link of the process. The bytes are good until the next reading.
func (p Proc) readlink(name string) ([]byte, bool) {
	r := p.r
	r.path = append(append(r.path[:0], name...), 0)
	n, err := readlinkat(p.fd, r.path, r.link[:])
	if err != nil {
		return nil, false
	}
	return r.link[:n], true
}

// Access says how a reading of /proc/PID/fd went.
type Access uint8

const (
	Read   Access = iota
	Gone          // the process ended before or meanwhile; what was visited until then was true then
	Denied        // not allowed (ptrace access mode PTRACE_MODE_READ_FSCREDS is asked for)
)

// Sockets visits every descriptor of the process that is a socket, until visit says false. links counts the descriptors
// looked at, sockets or not: the price.
func (p Proc) Sockets(visit func(fd int, inode uint64) bool) (links int, how Access) {
	p.r.path = append(p.r.path[:0], "fd\x00"...)
	return p.sockets(visit)
}

// ThreadSockets visits the sockets of all threads. A process whose first thread has ended is a zombie with an empty fd
// directory, while the other threads go on holding everything; descriptor numbers are those of the first thread alive.
func (p Proc) ThreadSockets(visit func(fd int, inode uint64) bool) (links int, how Access) {
	r := p.r
	r.path = append(r.path[:0], "task\x00"...)
	fd, err := openat(p.fd, r.path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return 0, access(err)
	}
	n, err := unix.Getdents(fd, r.dir) // one buffer: hundreds of threads, and one alive among them is enough
	unix.Close(fd)
	if err != nil {
		return 0, access(err)
	}
	how = Gone
	threads := append([]byte(nil), r.dir[:n]...)
	for name, rest, ok := nextName(threads); ok && how != Read; name, rest, ok = nextName(rest) {
		if _, ok := number(name); !ok {
			continue
		}
		r.path = append(append(r.path[:0], "task/"...), name[:len(name)-1]...)
		r.path = append(r.path, "/fd\x00"...)
		n, got := p.sockets(visit)
		links += n
		if n > 0 || got == Denied {
			how = got
		}
	}
	return links, how
}

// sockets visits the directory of descriptors that r.path names.
func (p Proc) sockets(visit func(fd int, inode uint64) bool) (links int, how Access) {
	r := p.r
	fd, err := openat(p.fd, r.path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return 0, access(err)
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Getdents(fd, r.dir)
		if err != nil {
			return links, access(err)
		}
		if n <= 0 {
			return links, Read
		}
		for name, rest, ok := nextName(r.dir[:n]); ok; name, rest, ok = nextName(rest) {
			num, ok := number(name)
			if !ok {
				continue
			}
			links++
			m, err := readlinkat(fd, name, r.link[:])
			if err != nil {
				continue // closed meanwhile
			}
			if inode, ok := inodeOf("socket:[", r.link[:m]); ok && !visit(int(num), inode) {
				return links, Read
			}
		}
	}
}

// Holds reports whether the process still holds this socket as this descriptor.
func (p Proc) Holds(fd int, inode uint64) bool {
	r := p.r
	r.path = append(r.path[:0], "fd/"...)
	r.path = append(strconv.AppendInt(r.path, int64(fd), 10), 0)
	n, err := readlinkat(p.fd, r.path, r.link[:])
	if err != nil {
		return false
	}
	got, ok := inodeOf("socket:[", r.link[:n])
	return ok && got == inode
}

func access(err error) Access {
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		return Denied
	}
	return Gone
}

// inodeOf reads "<prefix>123]".
func inodeOf(prefix string, link []byte) (uint64, bool) {
	if len(link) <= len(prefix) || string(link[:len(prefix)]) != prefix || link[len(link)-1] != ']' {
		return 0, false
	}
	return number(link[len(prefix) : len(link)-1])
}
