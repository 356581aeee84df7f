// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
)

// maxVersions is how many earlier texts are kept, in a session and of a file.
const maxVersions = 10

// Keep makes the trial what leases fall back to, or has the rest follow a canary: code names which, "" is what there is.
func (s *Service) Keep(code string) snap.Answer { return s.keepFrom(code, s.audit.self()) }

func (s *Service) keepFrom(code string, by actor) snap.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := s.keep(code, by)
	if err != nil {
		return snap.Answer{Err: "keep: " + err.Error()}
	}
	return snap.Answer{Text: text}
}

// keep does what Keep says. mu is held.
func (s *Service) keep(code string, by actor) (string, error) {
	if err := s.writable(); err != nil {
		return "", err
	}
	s.notice()
	t := s.trial
	switch {
	case t == nil && s.lastEnd != "":
		return "", fmt.Errorf("no trial is running: %s", s.lastEnd)
	case t == nil:
		return "", errors.New("no trial is running")
	case code == snap.Rest && !by.Fresh && !t.soaking():
		return "", errors.New("no canary is watched")
	case code == snap.Rest && !by.Fresh:
		code = ""
	}
	switch {
	case (by.Fresh || code != "") && subtle.ConstantTimeCompare([]byte(code), []byte(t.code)) != 1:
		return "", errors.New("this is not the code of the trial that runs")
	case t.soaking() && (by.Fresh || code != ""):
		// The same command in a second login is no wish to end the soak.
		return "", fmt.Errorf("v%d is kept already%s and watched for %s more", t.id, t.where(), t.until.Sub(s.opt.Now()).Round(time.Second))
	case len(t.on) > 0 && !t.soaking():
		return s.beginSoak(t, by)
	case t.soaking():
		if way, cut := s.cutsNow(t); cut {
			return "", fmt.Errorf("on the rest it would cut a way in: %s: restore it, and commit to all devices", way)
		}
	}
	return s.keepAll(t, by)
}

// keepAll makes the trial what decides on all devices. mu is held.
func (s *Service) keepAll(t *trial, by actor) (string, error) {
	err := s.plane.Keep(t.gen)
	if errors.Is(err, ErrLeaseOver) {
		s.over()
		return "", fmt.Errorf("no trial is running: %s", s.lastEnd)
	}
	if err != nil {
		return "", err
	}
	s.recordCommit(t)
	s.count(s.opt.Now())
	old := s.kept
	s.kept, s.trial, s.lastEnd = t.edition, nil, fmt.Sprintf("v%d is kept", t.id)
	s.versions = slices.Insert(s.versions, 0, snap.PolicyVersion{Gen: t.id, At: s.opt.Now(), Who: by.Who, What: t.what, Text: t.text})
	s.versions = s.versions[:min(len(s.versions), maxVersions):min(len(s.versions), maxVersions)]
	s.fade(old)
	s.unsteer()
	s.settleDraft(t.draft)
	s.record("keep", &s.kept, by, func(e *event) { e.Base = old.id })
	s.tell(snap.Info, fmt.Sprintf("v%d is kept (%s), by %s", t.id, t.what, by.Who))
	return fmt.Sprintf("v%d is kept: it decides as long as hooktop runs", t.id), nil
}

// Restore ends the trial: what was kept before decides again.
func (s *Service) Restore() snap.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return snap.Answer{Err: "restore: " + err.Error()}
	}
	s.notice()
	if s.trial == nil {
		return snap.Answer{Err: "restore: no trial is running"}
	}
	if err := s.restore("restored by the operator"); err != nil {
		return snap.Answer{Err: err.Error()}
	}
	return snap.Answer{Text: named(s.kept.id) + " decides again"}
}

// restore ends the trial. mu is held.
func (s *Service) restore(why string) error {
	t := s.trial
	if err := s.plane.Restore(); err != nil {
		return fmt.Errorf("restore v%d: %w: the lease ends in %s by itself", s.kept.id, err, t.lease.Round(time.Second))
	}
	s.endTrial("restore", why)
	return nil
}

// Extend makes the lease end later, counted from now.
func (s *Service) Extend(wanted time.Duration) snap.Answer {
	lease, err := s.lease(wanted)
	if err != nil {
		return snap.Answer{Err: "extend: " + err.Error()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return snap.Answer{Err: "extend: " + err.Error()}
	}
	s.notice()
	if s.trial == nil {
		return snap.Answer{Err: "extend: no trial is running"}
	}
	if s.trial.soaking() {
		s.trial.until = s.opt.Now().Add(s.trial.soak)
		return snap.Answer{Text: fmt.Sprintf("the rest follows in %s", s.trial.soak)}
	}
	err = s.plane.Extend(lease)
	if errors.Is(err, ErrLeaseOver) {
		s.over()
		return snap.Answer{Err: "extend: no trial is running: " + s.lastEnd}
	}
	if err != nil {
		return snap.Answer{Err: "extend: " + err.Error()}
	}
	s.trial.lease, s.trial.deadline = lease, s.opt.Now().Add(lease)
	s.record("extend", &s.trial.edition, s.audit.self(), func(e *event) { e.Lease = lease.Seconds() })
	return snap.Answer{Text: fmt.Sprintf("the lease ends in %s", lease)}
}

// notice finds out whether the kernel has ended the lease. mu is held.
func (s *Service) notice() {
	if s.trial == nil || s.plane == nil {
		return
	}
	words := s.plane.State()
	if len(words) == 0 {
		// Nobody decides anything: only this process can say that the time is over.
		if s.trial.lease = s.trial.deadline.Sub(s.opt.Now()); s.trial.lease <= 0 {
			s.over()
		}
		return
	}
	s.trial.lease = 0
	for _, w := range words {
		if w.Gen == s.trial.gen {
			s.trial.lease = max(s.trial.lease, w.Lease)
		}
	}
	if s.trial.lease <= 0 {
		s.over()
	}
}

// over takes note that the kernel went back by itself. Restore makes the words say so plainly: devices that come later
// must not begin with what is left of a trial. mu is held.
func (s *Service) over() {
	if err := s.plane.Restore(); err != nil {
		s.tell(snap.Crit, fmt.Sprintf("after the end of a lease: %v", err))
	}
	why := "the lease is over and nobody kept it"
	if s.trial.soaking() {
		why = "the canary's lease was not renewed, for the host could not be looked at"
	}
	s.endTrial("lease over", why)
}

// endTrial takes note of the end of a trial. mu is held.
func (s *Service) endTrial(what, why string) {
	t := s.trial
	s.recordCommit(t)
	s.count(s.opt.Now())
	s.trial = nil
	s.lastEnd = named(s.kept.id) + " decides again: " + why
	s.fade(t.edition)
	s.unsteer()
	s.record(what, &t.edition, s.audit.self(), func(e *event) { e.Base, e.Why, e.On = s.kept.id, why, cleaned(t.on) })
	s.tell(snap.Warn, s.lastEnd)
}

// settleDraft drops the draft that was kept, unless another one was staged meanwhile. mu is held; the file goes without.
func (s *Service) settleDraft(kept string) {
	if s.draft.Text != kept {
		return
	}
	s.draft, s.parsed = snap.Draft{}, policy.File{}
	s.audit.later(func() {
		s.turn.Lock()
		defer s.turn.Unlock()
		s.mu.Lock()
		text := s.draft.Text
		s.mu.Unlock()
		if err := writeDraft(s.opt.Draft, text); err != nil {
			s.notify(snap.Warn, err.Error())
		}
	})
}

// notify tells the operator something; mu is not held.
func (s *Service) notify(sev snap.Severity, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell(sev, text)
}
