// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"go/ast"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
)

// layer is one rule over transitive imports: what the packages under from may reach inside the module, and which outside
// modules they may name. Entries ending in / mean the whole folder.
type layer struct {
	from    []string
	inside  []string
	outside []string
}

var pure = []string{"probes/snap", "ui/format", "ui/column", "netcfg/acl", "netcfg/acl/compile", "netcfg/tunnel", "netcfg/chain",
	"netcfg/policy", "netcfg/plan"}

var charm = []string{"charm.land/", "github.com/charmbracelet/"}

var layers = []layer{
	{from: pure, inside: pure},
	{from: []string{"themes/"}, inside: append([]string{"themes/"}, pure...),
		outside: append([]string{"github.com/pelletier/go-toml/", "github.com/lucasb-eyer/go-colorful"}, charm...)},
	{from: []string{"ui/"}, inside: append([]string{"ui/", "themes/"}, pure...),
		outside: append([]string{"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/sahilm/fuzzy",
			"github.com/pelletier/go-toml/", "github.com/mattn/go-runewidth", "github.com/clipperhouse/", "golang.org/x/sys/unix"}, charm...)},
	{from: []string{"probes/"}, inside: append([]string{"probes/", "bpf/"}, pure...),
		outside: []string{"github.com/gopacket/gopacket", "golang.org/x/sys/unix", "golang.org/x/sync/"}},
	{from: []string{"netcfg/"}, inside: append([]string{"netcfg/", "bpf/"}, pure...),
		outside: []string{"github.com/vishvananda/net", "golang.org/x/sys/unix", "golang.org/x/sync/"}},
	{from: []string{"bpf/"}, inside: append([]string{"bpf/"}, pure...),
		outside: []string{"github.com/cilium/ebpf", "golang.org/x/sys/unix"}},
}

// doors are the only folders that may name a module, in code that ships.
var doors = map[string][]string{
	"github.com/cilium/ebpf":       {"bpf/"},
	"github.com/vishvananda/net":   {"netcfg/nl", "netcfg/lab"},
	"github.com/spf13/cobra":       {"ui/cli"},
	"github.com/charmbracelet/":    {"ui/", "themes/"},
	"charm.land/":                  {"ui/", "themes/"},
	"github.com/gopacket/gopacket": {"probes/dryrun", "netcfg/lab"},
}

// testOnly packages carry test machinery: nothing that ships may import them.
var testOnly = []string{"netcfg/acl/acltest", "probes/ktest", "probes/vmtest/", "ui/uitest"}

func match(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return path == strings.TrimSuffix(p, "/") || strings.HasSuffix(p, "/") && strings.HasPrefix(path, p)
	})
}

func local(importPath string) (string, bool) {
	return strings.CutPrefix(importPath, module+"/")
}

// external says whether an import path is of another module: its first element has a dot.
func external(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

// shipped maps each package to what its files without tests import, by folder.
func shipped(t *testing.T) map[string][]string {
	t.Helper()
	graph := map[string][]string{}
	for _, s := range tree(t, ".go") {
		if s.test() || s.ignored {
			continue
		}
		dir, _ := local(s.pkg())
		if dir == s.pkg() {
			dir = "."
		}
		graph[dir] = append(graph[dir], s.imports()...)
	}
	return graph
}

func TestLayersHoldOverTransitiveImports(t *testing.T) {
	graph := shipped(t)
	for dir := range graph {
		for _, rule := range layers {
			// Pure packages answer to the pure rule alone, test machinery to none.
			if !match(dir, rule.from) || match(dir, testOnly) || match(dir, pure) && !slices.Equal(rule.from, pure) {
				continue
			}
			seen := map[string]bool{}
			walk(t, graph, rule, dir, dir, seen)
		}
	}
}

func walk(t *testing.T, graph map[string][]string, rule layer, dir, way string, seen map[string]bool) {
	t.Helper()
	if seen[dir] {
		return
	}
	seen[dir] = true
	for _, path := range graph[dir] {
		inside, isLocal := local(path)
		switch {
		case isLocal && !match(inside, rule.inside):
			t.Errorf("%s > %s: %s may not reach it", way, inside, rule.from)
		case isLocal:
			walk(t, graph, rule, inside, way+" > "+inside, seen)
		}
		// Modules of others are judged where they are named by the rule of that folder, not of the one that led there.
		if external(path) && match(dir, rule.from) && !prefixed(path, rule.outside) {
			t.Errorf("%s imports %s: %s may not", way, path, rule.from)
		}
	}
}

func prefixed(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(path, p) })
}

func TestModulesAreNamedBehindTheirDoors(t *testing.T) {
	for dir, imports := range shipped(t) {
		for _, path := range imports {
			for prefix, allowed := range doors {
				if strings.HasPrefix(path, prefix) && !match(dir, allowed) && !match(dir, testOnly) {
					t.Errorf("%s imports %s: only %v may", dir, path, allowed)
				}
			}
			if inside, ok := local(path); ok && match(inside, testOnly) && !match(dir, testOnly) {
				t.Errorf("%s imports %s, which is for tests", dir, inside)
			}
		}
	}
}

const selfPath = `"/proc/self/exe"`

// hooktop executes no program but itself: what os/exec starts is /proc/self/exe, named by a literal or a constant.
func TestOnlyHooktopItselfIsExecuted(t *testing.T) {
	files := tree(t, ".go")
	selves := map[string]bool{}
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			for i := 0; ok && i < len(spec.Values); i++ {
				if lit, isLit := spec.Values[i].(*ast.BasicLit); isLit && lit.Value == selfPath {
					selves[s.pkg()+"."+spec.Names[i].Name] = true
				}
			}
			return true
		})
	}
	for _, s := range files {
		dir, isLocal := local(s.pkg())
		if s.test() || s.ignored || isLocal && match(dir, append([]string{"probes/bench"}, testOnly...)) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if what, bad := executes(s, selves, call); bad {
					t.Errorf("%s: %s starts something that is not /proc/self/exe", s.position(n.Pos()), what)
				}
			}
			return true
		})
	}
}

// executes names a call that starts a program, and says whether that is another than this one.
func executes(s *source, selves map[string]bool, call *ast.CallExpr) (what string, bad bool) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	pkg, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", false
	}
	what = pkg.Name + "." + sel.Sel.Name
	at, starts := map[string]int{"exec.Command": 0, "exec.CommandContext": 1, "os.StartProcess": 0, "syscall.Exec": 0,
		"syscall.ForkExec": 0, "unix.Exec": 0}[what]
	if !starts || at >= len(call.Args) {
		return "", false
	}
	switch arg := call.Args[at].(type) {
	case *ast.BasicLit:
		return what, arg.Value != selfPath
	case *ast.Ident:
		return what, !selves[s.pkg()+"."+arg.Name]
	}
	return what, true
}

func TestTopLevelIsFixed(t *testing.T) {
	fixed := []string{"ui", "probes", "bpf", "netcfg", "themes", "testdata", "go.mod", "go.sum", "Makefile", "README.md",
		"ARCHITECTURE.md", "CONTRIBUTING.md", "LICENSE", "main.go"}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var odd []string
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."), slices.Contains(fixed, name), !e.IsDir() && strings.HasSuffix(name, ".go"):
		case !e.IsDir() && (name == "hooktop" || strings.HasPrefix(name, "bench-report.") || strings.HasSuffix(name, ".test")):
			// built here and not tracked
		default:
			odd = append(odd, name)
		}
	}
	sort.Strings(odd)
	if len(odd) > 0 {
		t.Errorf("not at home at the top level: %v", odd)
	}
	for _, name := range []string{"main.go", "README.md", "LICENSE"} {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("top level: %v", err)
		}
	}
}
