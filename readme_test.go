// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"hooktop/bpf/kern"
	"hooktop/netcfg/policy"
	"hooktop/themes"
	"hooktop/ui"
	"hooktop/ui/cli"
	"hooktop/ui/uitest"
)

// README's tables are written from the definitions by make docs, and compared here.

func TestReadmeBeginsWithTheTwoCommands(t *testing.T) {
	text := readme(t)
	run, test, other := strings.Index(text, "make run"), strings.Index(text, "make test"), strings.Index(text, "```")
	if run < 0 || test < run || other >= 0 && other < test || strings.Count(text[:test], "\n") > 6 {
		t.Error("make run and make test are not the first commands of README.md")
	}
	for _, link := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(link[1]); err != nil {
			t.Errorf("README.md points at %s: %v", link[1], err)
		}
	}
}

func TestReadmesPolicyIsOne(t *testing.T) {
	_, text, _ := strings.Cut(readme(t), "\n## The policy\n")
	text, _, _ = strings.Cut(text, "\n## ")
	var lines []string
	for l := range strings.Lines(text) {
		if l, ok := strings.CutPrefix(l, "    "); ok {
			lines = append(lines, l)
		}
	}
	if f, err := policy.Parse(strings.Join(lines, "")); err != nil || f.Len() < 10 {
		t.Errorf("%d lines: %v", len(lines), err)
	}
}

func TestReadmeListsTheCommands(t *testing.T) {
	var table strings.Builder
	table.WriteString("\n| command | does |\n|---|---|\n")
	for _, e := range cli.Listing() {
		fmt.Fprintf(&table, "| `%s` | %s |\n", strings.ReplaceAll(e.Usage, "|", `\|`), e.Short)
	}
	section(t, "commands", table.String()+"\n")
}

func TestReadmeListsTheKeys(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	var table strings.Builder
	heading := ""
	for _, b := range ui.KeyTable(env, tabs()) {
		if b.Section != heading {
			heading = b.Section
			fmt.Fprintf(&table, "\n| %s | |\n|---|---|\n", strings.ToLower(heading))
		}
		keys := make([]string, len(b.Keys))
		for i, k := range b.Keys {
			keys[i] = "`" + strings.ReplaceAll(k, "|", `\|`) + "`"
		}
		fmt.Fprintf(&table, "| %s | %s |\n", strings.Join(keys, " "), b.Help)
	}
	section(t, "keys", table.String()+"\n")
}

func TestReadmeListsTheKernels(t *testing.T) {
	var table strings.Builder
	series := kern.Series()
	fmt.Fprintf(&table, "\n| feature | what for | since | %s | where it is missing |\n|---|---|---|%s---|\n", strings.Join(series, " | "),
		strings.Repeat("---|", len(series)))
	for _, s := range kern.Supported() {
		fmt.Fprintf(&table, "| %s | %s | %s |", s.Name, s.Why, s.MinKernel)
		for _, on := range s.On {
			table.WriteString(map[bool]string{true: " yes |", false: " - |"}[on])
		}
		fmt.Fprintf(&table, " %s |\n", strings.TrimPrefix(s.Without, "none needed: "))
	}
	section(t, "kernels", table.String()+"\n")
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section compares what stands between the marks of a generated part, or writes it for make docs.
func section(t *testing.T, name, want string) {
	t.Helper()
	text := readme(t)
	from, to := "<!-- "+name+": written by make docs -->\n", "<!-- end of "+name+" -->"
	head, rest, ok := strings.Cut(text, from)
	got, tail, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("README.md has no marks of %s", name)
	}
	if got == want {
		return
	}
	if os.Getenv("HOOKTOP_WRITE_DOCS") == "" {
		t.Fatalf("README's %s are not what the definitions say: run make docs. Wanted:\n%s", name, want)
	}
	if err := os.WriteFile("README.md", []byte(head+from+want+to+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
