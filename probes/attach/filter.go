// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// filterHandle is the handle of our filters, "hook" in ASCII. Prio and name decide together with it.
const filterHandle = 0x686f6f6b

// maxPrio bounds the search for a free preference: ours should run before filters that end the chain.
const maxPrio = 16

// filterHold is a program that sits on a clsact qdisc.
type filterHold struct {
	filters Filters
	journal Journal
	prog    Program
	f       snap.Filter
}

// attachFilter puts the pipeline on the clsact qdisc of a device. The journal is told before each attempt, so that a
// crash at any instant leaves nothing that nobody knows of. madeQdisc says whether the qdisc is ours to remove.
func (s *Set) attachFilter(d *Dev, egress bool) (h Hold, err error) {
	prog, err := s.plane.Program(d.device(), egress)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			prog.Close()
		}
	}()
	dir := "in"
	if egress {
		dir = "out"
	}
	f := snap.Filter{
		Index: d.Link.Index, Egress: egress, Prio: 1, Handle: filterHandle,
		Name: s.journal.Tag() + "-" + dir, FD: prog.FD(),
	}
	has, err := s.filters.HasClsact(d.Link.Index)
	if err != nil {
		return nil, fmt.Errorf("look for clsact on %s: %w", d.Link.Name, err)
	}
	for ; f.Prio <= maxPrio; f.Prio++ {
		if err := s.journal.Intend(f, d.Link.Name, !has || d.madeQdisc); err != nil {
			return nil, fmt.Errorf("write the journal: %w", err)
		}
		made, err := s.filters.EnsureClsact(d.Link.Index)
		if err != nil {
			s.journal.Done(f)
			return nil, fmt.Errorf("add clsact to %s: %w", d.Link.Name, err)
		}
		if made {
			has, d.madeQdisc = true, true
		} else if !has {
			// Somebody was faster: the qdisc is theirs, and the journal must not promise its removal.
			has = true
			if err := s.journal.Intend(f, d.Link.Name, false); err != nil {
				return nil, fmt.Errorf("write the journal: %w", err)
			}
		}
		err = s.filters.AttachFilter(f)
		if err == nil {
			return &filterHold{filters: s.filters, journal: s.journal, prog: prog, f: f}, nil
		}
		s.journal.Done(f)
		if !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.EINVAL) {
			return nil, fmt.Errorf("add filter to %s: %w", d.Link.Name, err)
		}
	}
	return nil, fmt.Errorf("add filter to %s: preferences 1 to %d are taken", d.Link.Name, maxPrio)
}

func (h *filterHold) Close() error {
	err := h.filters.RemoveFilter(h.f)
	if err == nil {
		h.journal.Done(h.f)
	}
	return errors.Join(err, h.prog.Close())
}

func (h *filterHold) IDs() (link, prog uint32) { return 0, h.prog.ID() }

func (h *filterHold) Info() (snap.Program, error) { return h.prog.Info() }

func (h *filterHold) Sits() (bool, error) {
	list, err := h.filters.ListFilters(h.f.Index)
	if err != nil {
		return false, err
	}
	for _, f := range list {
		if f.Egress == h.f.Egress && f.Prio == h.f.Prio && f.Handle == h.f.Handle && f.Name == h.f.Name {
			return f.ProgID == 0 || f.ProgID == h.prog.ID(), nil
		}
	}
	return false, nil
}
