// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

const (
	maxFileLines = 400
	maxFuncLines = 80
)

func lines(text string) int { return strings.Count(text, "\n") }

func TestFilesAndFunctionsAreShort(t *testing.T) {
	for _, s := range tree(t, ".go", ".c", ".h") {
		if s.generated {
			continue
		}
		if n := lines(s.text); n > maxFileLines {
			t.Errorf("%s has %d lines, at most %d", s.path, n, maxFileLines)
		}
		if s.file == nil {
			longC(t, s)
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1; n > maxFuncLines {
				t.Errorf("%s: %s has %d lines, at most %d", s.position(f.Pos()), f.Name.Name, n, maxFuncLines)
			}
		}
	}
}

// longC takes a function for what stands between a line that is { or ends in ") {" and begins in column 1, and the next
// } in column 1.
func longC(t *testing.T, s *source) {
	t.Helper()
	start := 0
	for i, text := range strings.Split(s.text, "\n") {
		opens := text == "{" || len(text) > 0 && text[0] != ' ' && text[0] != '\t' && strings.HasSuffix(text, ") {")
		switch {
		case opens:
			start = i + 1
		case text == "}" && start > 0:
			if n := i + 2 - start; n > maxFuncLines {
				t.Errorf("%s:%d: a function of %d lines, at most %d", s.path, start, n, maxFuncLines)
			}
			start = 0
		}
	}
}

func TestEachFileNamesItsLicence(t *testing.T) {
	for _, s := range tree(t, ".go", ".c", ".h") {
		if s.generated {
			continue
		}
		want := "// SPDX-License-Identifier: Apache-2.0\n"
		if s.file == nil {
			want = "/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */\n"
		}
		if text := strings.TrimPrefix(s.text, "//go:build ignore\n\n"); !strings.HasPrefix(text, want) {
			t.Errorf("%s: the first line is not %q", s.path, strings.TrimSpace(want))
		}
	}
	for file, words := range map[string]string{"LICENSE": "Apache License", "bpf/LICENSE": "GPL-2.0-only OR BSD-2-Clause"} {
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), words) {
			t.Errorf("%s does not contain %q (%v)", file, words, err)
		}
	}
}

func TestNothingIsLeftForLater(t *testing.T) {
	later := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)
	elsewhere := regexp.MustCompile(`farm-[a-z]|/wor` + `k/|\.librar` + `y`)
	for _, s := range tree(t, ".go", ".c", ".h", ".md", "Makefile") {
		for i, text := range strings.Split(s.text, "\n") {
			if m := later.FindString(text); m != "" {
				t.Errorf("%s:%d: %s", s.path, i+1, m)
			}
			if m := elsewhere.FindString(text); m != "" {
				t.Errorf("%s:%d: %q means nothing on another machine", s.path, i+1, m)
			}
		}
	}
}

func TestNoInitAndNoVariablesThatChange(t *testing.T) {
	files := tree(t, ".go")
	globals := map[string]map[string]bool{}
	for _, s := range files {
		if s.ignored || s.generated || s.test() {
			continue
		}
		key := s.pkg()
		if globals[key] == nil {
			globals[key] = map[string]bool{}
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s: init()", s.position(d.Pos()))
				}
			case *ast.GenDecl:
				for name := range declared(d) {
					globals[key][name] = true
				}
			}
		}
	}
	for _, s := range files {
		if s.ignored || s.generated || s.test() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool { return changes(t, s, globals[s.pkg()], n) })
	}
}

func declared(d *ast.GenDecl) map[string]bool {
	out := map[string]bool{}
	if d.Tok != token.VAR {
		return out
	}
	for _, spec := range d.Specs {
		for _, name := range spec.(*ast.ValueSpec).Names {
			if name.Name != "_" {
				out[name.Name] = true
			}
		}
	}
	return out
}

// changes reports assignments to package variables. An identifier is one when the parser did not resolve it to
// something nearer: it resolves within a file, so names of the package's other files stay unresolved.
func changes(t *testing.T, s *source, globals map[string]bool, n ast.Node) bool {
	var targets []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			targets = n.Lhs
		}
	case *ast.IncDecStmt:
		targets = []ast.Expr{n.X}
	}
	for _, target := range targets {
		id := root(target)
		if id == nil || !globals[id.Name] {
			continue
		}
		if id.Obj != nil && s.file.Scope.Lookup(id.Name) != id.Obj {
			continue // a local one of the same name
		}
		t.Errorf("%s: the package variable %s changes", s.position(id.Pos()), id.Name)
	}
	return true
}

// root is the identifier that an assignment changes, nil when it is something behind a call.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func TestNamesSayWhatThingsAre(t *testing.T) {
	vague := regexp.MustCompile(`(Manager|Helper|Utils?)$`)
	for _, s := range tree(t, ".go") {
		if s.generated {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if vague.MatchString(d.Name.Name) {
					t.Errorf("%s: the name %s says nothing", s.position(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok && vague.MatchString(ts.Name.Name) {
						t.Errorf("%s: the name %s says nothing", s.position(ts.Pos()), ts.Name.Name)
					}
				}
			}
		}
	}
}

// Policies are v1, v2 … wherever somebody reads of one: tabs, messages and logs must not call the same thing by two names.
func TestAPolicyHasOneName(t *testing.T) {
	for _, s := range tree(t, ".go") {
		if s.test() || strings.HasPrefix(s.path, "bpf/") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && strings.Contains(strings.ToLower(lit.Value), "generation %d") {
				t.Errorf("%s: %s: write v%%d", s.position(n.Pos()), lit.Value)
			}
			return true
		})
	}
}

// Tests wait for events and run on the machine that runs CI.
func TestTestsNeitherSleepNorSkip(t *testing.T) {
	for _, s := range tree(t, "_test.go") {
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			id, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			call := id.Name + "." + sel.Sel.Name
			if call == "time.Sleep" || (id.Name == "t" || id.Name == "b") && strings.HasPrefix(sel.Sel.Name, "Skip") {
				t.Errorf("%s: %s", s.position(n.Pos()), call)
			}
			return true
		})
	}
}
