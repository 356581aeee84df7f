// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Decider says which line a counter of a generation stands for, while that generation decides or did a moment ago.
func (s *Service) Decider(gen uint32, hit uint16) (snap.Decider, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.editionOf(gen)
	if e == nil || s.plane == nil {
		return snap.Decider{}, false
	}
	by, index, ok := s.plane.What(gen, hit)
	switch {
	case !ok:
	case by == acl.ByRule && index >= 0 && index < len(e.acl.Rules):
		return e.rule(&e.acl.Rules[index]), true
	case by == acl.ByDefault && (index == 0 || index == 1):
		return e.fallback([]acl.Dir{acl.In, acl.Out}[index]), true
	}
	return snap.Decider{}, false
}

// DeciderAt is the rule or the default of a line of the newest policy that decides anywhere: that of the counters of a frame.
func (s *Service) DeciderAt(line int) (snap.Decider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.newest()
	if line < 1 || line > e.file.Len() {
		return snap.Decider{}, fmt.Errorf("line %d: the policy in force has %s", line, plural(e.file.Len(), "line"))
	}
	switch l := e.file.Line(line); l.Kind {
	case policy.Rule:
		for i := range e.acl.Rules {
			if e.acl.Rules[i].Line == line {
				return e.rule(&e.acl.Rules[i]), nil
			}
		}
	case policy.Default:
		return e.fallback(l.Default.Dir), nil
	}
	return snap.Decider{}, fmt.Errorf("line %d is no rule: pick one that denies", line)
}

// editionOf is what a generation carries, nil when it is none of the last. mu is held.
func (s *Service) editionOf(gen uint32) *edition {
	switch {
	case gen == 0:
		return nil
	case s.trial != nil && s.trial.gen == gen:
		return &s.trial.edition
	case s.kept.gen == gen:
		return &s.kept
	}
	for i := range s.fading {
		if s.fading[i].gen == gen {
			return &s.fading[i]
		}
	}
	return nil
}

func (e *edition) rule(r *acl.Rule) snap.Decider {
	return snap.Decider{
		Gen: e.id, Line: r.Line, Key: fmt.Sprintf("%d\n%s", r.ID.Ordinal, r.ID.Text), Action: r.Action.String(),
		Text: format.Clean(r.String()), Label: format.Clean(r.Label),
	}
}

func (e *edition) fallback(dir acl.Dir) snap.Decider {
	action, line := e.acl.Default(dir)
	text := fmt.Sprintf("default %s %s", dir, action)
	return snap.Decider{Gen: e.id, Line: line, Key: "default " + dir.String(), Action: action.String(), Text: text}
}
