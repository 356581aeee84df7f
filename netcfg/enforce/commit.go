// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Commit puts the draft on trial.
func (s *Service) Commit(w snap.PolicyWish) snap.Answer {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	d, drops := s.draft, s.drops
	s.mu.Unlock()
	switch {
	case w.Seq != 0 && w.Seq != d.Seq || w.Text != "" && w.Text != d.Text:
		return snap.Answer{Err: "commit: the draft is another one than was reviewed: review it again"}
	case d.Text == "":
		return snap.Answer{Err: "commit: there is no draft: edit first"}
	}
	return s.answer(s.commit(w, d, drops))
}

// Launch puts a text on trial that was named on the command line, on some devices first where w says so; the draft stays as
// it is. That there is no remote session to protect is no news to who starts the program, so only a cut of a way in refuses it.
func (s *Service) Launch(text string, w snap.PolicyWish) snap.Answer {
	s.turn.Lock()
	defer s.turn.Unlock()
	file, err := policy.Parse(text)
	if err != nil {
		return snap.Answer{Err: "commit: " + err.Error()}
	}
	now := s.opt.Now()
	world, _, _ := s.look()
	p := s.guarded(file.Resolve(now), world)
	if len(cuts(&p, world.onDevices(), now)) == 0 {
		w.Host = s.opt.Host
	}
	return s.answer(s.commit(w, snap.Draft{Text: text}, nil))
}

func (s *Service) answer(t *trial, err error) snap.Answer {
	if err != nil {
		return snap.Answer{Err: "commit: " + err.Error()}
	}
	return snap.Answer{
		Text:    fmt.Sprintf("v%d decides%s for %s: keep it, or what was kept before decides again", t.id, t.where(), t.lease),
		Command: "hooktop keep " + t.code,
	}
}

// lease checks the time that a trial or an extension asks for.
func (s *Service) lease(wanted time.Duration) (time.Duration, error) {
	switch {
	case wanted == 0:
		return s.opt.Lease, nil
	case wanted < time.Second || wanted > MaxLease:
		return 0, fmt.Errorf("a lease of %s: it may last from 1s to %s", wanted, MaxLease)
	}
	return wanted, nil
}

// commit does what Commit says; drops is what the draft was found to deny, by device. turn is held.
func (s *Service) commit(w snap.PolicyWish, d snap.Draft, drops map[string]float64) (*trial, error) {
	lease, err := s.lease(w.Lease)
	if err != nil {
		return nil, err
	}
	c, err := s.canaryOf(w, drops)
	if err != nil {
		return nil, err
	}
	next, kept, world, err := s.candidate(w, d.Text)
	if err != nil {
		return nil, err
	}
	now := s.opt.Now()
	if err := refuseServed(&next.acl); err != nil {
		return nil, err
	}
	if err := errors.Join(s.typed(&next.acl, world, w.Host, now), attended(&next.acl, &c, world, now), wholeChains(kept.Chains, next.acl.Chains, &c)); err != nil {
		return nil, err
	}
	if next.gen == 0 {
		if next.gen, err = s.write(&next.acl, world.Devices, now); err != nil {
			return nil, err
		}
	}
	s.ready = prepared{} // a generation is tried once: its counters are read as its own
	if err := s.preflight(next, world, now); err != nil {
		return nil, err
	}
	if err := s.seed(&next.acl, &kept); err != nil {
		return nil, err
	}
	code, err := newCode()
	if err != nil {
		return nil, err
	}
	if err := s.steer(kept.Chains, next.acl.Chains); err != nil {
		if undo := s.steer(kept.Chains, nil); undo != nil && undo.Error() != err.Error() {
			err = errors.Join(err, undo)
		}
		return nil, err
	}
	t, old, err := s.begin(trial{edition: next, canary: c, code: code, draft: d.Text, forecast: d.Impact, seen: world.Ways}, w.Base, world, lease)
	if err != nil {
		return nil, errors.Join(err, s.steer(kept.Chains, nil))
	}
	s.describe(t.id, old, next.file)
	return t, nil
}

// describe writes down what a commit changed. It comes after the switch, which should not wait for it.
func (s *Service) describe(id uint32, old, file policy.File) {
	diff := policy.Diff(old, file)
	what, lines := summary(&diff), changes(&diff)
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.trial; t != nil && t.id == id && !t.written {
		t.what, t.diff = what, lines
		s.recordCommit(t)
	}
}

// recordCommit tells of a commit once, before anything else is told of that trial. mu is held.
func (s *Service) recordCommit(t *trial) {
	if t.written {
		return
	}
	t.written = true
	s.record("commit", &t.edition, s.audit.self(), func(e *event) { e.Lease, e.Text, e.On = t.asked.Seconds(), t.text, cleaned(t.on) })
	what := ""
	if t.what != "" {
		what = " (" + t.what + ")"
	}
	// The code is not told: a notice goes into every snapshot, and who reads that has not logged in. Who owns the trial sees it in its bar.
	s.tell(snap.Warn, fmt.Sprintf("v%d is on trial%s for %gs%s: C then k keeps it; C shows its evidence, and the code for hooktop keep from a fresh login", t.id, t.where(), t.asked.Seconds(), what))
}

var errNothing = errors.New("the draft says what is in force: there is nothing to commit")

// candidate makes the edition that a commit is about; its gen is not 0 when it lies in the kernel already. kept is what decides now.
func (s *Service) candidate(w snap.PolicyWish, text string) (e edition, kept acl.Policy, world World, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err = s.open(w.Base); err != nil {
		return e, kept, world, err
	}
	now := s.opt.Now()
	if r := &s.ready; r.gen != 0 && r.raw == text && r.base == s.kept.id && !r.world.moved(s.world) {
		if r.text == s.kept.text && s.kept.id != 0 {
			return e, kept, world, errNothing
		}
		e = r.edition
		e.at = now
		return e, s.kept.acl, s.world, nil
	}
	file := s.parsed
	if text != s.draft.Text || file.Len() == 0 {
		if file, err = policy.Parse(text); err != nil {
			return e, kept, world, fmt.Errorf("%w: nothing was changed", err)
		}
	}
	file = file.Succeed(s.kept.file).Resolve(now)
	if text = file.String(); text == s.kept.text && s.kept.id != 0 {
		return e, kept, world, errNothing
	}
	e = edition{text: text, file: file, acl: s.guarded(file, s.world), at: now}
	return e, s.kept.acl, s.world, nil
}

// open reports why no trial may begin from this base. mu is held.
func (s *Service) open(base uint32) error {
	if err := s.writable(); err != nil {
		return err
	}
	s.notice()
	select {
	case <-s.looked:
	default:
		return errors.New("who has logged in is not known yet: try again in a moment")
	}
	switch {
	case s.trial.soaking():
		return fmt.Errorf("v%d is watched%s before the rest follows: keep lets it follow now, restore takes it back", s.trial.id, s.trial.where())
	case s.trial != nil:
		return errors.New("a trial is running: keep or restore it first")
	case base != s.kept.id:
		return fmt.Errorf("the draft was made from v%d, and v%d is in force: look at what changed and commit again", base, s.kept.id)
	}
	return nil
}

// typed asks for the host's name where a commit may lock somebody out.
func (s *Service) typed(p *acl.Policy, world World, name string, now time.Time) error {
	if name == s.opt.Host {
		return nil
	}
	why := ""
	if list := cuts(p, world.onDevices(), now); len(list) > 0 {
		why = "it cuts a way in: " + list[0]
	} else if world.NoRemote {
		why = "there is no remote session to protect"
	}
	switch {
	case why == "":
		return nil
	case name == "":
		return fmt.Errorf("%s: type the name of this host, %s", why, format.Clean(s.opt.Host))
	}
	return fmt.Errorf("%s: %q is not the name of this host", why, format.Clean(name))
}

// preflight runs the candidate on what must not be decided otherwise than the rules say: the ways in, ARP, neighbour
// discovery. A program that differs from the oracle decides nothing.
func (s *Service) preflight(e edition, world World, now time.Time) error {
	var list []acl.Packet
	for _, w := range world.onDevices() {
		if w.Peer.IsValid() && w.Local.IsValid() {
			list = append(list, w.Packets()...)
		}
	}
	for _, dir := range []acl.Dir{acl.In, acl.Out} {
		list = append(list,
			acl.Packet{Dir: dir, NotIP: true},
			acl.Packet{Dir: dir, Proto: acl.ICMPv6, Type: 135, Src: netip.MustParseAddr("fe80::1"), Dst: netip.MustParseAddr("ff02::1:ff00:2")},
			acl.Packet{Dir: dir, Proto: acl.ICMPv6, Type: 136, Src: netip.MustParseAddr("fe80::2"), Dst: netip.MustParseAddr("fe80::1")})
	}
	said, err := s.judge(e.gen, &e.acl, list)
	if err != nil {
		return fmt.Errorf("try the new program before it decides: %w", err)
	}
	for i, k := range list {
		// What the flow table has seen is not known here: either answer of established is right.
		fresh, known := acl.NewState(now), acl.NewState(now)
		known.Saw(reverse(k))
		a, b := acl.Evaluate(&e.acl, k, fresh), acl.Evaluate(&e.acl, k, known)
		if got := said[i]; !same(&e.acl, got, a) && !same(&e.acl, got, b) {
			return fmt.Errorf("the new program would not do what the rules say with %s: %s, and the rules say %s: nothing was changed, please report this",
				k, e.acl.Words(got), e.acl.Words(a))
		}
	}
	return nil
}

// same compares what the plane said with what the rules say. Of more count rules than a packet is told of, those that it passed
// may be any.
func same(p *acl.Policy, said, rules acl.Decision) bool {
	counted := slices.Equal(said.Counted, rules.Counted)
	if counting(p) > kern.MaxCounted {
		counted = !slices.ContainsFunc(said.Counted, func(i int) bool { return !slices.Contains(rules.Counted, i) })
	}
	return said.Verdict == rules.Verdict && said.By == rules.By && (said.By == acl.ByDefault || said.Index == rules.Index) && counted
}

// counting is how many count rules a policy has.
func counting(p *acl.Policy) (n int) {
	for i := range p.Rules {
		if !p.Rules[i].Off && !p.Rules[i].Action.Final() {
			n++
		}
	}
	return n
}

// begin switches. The world may have moved since the candidate was made, so base and trial are looked at again.
func (s *Service) begin(t trial, base uint32, world World, lease time.Duration) (begun *trial, old policy.File, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(base); err != nil {
		return nil, old, err
	}
	now := s.opt.Now()
	served := t.acl
	served.Served = s.servedNow() // a device may have come since the check
	if err := refuseServed(&served); err != nil {
		return nil, old, err
	}
	slots, err := s.slotsOf(&t.canary)
	if err != nil {
		return nil, old, err
	}
	if err := s.plane.Try(t.gen, slots, lease); err != nil {
		return nil, old, err
	}
	s.begun++
	t.id, t.started, t.lease, t.asked, t.deadline = s.begun, now, lease, lease, now.Add(lease)
	t.who, t.denied = s.audit.who, s.hits.deniedPPS(&s.kept.acl)
	if s.kept.gen == 0 { // the trial alone is written for a world: what moved before that is no reason to write it again
		s.stale = world.moved(s.world)
	}
	s.trial, s.lastEnd = &t, ""
	s.fade(s.kept)
	out := t
	return &out, s.kept.file, nil
}

// codeLetters can't be taken for one another when read out.
const codeLetters = "abcdefghjkmnpqrstuvwxyz23456789"

// newCode makes what hooktop keep asks for: about 30 bits for at most a minute, over a socket that is root's.
func newCode() (string, error) {
	raw := make([]byte, 6)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("make a code: %w", err)
	}
	for i, b := range raw {
		raw[i] = codeLetters[int(b)%len(codeLetters)]
	}
	return string(raw), nil
}

// summary says what a difference is, in a few words.
func summary(d *policy.Difference) string {
	kinds := map[acl.ChangeKind]int{}
	for _, c := range d.Rules {
		kinds[c.Kind]++
	}
	var out []string
	for _, k := range []struct {
		kind acl.ChangeKind
		word string
	}{{acl.Added, "added"}, {acl.Removed, "removed"}, {acl.Changed, "changed"}, {acl.Moved, "moved"}} {
		if n := kinds[k.kind]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, k.word))
		}
	}
	if n := len(d.Sets); n > 0 {
		out = append(out, plural(n, "set"))
	}
	for _, c := range d.Defaults {
		out = append(out, fmt.Sprintf("default %s %s", c.Dir, c.New))
	}
	if n := len(d.Kept); n > 0 {
		out = append(out, plural(n, "line")+" of tunnels and chains")
	}
	if len(out) == 0 {
		return "nothing changed"
	}
	return strings.Join(out, ", ")
}

// changes lists a difference line by line.
func changes(d *policy.Difference) []string {
	var out []string
	for _, c := range d.Defaults {
		out = append(out, fmt.Sprintf("default %s: %s, was %s", c.Dir, c.New, c.Old))
	}
	for _, c := range d.Sets {
		out = append(out, fmt.Sprintf("set %s: %d come, %d gone", c.Name, len(c.Come), len(c.Gone)))
	}
	for _, c := range d.Rules {
		out = append(out, c.String())
	}
	for _, c := range d.Kept {
		out = append(out, c.String())
	}
	return out
}
