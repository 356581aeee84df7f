// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The tests of this tree's rules read the files themselves: go list and go vet cache.

const module = "hooktop"

// source is one file of the tree.
type source struct {
	path      string // slash separated, from the root
	text      string
	generated bool
	ignored   bool // //go:build ignore
	file      *ast.File
	set       *token.FileSet
}

func (s *source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

func (s *source) pkg() string {
	dir := filepath.ToSlash(filepath.Dir(s.path))
	if dir == "." {
		return module
	}
	return module + "/" + dir
}

func (s *source) imports() []string {
	var out []string
	for _, spec := range s.file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			out = append(out, path)
		}
	}
	return out
}

// position names a place for messages.
func (s *source) position(p token.Pos) string { return s.set.Position(p).String() }

// tree reads all files with one of the suffixes, without folders that begin with a dot.
func tree(t *testing.T, suffixes ...string) []*source {
	t.Helper()
	var out []*source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || !slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(path, s) }):
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s := &source{path: filepath.ToSlash(path), text: string(data)}
		if strings.HasSuffix(path, ".go") {
			s.set = token.NewFileSet()
			if s.file, err = parser.ParseFile(s.set, path, data, parser.ParseComments); err != nil {
				return err
			}
			s.generated = ast.IsGenerated(s.file)
			head, _, _ := strings.Cut(s.text, "\npackage ")
			s.ignored = strings.Contains(head, "//go:build ignore")
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		t.Fatalf("read the tree: %v", err)
	}
	if len(out) == 0 {
		t.Fatalf("no files with %v", suffixes)
	}
	return out
}
