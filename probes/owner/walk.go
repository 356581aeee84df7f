// SPDX-License-Identifier: Apache-2.0

package owner

import (
	"context"
	"time"

	"hooktop/probes/procfs"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Limits of the walk over /proc.
const (
	slice     = 2048                  // links read before a pause
	pause     = 10 * time.Millisecond // after a slice, which takes some milliseconds
	thrift    = 20                    // a walk over everything costs at most a twentieth of a core
	certain   = 2                     // times a holding is confirmed before it is only checked when looked at
	firstWait = 2 * time.Second       // until a socket without a process is looked for again; doubles
	longWait  = time.Minute
	manyHeld  = 4096 // sockets that are all confirmed each time, at a readlink (some µs) each
)

// walker knows which process holds which socket, from one refresh to the next. Serves one goroutine.
//
// Not every descriptor of every process is read each time: new processes are, those that hold sockets only when the dump
// has one of unknown holder, and everything else only if that was not enough, and seldom.
type walker struct {
	clock     func() time.Time
	proc      *procfs.Reader
	users     users
	processes map[int]*process // by PID
	holders   map[uint64][]*process
	orphans   map[uint64]*orphan
	inodes    map[uint64]bool // of the dump; true: looked at since the last refresh
	list      []procfs.Entry
	nextWalk  time.Time // over everything
	denied    int       // processes that could not be read in the last walk over everything
	links     int       // since the last pause
	paced     bool      // rest between slices
	round     int       // number of the update
}

// process is one that was seen. Start tells it from another with its PID.
type process struct {
	pid       int
	dir       uint64 // procfs.Entry.Dir
	start     uint64
	comm      string
	container string
	user      string
	sockets   map[uint64]int // inode -> descriptor, those of the dump only
	confirmed int            // times that sockets were found still held
	scanned   bool           // sockets is what it held then
	round     int            // of the last scan
	listed    int            // round in which it was last there
	denied    bool
}

// orphan is a socket that no process was found to hold.
type orphan struct {
	misses int
	retry  time.Time
}

func newWalker(root, passwd string, clock func() time.Time) *walker {
	return &walker{clock: clock, proc: procfs.NewReader(root), users: users{path: passwd}, processes: map[int]*process{},
		holders: map[uint64][]*process{}, orphans: map[uint64]*orphan{}}
}

// update brings the holders of the sockets up to date. looked says which of them somebody asked for.
func (w *walker) update(ctx context.Context, now time.Time, sockets []snap.Socket, looked func(inode uint64) bool) error {
	w.round++
	w.inodes = make(map[uint64]bool, len(sockets))
	for i := range sockets {
		if n := sockets[i].Inode; n != 0 {
			w.inodes[n] = looked(n)
		}
	}
	if err := w.learn(); err != nil {
		return err
	}
	w.forgetClosed()
	for _, p := range w.processes {
		if len(p.sockets) > 0 {
			w.confirm(p)
		}
	}
	wanted := w.wanted(now) > 0
	w.links = 0
	for _, e := range w.list {
		if p := w.processes[e.PID]; !p.scanned || wanted && len(p.sockets) > 0 {
			w.scan(p)
			w.rest(ctx)
		}
	}
	if w.wanted(now) == 0 {
		return nil
	}
	w.everything(ctx, now)
	return nil
}

// learn lists which processes there are now and forgets the others.
func (w *walker) learn() error {
	var err error
	if w.list, err = w.proc.List(w.list[:0]); err != nil {
		return err
	}
	for _, e := range w.list {
		p := w.processes[e.PID]
		if p == nil {
			p = &process{pid: e.PID}
			w.processes[e.PID] = p
		}
		if p.dir != e.Dir {
			p.dir, p.scanned = e.Dir, false // its PID is used again
		}
		p.listed = w.round
	}
	for pid, p := range w.processes {
		if p.listed != w.round {
			w.release(p)
			delete(w.processes, pid)
		}
	}
	return nil
}

// forgetClosed drops what is known about sockets that are no longer in the dump.
func (w *walker) forgetClosed() {
	for inode, ps := range w.holders {
		if _, ok := w.inodes[inode]; ok {
			continue
		}
		for _, p := range ps {
			delete(p.sockets, inode)
		}
		delete(w.holders, inode)
	}
	for inode := range w.orphans {
		if _, ok := w.inodes[inode]; !ok {
			delete(w.orphans, inode)
		}
	}
}

// confirm checks that a process is the one that was seen, and that it still holds its sockets: those that are looked at,
// all of them while they are young, because a server that forks hands connections on right after it took them, and
// simply all where they are not many.
func (w *walker) confirm(p *process) {
	h, ok := w.proc.Open(p.pid)
	if !ok {
		w.release(p)
		p.scanned = false
		return
	}
	defer h.Close()
	st, ok := h.Stat()
	if !ok || st.Start != p.start {
		w.release(p)
		p.scanned = false
		return
	}
	lookedAt := false
	for inode, fd := range p.sockets {
		looked := w.inodes[inode]
		lookedAt = lookedAt || looked
		if (looked || p.confirmed < certain || len(w.holders) <= manyHeld) && !h.Holds(fd, inode) {
			w.drop(p, inode)
			p.scanned = false // it may hold it as another descriptor
		}
	}
	p.confirmed++
	p.comm = format.Clean(st.Comm)
	if lookedAt {
		w.describe(p, h)
	}
}

// describe reads what an exec or a setuid may have changed.
func (w *walker) describe(p *process, h procfs.Proc) {
	p.container = format.Clean(h.Container())
	if uid, ok := h.UID(); ok {
		p.user = w.users.name(uid, p.container != "")
	}
}

// wanted counts the sockets of the dump whose holder is to be looked for now.
func (w *walker) wanted(now time.Time) int {
	n := 0
	for inode := range w.inodes {
		if w.wants(inode, now) {
			n++
		}
	}
	return n
}

func (w *walker) wants(inode uint64, now time.Time) bool {
	if len(w.holders[inode]) > 0 {
		return false
	}
	o := w.orphans[inode]
	return o == nil || !now.Before(o.retry)
}

// everything looks into all processes that were not looked into yet, until nothing is wanted any more.
func (w *walker) everything(ctx context.Context, now time.Time) {
	if now.Before(w.nextWalk) {
		return
	}
	var busy time.Duration
	w.denied = 0
	for _, e := range w.list {
		p := w.processes[e.PID]
		if p.round != w.round {
			start := w.clock()
			w.scan(p)
			busy += w.clock().Sub(start)
			w.rest(ctx)
		}
		if p.denied {
			w.denied++
		}
		if ctx.Err() != nil {
			return
		}
	}
	w.nextWalk = now.Add(thrift * busy)
	for inode := range w.inodes {
		if len(w.holders[inode]) > 0 {
			continue
		}
		o := w.orphans[inode]
		if o == nil {
			o = &orphan{}
			w.orphans[inode] = o
		}
		o.retry = now.Add(min(firstWait<<min(o.misses, 8), longWait))
		o.misses++
	}
}

// scan reads all descriptors of a process.
func (w *walker) scan(p *process) {
	w.release(p)
	p.scanned, p.denied, p.round = true, false, w.round
	h, ok := w.proc.Open(p.pid)
	if !ok {
		return
	}
	defer h.Close()
	st, ok := h.Stat()
	if !ok {
		return
	}
	p.start, p.comm, p.confirmed = st.Start, format.Clean(st.Comm), 0
	visit := func(fd int, inode uint64) bool {
		if _, ok := w.inodes[inode]; !ok {
			return true
		}
		if _, ok := p.sockets[inode]; ok {
			return true // dup
		}
		if p.sockets == nil {
			p.sockets = map[uint64]int{}
		}
		p.sockets[inode] = fd
		w.holders[inode] = append(w.holders[inode], p)
		return true
	}
	links, how := 0, procfs.Gone
	if st.State == 'Z' {
		links, how = h.ThreadSockets(visit)
	} else {
		links, how = h.Sockets(visit)
	}
	w.links += links + 4 // opening a process costs about as much as four links
	p.denied = how == procfs.Denied
	if len(p.sockets) > 0 {
		w.describe(p, h)
	}
}

// rest pauses after a slice of work.
func (w *walker) rest(ctx context.Context) {
	if w.links < slice || !w.paced {
		return
	}
	w.links = 0
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// release forgets what a process holds.
func (w *walker) release(p *process) {
	for inode := range p.sockets {
		w.drop(p, inode)
	}
}

// drop forgets that a process holds a socket.
func (w *walker) drop(p *process, inode uint64) {
	delete(p.sockets, inode)
	ps := w.holders[inode]
	for i, q := range ps {
		if q != p {
			continue
		}
		if len(ps) == 1 {
			delete(w.holders, inode)
			return
		}
		ps[i] = ps[len(ps)-1]
		w.holders[inode] = ps[:len(ps)-1]
		return
	}
}

// holder chooses among the processes that share a socket: the lowest PID, which is the server's first process, but not
// init, which keeps listening sockets for the services that it starts.
func (w *walker) holder(inode uint64) *process {
	var best *process
	for _, p := range w.holders[inode] {
		if best == nil || best.pid == 1 || p.pid != 1 && p.pid < best.pid {
			best = p
		}
	}
	return best
}

// orphaned reports whether every process was read, more than once, and none held the socket.
func (w *walker) orphaned(inode uint64) bool {
	o := w.orphans[inode]
	return o != nil && o.misses >= certain && w.denied == 0
}
