// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hooktop/netcfg/acl"
)

// Limits of a file. A rule's number is its line, which the kernel keeps in 16 bits.
const (
	MaxBytes  = 8 << 20
	MaxLines  = 1<<16 - 1
	MaxErrors = 100 // that Parse reports one by one
)

// Kind of a line.
type Kind uint8

const (
	Blank Kind = iota
	Comment
	Rule
	Set
	Default
	Tunnel
	Chain
)

// Line is one line of a file. What its pointers lead to is never changed.
type Line struct {
	Kind    Kind
	Text    string // of comments
	Rule    *acl.Rule
	Set     *acl.Set
	Default *acl.Default
	Chain   *acl.Chain
	Tunnel  *acl.Tunnel
}

// String is the line's canonical text.
func (l Line) String() string {
	switch l.Kind {
	case Rule:
		return l.Rule.String()
	case Set:
		return l.Set.String()
	case Default:
		return l.Default.String()
	case Chain:
		return l.Chain.String()
	case Tunnel:
		return l.Tunnel.String()
	}
	return l.Text
}

// File is a whole policy file.
type File struct {
	lines []Line
}

// Len is the number of lines.
func (f File) Len() int { return len(f.lines) }

// Line gives the n-th line, from 1.
func (f File) Line(n int) Line { return f.lines[n-1] }

// String is the canonical text. Parse of it gives the same file.
func (f File) String() string {
	var b strings.Builder
	for _, l := range f.lines {
		b.WriteString(l.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// Errors are all that is wrong with a text; More counts those beyond MaxErrors.
type Errors struct {
	List []acl.Error
	More int
}

func (e *Errors) Error() string {
	text := e.List[0].Error()
	if n := len(e.List) + e.More - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

func (e *Errors) add(line int, list ...acl.Error) {
	for _, one := range list {
		if len(e.List) == MaxErrors {
			e.More++
			continue
		}
		one.Line = line
		e.List = append(e.List, one)
	}
}

// Parse reads a policy. When the error is not nil it is an *Errors with everything that is wrong, and the file is empty: a
// policy with an error changes nothing.
func Parse(text string) (File, error) {
	errs := &Errors{}
	if len(text) > MaxBytes {
		errs.add(1, acl.Error{Col: 1, Msg: fmt.Sprintf("the file has more than %d bytes", MaxBytes), Hint: "leave out what decides nothing, or join prefixes"})
		return File{}, errs
	}
	var f File
	f.lines = make([]Line, 0, strings.Count(text, "\n")+1)
	rows := make([]string, 0, cap(f.lines)) // as typed, for the columns of errors
	broken := map[string]bool{}             // sets whose lines have errors: that they are not made would be news to nobody
	var reader acl.Reader
	for n := 1; text != ""; n++ {
		if n > MaxLines {
			errs.add(n, acl.Error{Col: 1, Msg: fmt.Sprintf("the file has more than %d lines", MaxLines), Hint: "put addresses into sets"})
			break
		}
		var row string
		row, text, _ = strings.Cut(text, "\n")
		row = strings.TrimSuffix(row, "\r")
		l, list := parseLine(&reader, row)
		errs.add(n, list...)
		if name := setOf(row); list != nil && name != "" {
			broken[name] = true
		}
		f.lines, rows = append(f.lines, l), append(rows, row)
	}
	f.check(errs, broken, func(i int) string { return rows[i] })
	if len(errs.List) > 0 {
		slices.SortStableFunc(errs.List, func(a, b acl.Error) int { return a.Line - b.Line })
		return File{}, errs
	}
	f.nameAll()
	return f, nil
}

// ParseLine reads one line, as the inline editor holds it. Errors have Line 0; the line is blank then.
func ParseLine(text string) (Line, []acl.Error) { return parseLine(new(acl.Reader), text) }

func parseLine(reader *acl.Reader, text string) (Line, []acl.Error) {
	body := strings.Trim(text, blanks)
	if body == "" {
		return Line{}, nil
	}
	if body[0] == '#' {
		if bad := acl.CheckText(text); bad != nil {
			return Line{}, bad
		}
		return Line{Kind: Comment, Text: strings.ReplaceAll(body, "\t", " ")}, nil
	}
	e, errs := reader.Entry(text)
	switch {
	case errs != nil:
		return Line{}, errs
	case e.Rule != nil:
		return Line{Kind: Rule, Rule: e.Rule}, nil
	case e.Set != nil:
		return Line{Kind: Set, Set: e.Set}, nil
	case e.Chain != nil:
		return Line{Kind: Chain, Chain: e.Chain}, nil
	case e.Tunnel != nil:
		return Line{Kind: Tunnel, Tunnel: e.Tunnel}, nil
	}
	return Line{Kind: Default, Default: e.Default}, nil
}

const blanks = " \t"

// wordOf cuts the first word off.
func wordOf(text string) (word, rest string) {
	text = strings.TrimLeft(text, blanks)
	if i := strings.IndexAny(text, blanks); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

// Check says what is wrong between lines: a set that is missing or made twice, a default said twice. nil: nothing.
func (f File) Check() error {
	errs := &Errors{}
	f.check(errs, nil, func(i int) string { return f.lines[i].String() })
	if len(errs.List) > 0 {
		return errs
	}
	return nil
}

// setOf is the name of the set that a line with errors was to make, "" when it was to make none.
func setOf(row string) string {
	if word, rest := wordOf(row); word == "set" {
		name, _ := wordOf(rest)
		name, _, _ = strings.Cut(name, "{")
		return strings.TrimPrefix(name, "@")
	}
	return ""
}

// check looks between lines; sets are known that are made or broken, and row gives the text that columns are counted in.
func (f File) check(errs *Errors, broken map[string]bool, row func(int) string) {
	sets, defaults := map[string]int{}, map[acl.Dir]int{}
	bad := func(i int, word, hint, msg string, args ...any) {
		errs.add(i+1, acl.Error{Col: acl.Column(row(i), word), Msg: fmt.Sprintf(msg, args...), Hint: hint})
	}
	for i, l := range f.lines {
		switch {
		case l.Kind == Set && sets[l.Set.Name] > 0:
			bad(i, l.Set.Name, "rename one, or join them", "set: %q is made in line %d too", l.Set.Name, sets[l.Set.Name])
		case l.Kind == Set:
			sets[l.Set.Name] = i + 1
		case l.Kind == Default && !l.Default.Off && defaults[l.Default.Dir] > 0:
			bad(i, "default", "remove one", "default %s is said in line %d too", l.Default.Dir, defaults[l.Default.Dir])
		case l.Kind == Default && !l.Default.Off:
			defaults[l.Default.Dir] = i + 1
		}
	}
	for i, l := range f.lines {
		var match *acl.Rule
		switch l.Kind {
		case Rule:
			match = l.Rule
		case Chain:
			match = &l.Chain.Match
			f.checkChain(i, bad)
		default:
			continue
		}
		for _, e := range []acl.End{match.From, match.To} {
			if e.Set != "" && sets[e.Set] == 0 && !broken[e.Set] {
				bad(i, "@"+e.Set, "add set "+e.Set+" { … }", "set @%s is not made anywhere", e.Set)
			}
		}
	}
	f.checkTunnels(bad)
}

// checkChain holds a chain against those above it.
func (f File) checkChain(i int, bad func(i int, word, hint, msg string, args ...any)) {
	c := f.lines[i].Chain
	for j, l := range f.lines[:i] {
		if l.Kind != Chain {
			continue
		}
		if msg, hint := acl.ChainClash(l.Chain, c); msg != "" {
			bad(i, c.Name, hint, "%s: see line %d", msg, j+1)
			return
		}
	}
}

// Resolve makes every relative expiry absolute, for a commit at now. Identities stay.
func (f File) Resolve(now time.Time) File {
	out := File{lines: append([]Line(nil), f.lines...)}
	for i, l := range out.lines {
		if l.Kind == Rule && l.Rule.Expires.After > 0 {
			r := *l.Rule
			r.Expires = r.Expires.From(now)
			out.lines[i].Rule = &r
		}
	}
	return out
}

// ACL gives what lint, oracle, difference and compiler read. The guard is the caller's.
func (f File) ACL() acl.Policy {
	p := acl.Policy{Sets: map[string]acl.Set{}}
	rules := 0
	for i := range f.lines {
		if f.lines[i].Kind == Rule {
			rules++
		}
	}
	if rules > 0 {
		p.Rules = make([]acl.Rule, 0, rules)
	}
	for i := range f.lines {
		switch l := &f.lines[i]; l.Kind {
		case Set:
			set := *l.Set
			set.Line = i + 1
			p.Sets[set.Name] = set
		case Rule:
			p.Rules = append(p.Rules, *l.Rule)
			p.Rules[len(p.Rules)-1].Line = i + 1
		case Chain:
			c := *l.Chain
			c.Line = i + 1
			p.Chains = append(p.Chains, c)
		case Tunnel:
			t := *l.Tunnel
			t.Line = i + 1
			p.Tunnels = append(p.Tunnels, t)
		case Default:
			switch d := l.Default; {
			case d.Off:
			case d.Dir == acl.In:
				p.In, p.InLine = d.Action, i+1
			default:
				p.Out, p.OutLine = d.Action, i+1
			}
		}
	}
	return p
}
