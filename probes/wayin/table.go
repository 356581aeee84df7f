// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"path"
	"strings"

	"hooktop/probes/procfs"
)

// wellKnown lists the processes by which people work on a host from afar, by name (comm, 15 bytes).
func wellKnown() []string {
	return []string{"sshd", "sshd-session", "sshd-auth", "dropbear", "tinysshd", "mosh-server", "telnetd", "in.telnetd", "utelnetd",
		"rlogind", "in.rlogind", "etserver"}
}

// commLen is the longest name that the kernel keeps (TASK_COMM_LEN less its NUL).
const commLen = 15

// settled is the number of looks after which a process's name and parent are only read now and then.
const (
	settled = 3
	seldom  = 16
)

// table knows the host's processes from one look to the next. Serves one goroutine.
type table struct {
	proc   *procfs.Reader
	agents map[string]bool // by name; true: named by the operator
	known  map[int]*process
	list   []procfs.Entry
	round  int
}

type process struct {
	procfs.Stat
	dir    uint64 // procfs.Entry.Dir
	looks  int    // times that it was read
	listed int    // round in which it was last there
	agent  *agent // nil: none
}

// agent is a process by which somebody works on this host.
type agent struct {
	sockets  map[uint64]bool
	denied   bool   // its sockets may not be read
	impostor string // the file that it runs, when it is only called like one
	named    bool   // by the operator
}

func newTable(root string, agents []string) *table {
	t := &table{proc: procfs.NewReader(root), agents: map[string]bool{}, known: map[int]*process{}}
	for _, a := range wellKnown() {
		t.agents[a] = false
	}
	for _, a := range agents {
		t.agents[a[:min(len(a), commLen)]] = true
	}
	return t
}

// update reads new processes, young ones, agents, and a part of the others.
func (t *table) update() error {
	var err error
	if t.list, err = t.proc.List(t.list[:0]); err != nil {
		return err
	}
	t.round++
	for _, e := range t.list {
		p := t.known[e.PID]
		if p == nil {
			p = &process{}
			t.known[e.PID] = p
		}
		if p.dir != e.Dir {
			p.dir, p.looks = e.Dir, 0
		}
		p.listed = t.round
		if p.looks < settled || p.agent != nil || (e.PID+t.round)%seldom == 0 {
			if !t.read(e.PID, p) {
				p.listed = 0
			}
		}
	}
	for pid, p := range t.known {
		if p.listed != t.round {
			delete(t.known, pid)
		}
	}
	return nil
}

// read brings one process up to date; false when it ended.
func (t *table) read(pid int, p *process) bool {
	h, ok := t.proc.Open(pid)
	if !ok {
		return false
	}
	defer h.Close()
	st, ok := h.Stat()
	if !ok {
		return false
	}
	p.Stat, p.agent = st, nil
	p.looks++
	if named, ok := t.agents[st.Comm]; ok && st.State != 'Z' {
		p.agent = t.agentOf(h, named)
	}
	return true
}

// agentOf looks closer at a process that is called like an access agent. Anybody may call a process sshd; as the ways in
// will be spared by every policy, only a program file of root's that is an agent's too, or a process of root, counts.
func (t *table) agentOf(h procfs.Proc, named bool) *agent {
	a := &agent{sockets: map[uint64]bool{}, named: named}
	if exe, ok := h.Exe(); ok {
		base := path.Base(exe.Path)
		_, known := t.agents[base[:min(len(base), commLen)]]
		uid, _ := h.UID()
		if uid != 0 && (exe.Owner != 0 || !known) {
			a.impostor = exe.Path
			return a
		}
	}
	_, how := h.Sockets(func(_ int, inode uint64) bool { a.sockets[inode] = true; return true })
	a.denied = how == procfs.Denied
	return a
}

// get reads a process anew.
func (t *table) get(pid int) (*process, bool) {
	p := t.known[pid]
	if p == nil {
		p = &process{listed: t.round}
	}
	if !t.read(pid, p) {
		delete(t.known, pid)
		return nil, false
	}
	t.known[pid] = p
	return p, true
}

// chain lists a process and its parents, up to the first that this PID namespace cannot see the parent of.
func (t *table) chain(pid int) []*process {
	var c []*process
	for pid > 0 && len(c) < 128 {
		p, ok := t.get(pid)
		if !ok {
			break
		}
		c = append(c, p)
		if p.PPID == pid {
			break
		}
		pid = p.PPID
	}
	return c
}

// environ reads a variable of a process's environment.
func (t *table) environ(pid int, name string) (string, bool) {
	h, ok := t.proc.Open(pid)
	if !ok {
		return "", false
	}
	defer h.Close()
	return h.Environ(name)
}

// namespace reads the identity of a process's namespace.
func (t *table) namespace(pid int, kind string) (uint64, bool) {
	h, ok := t.proc.Open(pid)
	if !ok {
		return 0, false
	}
	defer h.Close()
	return h.Namespace(kind)
}

// user reads a process's effective user.
func (t *table) user(pid int) (uint32, bool) {
	h, ok := t.proc.Open(pid)
	if !ok {
		return 0, false
	}
	defer h.Close()
	return h.UID()
}

// multiplexer names the family of a process that keeps terminals for clients that come and go; "" for any other.
func multiplexer(comm string) string {
	for _, m := range []string{"tmux", "screen", "zellij", "dtach", "abduco", "dvtm"} {
		if comm == m || strings.HasPrefix(comm, m+":") || comm == strings.ToUpper(m) {
			return m
		}
	}
	return ""
}
