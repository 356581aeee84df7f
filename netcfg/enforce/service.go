// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
)

// Options of New.
type Options struct {
	ReadOnly string        // why nothing may be changed; "" when it may
	NoGuard  bool          // rule 0 is empty
	Lease    time.Duration // of trials that ask for none; 0: DefaultLease
	State    string        // folder of earlier versions of saved files; "": none are kept
	Audit    string        // file of the audit log; "": none
	Draft    string        // file of the draft; "": it lives in memory only
	Door     string        // socket of hooktop keep; "": none
	File     string        // the policy file that a save goes to, "": not known
	FileText string        // what File held when it was read
	Host     string        // name to be typed; "": os.Hostname
	// Standing lists the connections that stand, for policies that say established; what it could read comes beside an error.
	// nil: those of the flow table alone are known.
	Standing func() ([]snap.Socket, []snap.Tracked, error)

	// Arrives asks the kernel's routing whether a packet gets in by the device that leads to peer, and why not. nil: it is not asked.
	Arrives func(peer, src, dst netip.Addr) (dev, why string, err error)

	Soak   time.Duration     // of a canary that asks for none; 0: DefaultSoak
	Limits snap.CanaryLimits // zero value: the default ones
	Now    func() time.Time
	Events func(line []byte) // hears each line of the audit log as well, and must not block; nil: nobody
}

// Leases that a trial may have.
const (
	DefaultLease = 15 * time.Second
	MaxLease     = 60 * time.Second
)

// World is what the service is told about the host.
type World struct {
	Ways     []acl.WayIn
	NoRemote bool
	Devices  map[string]uint16 // watched devices by the kernel's name

	gone []acl.WayIn // of this session's own, what stands no more
}

// edition is a committed policy.
type edition struct {
	id   uint32 // its number among the policies that were on trial, which operators are told; 0: the empty policy of a launch
	gen  uint32 // present generation of the kernel: checks, logins and devices that come use up others
	text string
	file policy.File
	acl  acl.Policy // guard included
	at   time.Time
	who  string
	what string
	diff []string // against what was kept when it was committed
}

// trial is an edition under its lease.
type trial struct {
	edition
	canary
	started  time.Time
	asked    time.Duration // the lease that the commit asked for
	lease    time.Duration // left at the last look
	deadline time.Time     // by this process's clock: only to notice an end where no device tells
	code     string
	draft    string // the text as it was staged
	fresh    bool
	forecast snap.Impact
	denied   float64     // packets a second that were dropped when it began
	dropPPS  float64     // and that are now, beyond those
	seen     []acl.WayIn // ways in when it began
	written  bool        // the audit log has its commit
}

// prepared is a checked draft that lies in the kernel already: a commit of the same needs no compiler.
type prepared struct {
	edition        // gen 0: nothing is prepared
	raw     string // the draft
	base    uint32 // the edition in force, whose counters it inherits
	world   World
}

// Service carries out intents. Methods may be called from any goroutine.
type Service struct {
	opt   Options
	turn  sync.Mutex // plane changes under turn and mu, and may be used under either
	audit *auditor
	ready prepared // turn guards it

	steering Steering      // nil: none
	resteer  chan struct{} // asks for settleSteering
	steered  chan struct{} // closed when nobody does any more

	mu       sync.Mutex
	unsteady string // why the last settleSteering failed, "" when it did not
	plane    Plane
	why      string // why nothing can be enforced
	tell     func(snap.Severity, string)
	hear     func(snap.Event)
	world    World
	own      []acl.WayIn   // ways in of this session, since it began
	looked   chan struct{} // closed when the world is known
	watched  chan struct{} // closed when it is known what is normal
	kept     edition
	trial    *trial
	renewal  time.Duration // what a canary's lease is renewed to: soakLease, and longer in tests
	begun    uint32        // trials
	lastEnd  string        // what became of the last trial
	past     past
	draft    snap.Draft
	drops    map[string]float64 // packets a second that the draft would deny, by device
	parsed   policy.File        // of draft.Text, when that has no errors
	fading   []edition          // decided a moment ago: packets may still be on their way to their counters
	hits     *tally
	second   time.Time // of the last look at the counters
	versions []snap.PolicyVersion
	saved    savedFile
	door     *door
	stale    bool   // the world is another one than what decides was written for
	said     string // the trouble that was told last
	ended    bool   // nothing new begins
	closed   bool   // and nothing is written down any more

	served atomic.Pointer[[]acl.Served] // tunnels that are the kernel's
}

// New makes a service and takes up the draft of an earlier session.
func New(o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Lease == 0 {
		o.Lease = DefaultLease
	}
	if o.Soak == 0 {
		o.Soak = DefaultSoak
	}
	if o.Limits == (snap.CanaryLimits{}) {
		o.Limits = snap.DefaultCanaryLimits()
	}
	if o.Host == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("enforce: name of this host: %w", err)
		}
		o.Host = name
	}
	s := &Service{opt: o, why: "nothing is attached yet", tell: func(snap.Severity, string) {}, hear: func(snap.Event) {}, hits: newTally(), renewal: soakLease}
	s.looked, s.watched = make(chan struct{}), make(chan struct{})
	s.saved = savedFile{path: o.File, text: o.FileText, known: o.File != ""}
	text, err := readDraft(o.Draft)
	if err != nil {
		return nil, err
	}
	s.draft.Text = text
	s.audit = newAuditor(o)
	return s, nil
}

// Begin gives the service the plane. tell adds a notice and must not block.
func (s *Service) Begin(p Plane, tell func(snap.Severity, string)) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return errors.New("enforce: it has ended")
	}
	s.plane, s.tell, s.why = p, tell, ""
	if s.opt.Door == "" || s.opt.ReadOnly != "" {
		return nil
	}
	var err error
	if s.door, err = openDoor(s.opt.Door, behind{s.keepFrom, s.Policy}); err != nil {
		tell(snap.Warn, err.Error()+": a trial can be kept on the screen only")
	}
	return nil
}

// Hear makes the service tell of each transition; hear must not block.
func (s *Service) Hear(hear func(snap.Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hear = hear
}

// End takes a trial back and stops; afterwards the plane is used no more. What was kept goes on deciding until its programs
// are detached. Calling it again does nothing.
func (s *Service) End() error {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return nil
	}
	s.ended = true
	door := s.door
	s.door = nil
	var err error
	if s.trial != nil {
		err = s.restore("hooktop ends")
	}
	s.mu.Unlock()
	err = errors.Join(err, s.endSteering())
	s.turn.Lock() // whoever compiles or judges sees ended and comes back soon
	s.mu.Lock()
	s.plane, s.why, s.closed = nil, "hooktop has ended", true
	s.mu.Unlock()
	s.turn.Unlock()
	if door != nil {
		err = errors.Join(err, door.close())
	}
	return errors.Join(err, s.audit.close())
}

// errEnded is why a check stops half-way.
var errEnded = errors.New("hooktop ends")

// judgeBatch is how many packets are judged at once: the plane is locked meanwhile, and Keep waits for it.
const judgeBatch = 64

// judge runs the program on packets, a few at a time. turn is held.
func (s *Service) judge(gen uint32, p *acl.Policy, list []acl.Packet) ([]acl.Decision, error) {
	out := make([]acl.Decision, 0, len(list))
	for len(list) > 0 {
		s.mu.Lock()
		ended, slots := s.ended, s.world.Devices
		s.mu.Unlock()
		if ended {
			return nil, errEnded
		}
		n := min(judgeBatch, len(list))
		some, err := s.plane.Judge(gen, list[:n], slots)
		if err != nil {
			return nil, err
		}
		if len(some) != n {
			return nil, fmt.Errorf("%d verdicts on %d packets", len(some), n)
		}
		for i := range some {
			name(&some[i], p, list[i].Dir)
		}
		out, list = append(out, some...), list[n:]
	}
	return out, nil
}

// name fills in the line that decided: the plane knows indexes only.
func name(d *acl.Decision, p *acl.Policy, dir acl.Dir) {
	switch {
	case d.By == acl.ByRule && d.Index >= 0 && d.Index < len(p.Rules):
		d.Line = p.Rules[d.Index].Line
	case d.By == acl.ByDefault:
		_, d.Line = p.Default(dir)
	}
}

// write compiles a policy into the kernel. What its slot had counted is read before. turn is held.
func (s *Service) write(p *acl.Policy, devices map[string]uint16, now time.Time) (uint32, error) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return 0, errEnded
	}
	s.count(now)
	s.mu.Unlock()
	s.ready = prepared{} // its slot may be the one that is written
	return s.plane.Write(p, devices, now)
}

// writable says why a change is refused.
func (s *Service) writable() error {
	switch {
	case s.opt.ReadOnly != "":
		return fmt.Errorf("this hooktop only looks: %s", s.opt.ReadOnly)
	case s.plane == nil || s.ended:
		return fmt.Errorf("no policy can be enforced: %s", s.why)
	}
	return nil
}
