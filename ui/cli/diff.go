// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"net/netip"
	"strings"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
)

// Exit codes of diff are those of diff(1): scripts that know one know the other.
const (
	exitDiffers = 1
	exitTrouble = 2
)

func diffCommand() command {
	return command{
		name: "diff", args: "A B", min: 2, max: 2, short: "Say what policy B decides otherwise than policy A",
		long: "diff compares two policies by what they mean: rules added, removed, changed and\nmoved, sets, defaults, and packets whose " +
			"fate changes. Comments, blank lines, form\nand the place of sets and defaults do not count. - is standard input.\n\n" +
			"Exit codes, as of diff(1): 0 the same, 1 they differ, 2 wrong usage or a policy\nthat can't be read or has errors.",
		example: "  hooktop diff policy.acl.1 policy.acl\n  hooktop diff --json old.acl new.acl | jq '.packets[].packet'",
		flags:   jsonFlag(), run: runDiff,
	}
}

// diffObject is what diff says in JSON.
type diffObject struct {
	Schema   string          `json:"schema"`
	Same     bool            `json:"same"`
	Defaults []defaultObject `json:"defaults"`
	Sets     []setObject     `json:"sets"`
	Rules    []changeObject  `json:"rules"`
	Kept     []keptObject    `json:"kept"` // tunnel and chain lines
	Packets  []fateObject    `json:"packets"`
	Tried    int             `json:"tried"`
	Errors   []errorObject   `json:"errors"`
	More     int             `json:"more_errors"`
}

type defaultObject struct {
	Dir string `json:"dir"`
	Old string `json:"old"`
	New string `json:"new"`
}

type setObject struct {
	Name  string   `json:"name"`
	Kind  string   `json:"kind"` // "added", "removed", "changed"
	Gone  []string `json:"gone"`
	Added []string `json:"added"`
}

type changeObject struct {
	Kind    string `json:"kind"` // "added", "removed", "changed", "moved"
	OldLine int    `json:"old_line"`
	NewLine int    `json:"new_line"`
	Old     string `json:"old"`
	New     string `json:"new"`
}

type keptObject struct {
	Kind string `json:"kind"` // "added", "removed"
	Line int    `json:"line"`
	Text string `json:"text"`
}

type fateObject struct {
	Packet      string `json:"packet"`
	Established bool   `json:"established"` // an allowed packet of the other direction had been seen
	Old         string `json:"old"`
	New         string `json:"new"`
}

func runDiff(c *call) error {
	if c.args[0] == "-" && c.args[1] == "-" {
		return usagef("name a file for one of them", "diff: standard input can't be both policies")
	}
	var files [2]policy.File
	for i, name := range c.args {
		src, err := c.readPolicy(name)
		if err != nil {
			return &Error{Code: exitTrouble, Err: fmt.Errorf("diff: %w", err)}
		}
		src.close()
		if files[i], err = policy.Parse(src.text); err != nil {
			o := newDiffObject()
			o.Errors, o.More = errorObjects(err, src.name)
			return c.policyErrors("diff", exitTrouble, src, err, o)
		}
	}
	d := policy.Diff(files[0], files[1])
	if err := c.print(diffJSON(&d), func(w io.Writer) error { return diffText(w, &d) }); err != nil {
		return &Error{Code: exitTrouble, Err: err}
	}
	if !d.Same() {
		return &Error{Code: exitDiffers}
	}
	return nil
}

func newDiffObject() diffObject {
	return diffObject{Schema: "hooktop.diff/1", Defaults: []defaultObject{}, Sets: []setObject{}, Rules: []changeObject{}, Kept: []keptObject{},
		Packets: []fateObject{}, Errors: []errorObject{}}
}

func diffJSON(d *policy.Difference) diffObject {
	o := newDiffObject()
	o.Same, o.Tried = d.Same(), d.Tried
	for _, c := range d.Defaults {
		o.Defaults = append(o.Defaults, defaultObject{c.Dir.String(), c.Old.String(), c.New.String()})
	}
	for _, c := range d.Sets {
		o.Sets = append(o.Sets, setObject{c.Name, setKind(c), prefixTexts(c.Gone), prefixTexts(c.Come)})
	}
	for _, c := range d.Rules {
		one := changeObject{Kind: c.Kind.String()}
		if c.Old != nil {
			one.OldLine, one.Old = c.Old.Line, c.Old.String()
		}
		if c.New != nil {
			one.NewLine, one.New = c.New.Line, c.New.String()
		}
		o.Rules = append(o.Rules, one)
	}
	for _, c := range d.Kept {
		o.Kept = append(o.Kept, keptObject{keptKind(c), c.Line, c.Text})
	}
	for _, s := range d.Samples {
		o.Packets = append(o.Packets, fateObject{s.Packet.String(), s.Seen, s.Was, s.Is})
	}
	return o
}

func setKind(c acl.SetChange) string {
	switch {
	case c.Fresh:
		return "added"
	case c.Dropped:
		return "removed"
	}
	return "changed"
}

func keptKind(c policy.KeptChange) string {
	if c.Added {
		return "added"
	}
	return "removed"
}

func prefixTexts(list []netip.Prefix) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, acl.PrefixText(p))
	}
	return out
}

// sign stands before a line of the text: + and - as everywhere, ~ and > as nowhere else.
func sign(kind string) string {
	return map[string]string{"added": "+", "removed": "-", "changed": "~", "moved": ">"}[kind]
}

func diffText(w io.Writer, d *policy.Difference) error {
	var b strings.Builder
	for _, c := range d.Defaults {
		fmt.Fprintf(&b, "~ default %s: %s, was: %s\n", c.Dir, c.New, c.Old)
	}
	for _, c := range d.Sets {
		kind := setKind(c)
		fmt.Fprintf(&b, "%s set %s %s:", sign(kind), c.Name, kind)
		for _, p := range c.Gone {
			b.WriteString(" -" + acl.PrefixText(p))
		}
		for _, p := range c.Come {
			b.WriteString(" +" + acl.PrefixText(p))
		}
		b.WriteByte('\n')
	}
	for _, c := range d.Rules {
		fmt.Fprintf(&b, "%s %s\n", sign(c.Kind.String()), c)
	}
	for _, c := range d.Kept {
		fmt.Fprintf(&b, "%s %s\n", sign(keptKind(c)), c)
	}
	switch {
	case d.Same():
	case len(d.Samples) == 0:
		fmt.Fprintf(&b, "\nno packet was found whose fate changes (%d tried)\n", d.Tried)
	default:
		b.WriteString("\npackets whose fate changes:\n")
	}
	for _, s := range d.Samples {
		seen := ""
		if s.Seen {
			seen = " (established)"
		}
		fmt.Fprintf(&b, "  %s%s: %s, was: %s\n", s.Packet, seen, s.Is, s.Was)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
