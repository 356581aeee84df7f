// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"slices"

	"hooktop/netcfg/acl"
)

// Verb of an edit.
type Verb uint8

const (
	Insert  Verb = iota // Line becomes number At
	Delete              // number At goes
	Replace             // number At becomes Line; a rule inherits the counters of the one before
	Move                // number At becomes number To
	Toggle              // number At is switched off, or on again
)

// Edit is one change of a file as a value.
type Edit struct {
	Verb Verb
	At   int // from 1
	To   int // of Move
	Line Line
}

// ErrNoSwitch says that a line has nothing to switch off.
var ErrNoSwitch = errors.New("only rules, defaults, tunnel and chain lines can be switched off")

// Apply makes the edited file and the edit that takes it back. The file itself stays as it is.
func (f File) Apply(e Edit) (File, Edit, error) {
	last := len(f.lines)
	if e.Verb == Insert {
		last++
	}
	if e.At < 1 || e.At > last || e.Verb == Move && (e.To < 1 || e.To > last) {
		return f, Edit{}, fmt.Errorf("edit line %d: the file has %d lines", e.At, len(f.lines))
	}
	out := File{lines: slices.Clone(f.lines)}
	i := e.At - 1
	switch e.Verb {
	case Insert:
		if len(f.lines) == MaxLines {
			return f, Edit{}, fmt.Errorf("insert line %d: a file has at most %d lines: put addresses into sets", e.At, MaxLines)
		}
		out.lines = slices.Insert(out.lines, i, f.alone(e.Line))
		out.name(map[acl.ID]bool{})
		return out, Edit{Verb: Delete, At: e.At}, nil
	case Delete:
		out.lines = slices.Delete(out.lines, i, i+1)
		return out, Edit{Verb: Insert, At: e.At, Line: f.lines[i]}, nil
	case Replace:
		out.lines[i] = heir(f.lines[i], e.Line)
		out.name(map[acl.ID]bool{})
		return out, Edit{Verb: Replace, At: e.At, Line: f.lines[i]}, nil
	case Move:
		out.lines = slices.Insert(slices.Delete(out.lines, i, i+1), e.To-1, f.lines[i])
		return out, Edit{Verb: Move, At: e.To, To: e.At}, nil
	case Toggle:
		l, ok := toggled(f.lines[i])
		if !ok {
			return f, Edit{}, fmt.Errorf("switch line %d: %w", e.At, ErrNoSwitch)
		}
		out.lines[i] = l
		return out, e, nil
	}
	return f, Edit{}, fmt.Errorf("edit line %d: unknown verb %d", e.At, e.Verb)
}

// heir gives a rule the identity of the one whose place it takes, unless it has its own (an undo brings it back).
func heir(old, line Line) Line {
	if old.Kind != Rule || line.Kind != Rule || line.Rule.ID != (acl.ID{}) {
		return line
	}
	r := *line.Rule
	r.ID = old.Rule.ID
	line.Rule = &r
	return line
}

// alone takes the identity off a rule that f has already: a copy of a line is another rule.
func (f File) alone(line Line) Line {
	if line.Kind != Rule || !slices.ContainsFunc(f.lines, func(l Line) bool { return l.Kind == Rule && l.Rule.ID == line.Rule.ID }) {
		return line
	}
	r := *line.Rule
	r.ID = acl.ID{}
	line.Rule = &r
	return line
}

func toggled(l Line) (Line, bool) {
	switch l.Kind {
	case Rule:
		r := *l.Rule
		r.Off = !r.Off
		l.Rule = &r
	case Default:
		d := *l.Default
		d.Off = !d.Off
		l.Default = &d
	case Chain:
		c := *l.Chain
		c.Off = !c.Off
		l.Chain = &c
	case Tunnel:
		t := *l.Tunnel
		t.Off = !t.Off
		l.Tunnel = &t
	default:
		return l, false
	}
	return l, true
}

// Off reports whether a line is switched off.
func (l Line) Off() bool {
	return l.Kind == Rule && l.Rule.Off || l.Kind == Default && l.Default.Off || l.Kind == Chain && l.Chain.Off || l.Kind == Tunnel && l.Tunnel.Off
}

// Draft is a file that is being edited: the policy that stands, the edits since, and those that were undone. A value:
// each step gives another draft.
type Draft struct {
	Base File
	File File
	done *step // newest first
	gone *step // undone, newest first
}

// step is one edit with the way back.
type step struct {
	there, back Edit
	next        *step
}

// NewDraft begins to edit a file.
func NewDraft(base File) Draft { return Draft{Base: base, File: base} }

// Do makes an edit. What had been undone can't be done again after it.
func (d Draft) Do(e Edit) (Draft, error) {
	file, back, err := d.File.Apply(e)
	if err != nil {
		return d, err
	}
	d.File, d.done, d.gone = file, &step{e, back, d.done}, nil
	return d, nil
}

// Undo takes the last edit back; false: there is none.
func (d Draft) Undo() (Draft, bool) {
	s := d.done
	if s == nil {
		return d, false
	}
	file, there, err := d.File.Apply(s.back)
	if err != nil {
		return d, false
	}
	// The way there is what the way back found: it carries the identities that Do gave.
	d.File, d.done, d.gone = file, s.next, &step{there, s.back, d.gone}
	return d, true
}

// Redo makes the last undone edit again; false: there is none.
func (d Draft) Redo() (Draft, bool) {
	s := d.gone
	if s == nil {
		return d, false
	}
	file, back, err := d.File.Apply(s.there)
	if err != nil {
		return d, false
	}
	d.File, d.done, d.gone = file, &step{s.there, back, d.done}, s.next
	return d, true
}

// Steps says how many edits can be undone and done again.
func (d Draft) Steps() (undo, redo int) {
	for s := d.done; s != nil; s = s.next {
		undo++
	}
	for s := d.gone; s != nil; s = s.next {
		redo++
	}
	return undo, redo
}
