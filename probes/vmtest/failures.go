// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hooktop/ui/format"
)

// Bounds of what is said of failures: CI shows the end of a run's output only.
const (
	toldTests = 12  // of a binary
	toldLines = 3   // of a test
	toldWidth = 240 // of a line, in bytes before it is cleaned
)

// Failures names what failed on which kernel, with the lines that say why: "" when everything passed.
func Failures(outcomes []Outcome) string {
	var b strings.Builder
	for _, o := range outcomes {
		name := cmp.Or(o.Image.Release, o.Image.Series)
		if o.Err != nil {
			fmt.Fprintf(&b, "%s: %s\n", name, brief(o.Err.Error()))
		}
		for _, r := range o.Runs {
			why := r.Failed()
			if why == "" {
				continue
			}
			fmt.Fprintf(&b, "%s, %s: %s\n", name, r.Package, why)
			tests := failedTests(r)
			for _, t := range tests[:min(toldTests, len(tests))] {
				fmt.Fprintf(&b, "    %s\n", brief(t.name))
				for _, line := range t.told() {
					fmt.Fprintf(&b, "        %s\n", brief(line))
				}
			}
			if more := len(tests) - toldTests; more > 0 {
				fmt.Fprintf(&b, "    and %d more tests\n", more)
			}
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "failed\n" + b.String()
}

func brief(line string) string { return format.Clean(line[:min(toldWidth, len(line))]) }

// failedTest is a test with the first lines of what it said.
type failedTest struct {
	name  string
	lines []string
}

// told are few of a test's lines: the first, and the last ones. Which of them are errors the log does not say, and the one that ended
// the test is the last.
func (t *failedTest) told() []string {
	if len(t.lines) <= toldLines {
		return t.lines
	}
	return append(t.lines[:1:1], t.lines[len(t.lines)-toldLines+1:]...)
}

// failedTests reads the log of a binary that ran with -test.v. A test that failed by its parts only is told by those.
func failedTests(r Ended) []failedTest {
	running := regexp.MustCompile(`^=== (?:RUN|CONT|NAME) +(\S+)`)
	ended := regexp.MustCompile(`^ *--- (FAIL|PASS|SKIP): (\S+)`)
	said := regexp.MustCompile(`^ +\S+\.go:\d+: `)
	lines, over := map[string][]string{}, map[string]bool{}
	var failed []string
	now := ""
	for line := range strings.Lines(r.Log) {
		line = strings.TrimRight(line, "\r\n")
		switch m := ended.FindStringSubmatch(line); {
		case m != nil:
			over[m[2]] = true
			if m[1] == "FAIL" {
				now = m[2]
				failed = append(failed, m[2])
			}
		case running.MatchString(line):
			now = running.FindStringSubmatch(line)[1]
		case said.MatchString(line), strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
			lines[now] = append(lines[now], strings.TrimSpace(line))
		}
	}
	if now != "" && !over[now] { // a guest that ended, a timeout, an os.Exit
		failed = append(failed, now)
		lines[now] = append(lines[now], "it was running at the end")
	}
	var out []failedTest
	for _, name := range failed {
		parts := slices.ContainsFunc(failed, func(other string) bool { return strings.HasPrefix(other, name+"/") })
		if len(lines[name]) > 0 || !parts {
			out = append(out, failedTest{name, lines[name]})
		}
	}
	return out
}
