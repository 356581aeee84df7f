// SPDX-License-Identifier: Apache-2.0

// Package conf reads the small TOML files of the screen (themes, keys): names to strings, each with its line, so that an
// error can point at it.
package conf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// maxSize of a file in bytes; a larger one is a mistake.
const maxSize = 1 << 20

// Entry is one line: a dotted name and its strings (one unless the value is an array).
type Entry struct {
	Name   string
	Values []string
	Array  bool
	Line   int
}

// Error points at a line of a file.
type Error struct {
	File string
	Line int
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text) }

// Read returns the entries of a file in their order. A name that occurs twice is an error.
func Read(path string) ([]Entry, error) {
	f, err := os.Open(path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: not a regular file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("read %s: larger than %d bytes", path, maxSize)
	}
	return Parse(path, data)
}

// Parse is Read on bytes; path is for messages.
func Parse(path string, data []byte) ([]Entry, error) {
	if err := wellFormed(path, data); err != nil {
		return nil, err
	}
	var out []Entry
	seen := map[string]int{}
	prefix := ""
	var p unstable.Parser
	p.Reset(data)
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			prefix, _ = keyOf(&p, e)
			prefix += "."
		case unstable.KeyValue:
			name, line := keyOf(&p, e)
			if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
				return nil, &Error{path, line, fmt.Sprintf("%q: a name holds a control character", name)}
			}
			entry, err := value(path, prefix+name, line, e.Value())
			if err != nil {
				return nil, err
			}
			if first, twice := seen[entry.Name]; twice {
				return nil, &Error{path, line, fmt.Sprintf("%s stands already in line %d", entry.Name, first)}
			}
			seen[entry.Name] = line
			out = append(out, entry)
		default:
			return nil, &Error{path, 1, "only name = \"value\" lines and [tables] are allowed"}
		}
	}
	if err := p.Error(); err != nil {
		return nil, &Error{path, 1, err.Error()}
	}
	return out, nil
}

// wellFormed lets the library judge the syntax, for it knows the place of an error.
func wellFormed(path string, data []byte) error {
	var any map[string]any
	err := toml.Unmarshal(data, &any)
	var de *toml.DecodeError
	if errors.As(err, &de) {
		row, _ := de.Position()
		return &Error{path, row, strings.TrimPrefix(de.Error(), "toml: ")}
	}
	if err != nil {
		return &Error{path, 1, err.Error()}
	}
	return nil
}

func keyOf(p *unstable.Parser, e *unstable.Node) (string, int) {
	var parts []string
	line := 1
	for it := e.Key(); it.Next(); {
		if len(parts) == 0 {
			line = p.Shape(it.Node().Raw).Start.Line
		}
		parts = append(parts, string(it.Node().Data))
	}
	return strings.Join(parts, "."), line
}

func value(path, name string, line int, n *unstable.Node) (Entry, error) {
	e := Entry{Name: name, Line: line}
	switch n.Kind {
	case unstable.String:
		e.Values = []string{string(n.Data)}
		return e, nil
	case unstable.Bool, unstable.Integer, unstable.Float:
		e.Values = []string{string(n.Data)}
		return e, nil
	case unstable.Array:
		e.Array = true
		for it := n.Children(); it.Next(); {
			if it.Node().Kind != unstable.String {
				return e, &Error{path, line, name + `: only strings may stand in the list`}
			}
			e.Values = append(e.Values, string(it.Node().Data))
		}
		return e, nil
	}
	return e, &Error{path, line, name + `: give "a string" or ["a list", "of strings"]`}
}
