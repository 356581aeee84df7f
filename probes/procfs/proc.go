// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"bytes"
	"strings"

	"golang.org/x/sys/unix"
)

// Stat is what /proc/PID/stat tells. Comm is as the process set it: any bytes; clean it before it is shown.
type Stat struct {
	PID   int
	Comm  string // at most 15 bytes; of the process's first thread
	State byte   // 'R', 'S', 'Z' …
	PPID  int    // 0: none that this PID namespace can see
	TTY   TTY
	Start uint64 // clock ticks since boot: with PID, the identity of a process
}

// Stat reads who the process is.
func (p Proc) Stat() (Stat, bool) {
	b, ok := p.file("stat", 4<<10)
	if !ok {
		return Stat{}, false
	}
	return ParseStat(b)
}

// ParseStat reads the contents of /proc/PID/stat (proc_pid_stat(5)). The name may hold anything, also ") S 1 (": it ends
// at the last closing parenthesis, because no later field can hold one.
func ParseStat(b []byte) (Stat, bool) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 2 || end < open || end+2 >= len(b) {
		return Stat{}, false
	}
	pid, ok := number(b[:open-1])
	if !ok || pid == 0 || pid >= 1<<31 {
		return Stat{}, false
	}
	s := Stat{PID: int(pid), Comm: string(b[open+1 : end])}
	field := 2
	for f := range bytes.FieldsSeq(b[end+1:]) {
		field++
		switch field {
		case 3:
			s.State = f[0]
		case 4:
			n, ok := number(f)
			if !ok || n >= 1<<31 {
				return Stat{}, false
			}
			s.PPID = int(n)
		case 7:
			n, ok := number(bytes.TrimPrefix(f, []byte{'-'}))
			if !ok {
				return Stat{}, false
			}
			s.TTY = TTY(n)
		case 22:
			s.Start, ok = number(f)
			return s, ok
		}
	}
	return Stat{}, false
}

// TTY is a process's controlling terminal as a device number (new_encode_dev); 0: none.
type TTY uint32

// Console reports whether the terminal is the machine's own: a virtual console, a serial line or a hypervisor's console,
// not a pseudo-terminal (Documentation/admin-guide/devices.txt: majors 136 to 143).
func (t TTY) Console() bool {
	major := uint32(t) >> 8 & 0xfff
	return t != 0 && (major < 136 || major > 143)
}

// Container is the short ID or the name of the container that the process runs in, "" when it runs in none that is known.
func (p Proc) Container() string {
	b, ok := p.file("cgroup", 64<<10)
	if !ok {
		return ""
	}
	return ContainerID(b)
}

// Environ reads one variable of the environment that the process was started with. What it has changed since is not seen.
func (p Proc) Environ(name string) (string, bool) {
	b, ok := p.file("environ", 2<<20)
	if !ok {
		return "", false
	}
	return Variable(b, name)
}

// Variable finds name in the contents of /proc/PID/environ.
func Variable(environ []byte, name string) (string, bool) {
	for v := range bytes.SplitSeq(environ, []byte{0}) {
		if len(v) > len(name) && v[len(name)] == '=' && string(v[:len(name)]) == name {
			return string(v[len(name)+1:]), true
		}
	}
	return "", false
}

// Exe is the file that a process runs.
type Exe struct {
	Path    string // in the process's own mount namespace
	Owner   uint32 // uid of the file
	Deleted bool   // replaced since, by an upgrade for example
}

// Exe reads which file the process runs. Kernel threads have none.
func (p Proc) Exe() (Exe, bool) {
	var st unix.Stat_t
	if unix.Fstatat(p.fd, "exe", &st, 0) != nil {
		return Exe{}, false
	}
	b, ok := p.readlink("exe")
	if !ok {
		return Exe{}, false
	}
	path, deleted := strings.CutSuffix(string(b), " (deleted)")
	return Exe{Path: path, Owner: st.Uid, Deleted: deleted}, true
}

// UID reads the effective user of the process.
func (p Proc) UID() (uint32, bool) {
	b, ok := p.file("status", 16<<10)
	if !ok {
		return 0, false
	}
	return EffectiveUID(b)
}

// EffectiveUID reads the second figure of "Uid:" in the contents of /proc/PID/status. The line "Name:" above it has its
// newlines escaped by the kernel.
func EffectiveUID(status []byte) (uint32, bool) {
	for line := range bytes.Lines(status) {
		rest, ok := bytes.CutPrefix(line, []byte("Uid:"))
		if !ok {
			continue
		}
		f := bytes.Fields(rest)
		if len(f) < 2 {
			return 0, false
		}
		n, ok := number(f[1])
		return uint32(n), ok && n < 1<<32
	}
	return 0, false
}

// Namespace reads the identity of one of the process's namespaces: "net", "pid" …
func (p Proc) Namespace(kind string) (uint64, bool) {
	b, ok := p.readlink("ns/" + kind)
	if !ok {
		return 0, false
	}
	return inodeOf(kind+":[", b)
}

// InitialPIDNamespace is the identity of the PID namespace that sees all processes (PROC_PID_INIT_INO, linux/proc_ns.h).
const InitialPIDNamespace = 0xEFFFFFFC
