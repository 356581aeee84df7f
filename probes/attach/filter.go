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
// crash at any instant leaves nothing that nobody knows of.
func (s *Set) attachFilter(d *Dev, k Hook) (h Hold, err error) {
	prog, err := s.plane.Program(d.device(), k)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			prog.Close()
		}
	}()
	dir := map[Hook]string{TCIngress: "in", TCEgress: "out", TCMark: "mark"}[k]
	f := snap.Filter{
		Index: d.Link.Index, Egress: k == TCEgress, Prio: 1, Handle: filterHandle,
		Name: s.journal.Tag() + "-" + dir, FD: prog.FD(),
	}
	if err := s.ensureQdisc(d); err != nil {
		return nil, err
	}
	for ; f.Prio <= maxPrio; f.Prio++ {
		if err := s.journal.Intend(f, d.Link.Name); err != nil {
			return nil, fmt.Errorf("write the journal: %w", err)
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

// ensureQdisc sees to it that the device has a clsact qdisc and that the journal knows when it is ours.
func (s *Set) ensureQdisc(d *Dev) error {
	has, err := s.filters.HasClsact(d.Link.Index)
	if err != nil {
		return fmt.Errorf("look for clsact on %s: %w", d.Link.Name, err)
	}
	if has {
		return nil
	}
	if err := s.journal.IntendQdisc(d.Link.Index, d.Link.Name); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	made, err := s.filters.EnsureClsact(d.Link.Index)
	if err != nil || !made { // !made: somebody was faster, the qdisc is theirs
		s.journal.DoneQdisc(d.Link.Index)
	}
	if err != nil {
		return fmt.Errorf("add clsact to %s: %w", d.Link.Name, err)
	}
	d.madeQdisc = made
	return nil
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
