// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
)

func fmtCommand() command {
	return command{
		name: "fmt", args: "[FILE]", max: 1, short: "Print the canonical form of a policy",
		long: "fmt reads a policy (FILE, or standard input without one or for -) and prints its\ncanonical form; comments and order stay. " +
			"A policy with errors is not printed: each\nerror is one line on stderr with line, column and what to write instead.\n\n" +
			acl.Grammar + "\n\nExit codes: 0 fine, 1 the policy has errors, can't be read or written, or (with\n--check) is not in canonical form, 2 wrong usage.",
		example: "  hooktop fmt policy.acl\n  hooktop fmt --check policy.acl || hooktop fmt -w policy.acl",
		flags: join([]flag{
			{name: "check", usage: "print nothing; exit code 1 when the policy is not in canonical form",
				kind: toggle(func(s *settings) *bool { return &s.check })},
			{name: "write", short: "w", usage: "write the canonical form into FILE, all or nothing; mode and owner stay",
				kind: toggle(func(s *settings) *bool { return &s.write })},
		}, jsonFlag()),
		run: runFmt,
	}
}

// fmtObject is what fmt says in JSON.
type fmtObject struct {
	Schema    string          `json:"schema"`
	File      string          `json:"file"`
	Canonical bool            `json:"canonical"` // the text is in canonical form already
	Written   bool            `json:"written"`
	Text      string          `json:"text"` // canonical, "" when there are errors
	Errors    []errorObject   `json:"errors"`
	More      int             `json:"more_errors"`
	Findings  []findingObject `json:"findings"`
}

type errorObject struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
	Hint   string `json:"hint"`
}

type findingObject struct {
	Kind string `json:"kind"`
	Line int    `json:"line"`
	By   int    `json:"by"` // line of the rule that does it, 0: none
	Text string `json:"text"`
}

func runFmt(c *call) error {
	name := "-"
	if len(c.args) == 1 {
		name = c.args[0]
	}
	switch {
	case c.check && c.write:
		return usagef("give one of them", "--check and --write exclude each other")
	case c.write && name == "-":
		return usagef("name a file", "--write: standard input can't be written")
	}
	src, err := c.readPolicy(name)
	if err != nil {
		return fmt.Errorf("fmt: %w", err)
	}
	defer src.close()
	file, err := policy.Parse(src.text)
	o := fmtObject{Schema: "hooktop.fmt/1", File: src.name, Errors: []errorObject{}, Findings: []findingObject{}}
	if err != nil {
		o.Errors, o.More = errorObjects(err, "")
		return c.policyErrors("fmt", ExitFailed, src, err, o)
	}
	o.Text = file.String()
	o.Canonical = o.Text == src.text
	if c.opt.JSON {
		p := file.ACL()
		for _, f := range acl.Lint(&p, acl.Circumstances{Now: time.Now()}) {
			o.Findings = append(o.Findings, findingObject{f.Kind.String(), f.Line, f.By, f.Text})
		}
	}
	if c.write && !o.Canonical {
		if err := src.replace(o.Text, (*os.File).WriteString); err != nil {
			return fmt.Errorf("fmt: %w", err)
		}
		o.Written = true
	}
	if err := c.printFmt(o); err != nil {
		return err
	}
	if c.check && !o.Canonical {
		return &Error{Code: ExitFailed, Err: fmt.Errorf("fmt: %s is not in canonical form", src.name), Fix: "run hooktop fmt -w"}
	}
	return nil
}

func (c *call) printFmt(o fmtObject) error {
	return c.print(o, func(w io.Writer) error {
		if c.check || c.write {
			return nil
		}
		_, err := io.WriteString(w, o.Text)
		return err
	})
}

// policyErrors tells each error of a policy in a line of its own, or all of them in the JSON object.
func (c *call) policyErrors(command string, code int, src *policyFile, err error, object any) error {
	var errs *policy.Errors
	if !errors.As(err, &errs) {
		return err
	}
	if c.opt.JSON {
		if err := c.print(object, nil); err != nil {
			return err
		}
	}
	for _, one := range errs.List {
		fmt.Fprintf(c.std.Err, "hooktop: %s %s: %s\n", command, src.name, one.Error())
	}
	if errs.More > 0 {
		fmt.Fprintf(c.std.Err, "hooktop: %s %s: %d more errors\n", command, src.name, errs.More)
	}
	return &Error{Code: code}
}

func errorObjects(err error, file string) (list []errorObject, more int) {
	var errs *policy.Errors
	if !errors.As(err, &errs) {
		return nil, 0
	}
	for _, e := range errs.List {
		list = append(list, errorObject{File: file, Line: e.Line, Column: e.Col, Text: e.Msg, Hint: e.Hint})
	}
	return list, errs.More
}
