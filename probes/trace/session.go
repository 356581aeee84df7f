// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hooktop/bpf/kern"
	"hooktop/probes/procfs"
	"hooktop/probes/snap"
	"hooktop/probes/trace/functions"
	"hooktop/ui/format"
)

// phase is where a session stands between its caller's steps.
type phase uint8

const (
	fresh phase = iota
	attaching
	attached // nobody reads yet
	reading
	over
)

// Session is one trace: Attach, then Read, once each. Everything else may be called from any goroutine at any time.
type Session struct {
	cat   *functions.Catalog
	emit  func([]snap.TraceEvent) error
	stop  chan string   // capacity 1: why
	done  chan struct{} // closed when nothing is attached any more
	apart bool          // the network namespace is not the initial one

	mu       sync.Mutex
	phase    phase
	cancel   context.CancelFunc // of the attach
	reader   *reader
	state    snap.TraceSession
	ends     time.Time
	store    store
	viewer   viewer
	programs []snap.Program
}

// New makes a session that does nothing before Attach. emit, which may be nil, hears the events in their order, some at a
// time, from Read's goroutine, and may keep copies only; its error stops the session.
func New(cat *functions.Catalog, spec snap.TraceSpec, emit func([]snap.TraceEvent) error) *Session {
	s := &Session{cat: cat, emit: emit, stop: make(chan string, 1), done: make(chan struct{}),
		state: snap.TraceSession{Spec: withLimits(spec), State: snap.TraceAttaching}}
	inode, initial := procfs.NetNamespace("/proc/thread-self/ns/net")
	s.state.NetNS, s.apart = uint32(inode), inode != 0 && !initial
	return s
}

// Stop ends the session; why becomes TraceSession.Why. It does not wait for one that attaches or reads: see Done.
func (s *Session) Stop(why string) {
	select {
	case s.stop <- why:
	default: // it is told to stop already
	}
	s.mu.Lock()
	if s.cancel != nil {
		s.cancel()
	}
	s.mu.Unlock()
	if s.enter(over, fresh, attached) { // nobody else would
		s.finish(why, nil)
	}
}

// enter goes on to the next phase, if the session is in one of those before it.
func (s *Session) enter(next phase, from ...phase) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(from, s.phase) {
		return false
	}
	s.phase = next
	return true
}

// Done is closed when the session has ended and nothing of it is attached.
func (s *Session) Done() <-chan struct{} { return s.done }

// State says where the session stands.
func (s *Session) State() snap.TraceSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.state
	if out.State == snap.Tracing {
		out.Left = max(0, time.Until(s.ends))
	}
	return out
}

// Programs lists what is attached now.
func (s *Session) Programs() []snap.Program {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.programs
}

// View answers a question about the events.
func (s *Session) View(q snap.TraceQuery) snap.TraceView {
	var out snap.TraceView
	s.mu.Lock()
	s.viewer.answer(&s.store, q, &out)
	s.mu.Unlock()
	nameStack(s.cat, &out)
	return out
}

func (s *Session) update(f func(st *snap.TraceSession)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.state)
}

// Run is Attach and Read.
func (s *Session) Run(ctx context.Context) error {
	if err := s.Attach(ctx); err != nil {
		return err
	}
	return s.Read(ctx)
}

// Attach hooks what the wish names. Its error says why nothing could be attached; State has it too, and nothing is left then.
// A session that is told to stop meanwhile ends without an error, and Read returns at once.
func (s *Session) Attach(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.cancel = cancel
	s.mu.Unlock()
	if !s.enter(attaching, fresh) {
		return nil
	}
	err := s.attachAll(ctx)
	s.mu.Lock()
	s.cancel = nil
	stopped := ctx.Err() != nil
	if s.phase = over; err == nil && !stopped {
		s.phase = attached
		s.state.State, s.state.Started = snap.Tracing, time.Now()
		s.ends = s.state.Started.Add(time.Duration(s.state.Spec.Seconds) * time.Second)
		s.programs = s.reader.t.Programs()
	}
	s.mu.Unlock()
	switch {
	case stopped:
		return s.finish("stopped while it was attached", nil)
	case err != nil:
		return s.finish("", err)
	}
	return nil
}

// Read takes events until a limit is reached, Stop is called or ctx ends, and detaches.
func (s *Session) Read(ctx context.Context) error {
	if !s.enter(reading, attached) {
		return nil
	}
	why, err := s.reader.read(ctx)
	s.enter(over, reading)
	return s.finish(why, err)
}

// finish detaches, and says for good how the session ended. Who brought it into the phase over calls it, once.
func (s *Session) finish(why string, err error) error {
	if s.reader != nil {
		err = errors.Join(err, s.reader.end())
	}
	s.mu.Lock()
	s.programs = nil
	s.state.State, s.state.Why = snap.TraceStopped, why
	if err != nil {
		s.state.State, s.state.Why = snap.TraceFailed, format.Clean(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	s.mu.Unlock()
	close(s.done)
	return err
}

func (s *Session) attachAll(ctx context.Context) error {
	spec := s.State().Spec
	own := uint32(0)
	if s.apart {
		own = s.State().NetNS
	}
	p, err := makePlan(s.cat, spec, kern.HaveKprobeMulti(), own)
	if err != nil {
		return err
	}
	s.update(func(st *snap.TraceSession) {
		st.Within = p.within
		st.Means, st.MeansWhy, st.Wanted = string(p.means), format.Clean(p.why), p.asked
		st.Spec.Ret, st.Spec.Latency = p.options.Returns, p.options.Returns && st.Spec.Latency
	})
	if spec.Stack {
		s.cat.Symbol(1) // reads the kernel's symbols now, not when a screen asks for a stack
	}
	t, err := kern.OpenTrace(p.options)
	if err != nil {
		return fmt.Errorf("trace %s: %w", spec.Pattern, err)
	}
	s.reader = &reader{s: s, t: t, d: newDecoder(s.cat, p.points, spec.Packets)}
	return s.attach(ctx, t, p)
}

// attach hooks what the plan says. One function that fails stops no other; when none is left, its error comes back.
func (s *Session) attach(ctx context.Context, t *kern.Trace, p *plan) error {
	attached := func(n int) { s.update(func(st *snap.TraceSession) { st.Attached += n }) }
	failed := map[string]int{}
	var last error
	fail := func(name string, err error) {
		last = fmt.Errorf("%s: %w", name, err)
		failed[format.Clean(err.Error())]++
	}
	if err := s.keepJourneys(t, p); err != nil {
		return fmt.Errorf("trace %s: follow packets: %w", s.state.Spec.Pattern, err)
	}
	for _, e := range p.events {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		asked := int(e.Func) < p.asked
		switch err := t.AttachTracepoint(e); {
		case err != nil && asked:
			fail(e.Name, err)
		case asked:
			attached(1)
		}
	}
	if len(p.funcs) > 0 {
		if err := s.attachFunctions(ctx, t, p, attached, fail); err != nil {
			return err
		}
	}
	var counts []snap.Count
	for why, n := range failed {
		counts = append(counts, snap.Count{Name: why, N: uint64(n)})
	}
	slices.SortFunc(counts, func(a, b snap.Count) int { return strings.Compare(a.Name, b.Name) })
	none := false
	s.update(func(st *snap.TraceSession) { st.Failed = counts; none = st.Attached == 0 })
	if none {
		return fmt.Errorf("trace %s: nothing could be attached: %w", s.state.Spec.Pattern, last)
	}
	return ctx.Err()
}

func (s *Session) attachFunctions(ctx context.Context, t *kern.Trace, p *plan, attached func(int), fail func(string, error)) error {
	if p.means == byMulti {
		refused, err := t.WithoutRefused(ctx, p.funcs)
		if err != nil {
			return fmt.Errorf("trace %s: %w", s.state.Spec.Pattern, err)
		}
		for _, r := range refused {
			fail(r.Name, errors.New("the kernel refuses to hook it"))
		}
		attached(len(p.funcs) - len(refused))
		return nil
	}
	failed, err := t.AttachKprobes(ctx, p.funcs, func() { attached(1) })
	for _, f := range failed {
		attached(-1)
		fail(f.Name, f.Err)
	}
	return err
}

// keepJourneys attaches what tells ends and copies of sk_buffs, before the first packet is followed.
func (s *Session) keepJourneys(t *kern.Trace, p *plan) error {
	if p.means == byKprobe || p.means == byTracepoint && kern.HaveKprobeMulti() != nil {
		return t.AttachKprobeKeepers(p.free, p.copies)
	}
	return t.AttachMultiKeepers(p.free, p.copies)
}
