// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"go/ast"
	"strings"
	"testing"
)

// A panic on a goroutine of its own would take the program down past its teardown. Engine and screen start goroutines
// through their wrappers; a bare go statement says on its line why nothing in it can panic.
func TestGoroutinesRecover(t *testing.T) {
	for _, s := range tree(t, ".go") {
		dir, isLocal := local(s.pkg())
		watched := !isLocal || match(dir, []string{"ui/", "probes/"})
		if s.test() || s.ignored || !watched || match(dir, append([]string{"probes/bench"}, testOnly...)) {
			continue
		}
		rows := strings.Split(s.text, "\n")
		ast.Inspect(s.file, func(n ast.Node) bool {
			g, ok := n.(*ast.GoStmt)
			if !ok || recovers(g) {
				return true
			}
			if row := rows[s.set.Position(g.Pos()).Line-1]; !strings.Contains(row, "can't panic") {
				t.Errorf("%s: a goroutine that neither recovers nor says why it can't panic", s.position(g.Pos()))
			}
			return true
		})
	}
}

// recovers says whether the goroutine's own text calls recover or one of the wrappers around it.
func recovers(g *ast.GoStmt) bool {
	found := false
	ast.Inspect(g.Call, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ""
		switch f := call.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		found = found || strings.EqualFold(name, "recover") || strings.EqualFold(name, "guarded") || strings.EqualFold(name, "rescue")
		return true
	})
	return found
}
