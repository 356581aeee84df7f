// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"hooktop/themes/conf"
	"hooktop/ui/core"
)

// Own is the user's choice of keys: binding name to keys, with the line for messages.
type Own struct {
	file    string
	entries map[string]conf.Entry
	order   []string
}

// Read loads a keys.toml: lines of name = "key" or name = ["key", "key"]. A file that does not exist changes nothing.
func Read(path string) (*Own, error) {
	entries, err := conf.Read(path)
	// One that this user may not read is not this user's: HOME often stays behind when privileges are dropped.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return &Own{file: path}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	o := &Own{file: path, entries: map[string]conf.Entry{}}
	for _, e := range entries {
		if len(e.Values) == 0 {
			return nil, o.fail(e, "no key given")
		}
		for _, k := range e.Values {
			if k == "" || strings.ContainsAny(k, " \t") {
				return nil, o.fail(e, fmt.Sprintf("%q is not a key; keys look like x, space, ctrl+x, f2", k))
			}
			if who := Forbidden(k); who != "" {
				return nil, o.fail(e, fmt.Sprintf("%s is %s and can't be used", k, who))
			}
		}
		if slices.ContainsFunc(e.Values, secondOnly) && !slices.ContainsFunc(e.Values, func(k string) bool { return !secondOnly(k) }) {
			return nil, o.fail(e, fmt.Sprintf("%s may only be a second way: add a plain key", Show(e.Values)))
		}
		o.entries[e.Name] = e
		o.order = append(o.order, e.Name)
	}
	return o, nil
}

func (o *Own) fail(e conf.Entry, text string) error {
	return fmt.Errorf("keys %w", &conf.Error{File: o.file, Line: e.Line, Text: e.Name + ": " + text})
}

// Apply returns bs with the user's keys in place of the built-in ones.
func (o *Own) Apply(bs []core.Binding) []core.Binding {
	if o == nil || len(o.entries) == 0 {
		return bs
	}
	out := slices.Clone(bs)
	for i := range out {
		if e, ok := o.entries[out[i].Name]; ok {
			out[i].Keys = e.Values
		}
	}
	return out
}

// Check refuses names that no binding has, and keys that two bindings of one place would share. Places are the lists of
// bindings that hold together: the shell's with each tab's.
func (o *Own) Check(places ...[]core.Binding) error {
	for _, name := range o.order {
		known := slices.ContainsFunc(places, func(bs []core.Binding) bool {
			return slices.ContainsFunc(bs, func(b core.Binding) bool { return b.Name == name })
		})
		if !known {
			return o.fail(o.entries[name], "no such binding; the help (?) and the palette (:) list what there is")
		}
	}
	for _, bs := range places {
		owner := map[string]string{}
		for _, b := range o.Apply(bs) {
			for _, k := range b.Keys {
				if other, taken := owner[k]; taken && other != b.Name {
					return o.conflict(k, b.Name, other)
				}
				owner[k] = b.Name
			}
		}
	}
	return nil
}

// conflict names both lines; a binding that the file does not mention is built in.
func (o *Own) conflict(key, a, b string) error {
	ea, hasA := o.entries[a]
	eb, hasB := o.entries[b]
	switch {
	case hasA && hasB:
		if ea.Line < eb.Line {
			ea, eb = eb, ea
		}
		return o.fail(ea, fmt.Sprintf("%s is already %s's in line %d", key, eb.Name, eb.Line))
	case hasB:
		ea, b = eb, a
	}
	return o.fail(ea, fmt.Sprintf("%s is already %s's (built in, no line): give that one another key too", key, b))
}
