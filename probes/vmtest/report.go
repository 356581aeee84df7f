// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Failed says why a binary did not pass, "" when it did. One whose selection names no test any more has not.
func (r Ended) Failed() string {
	switch {
	case r.Code < 0:
		return "it was running when the guest ended"
	case r.Code > 0:
		return fmt.Sprintf("exit code %d", r.Code)
	case !strings.Contains(r.Log, "--- PASS: "):
		return "it ran no test"
	}
	return ""
}

// fastest is how fast a guest's clock may run, measured by the host's: a guest's binaries can't take longer than the guest.
const fastest = 1.2

// Hasty says how many times too fast a guest's clock ran, 0 when it did not. A kernel measures the TSC when it boots, in a few
// milliseconds: one that the host holds up meanwhile takes its clock for a slow one, and everything in that guest times out.
func (o Outcome) Hasty() float64 {
	var guest time.Duration
	for _, r := range o.Runs {
		guest += r.Took
	}
	if times := guest.Seconds() / max(o.Took.Seconds(), 1); times > fastest {
		return times
	}
	return 0
}

// AtOnce is how many guests run at a time: each takes a CPU and its memory, with some for QEMU itself.
func AtOnce() int {
	const each = (GuestMB + 256) << 10 // KiB
	n := min(2, runtime.NumCPU())
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 1
	}
	var available int
	if m := regexp.MustCompile(`MemAvailable:\s+(\d+) kB`).FindSubmatch(text); m != nil {
		fmt.Sscan(string(m[1]), &available)
	}
	return max(1, min(n, available/each))
}

// Tables show what a matrix run found: time of each binary, verified instructions of each program, features, by kernel.
func Tables(outcomes []Outcome, suite []Binary) string {
	slices.SortFunc(outcomes, func(a, b Outcome) int {
		return cmp.Compare(slices.Index(Kernels(), a.Image.Kernel), slices.Index(Kernels(), b.Image.Kernel))
	})
	var b strings.Builder
	titles := []string{""}
	for _, o := range outcomes {
		fmt.Fprintf(&b, "%s: %s\n", o.Image.Release, o.Image.Resolved)
		titles = append(titles, o.Image.Series)
	}
	times := [][]string{titles, {"boot"}}
	for _, s := range suite {
		times = append(times, []string{s.Package})
	}
	times = append(times, []string{"all"}, []string{"host's CPU"})
	for _, o := range outcomes {
		column := []string{seconds(o.Boot)}
		for _, s := range suite {
			cell := "-"
			if i := slices.IndexFunc(o.Runs, func(r Ended) bool { return r.Package == s.Package }); i >= 0 {
				cell = seconds(o.Runs[i].Took)
				if o.Runs[i].Failed() != "" {
					cell += " FAIL"
				}
			}
			column = append(column, cell)
		}
		for i, cell := range append(column, seconds(o.Took), seconds(o.CPU)) {
			times[i+1] = append(times[i+1], cell)
		}
	}
	b.WriteString("\nseconds\n" + grid(times))
	for _, table := range [][2]string{
		{"verified instructions, and budget", `program (\S+): (\d+ of \d+|unavailable: [^\n]*)`},
		{"features", `feature ([^:\n]+): (\w+)`},
	} {
		if rows := said(outcomes, table[1]); len(rows) > 0 {
			b.WriteString("\n" + table[0] + "\n" + grid(append([][]string{titles}, rows...)))
		}
	}
	return b.String()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()) }

// said collects what the logs say of each name, a row a name and a column an outcome.
func said(outcomes []Outcome, pattern string) [][]string {
	find := regexp.MustCompile(pattern)
	var rows [][]string
	for i, o := range outcomes {
		for _, r := range o.Runs {
			for _, m := range find.FindAllStringSubmatch(r.Log, -1) {
				at := slices.IndexFunc(rows, func(row []string) bool { return row[0] == m[1] })
				if at < 0 {
					at = len(rows)
					rows = append(rows, append([]string{m[1]}, slices.Repeat([]string{"-"}, len(outcomes))...))
				}
				rows[at][i+1] = m[2]
			}
		}
	}
	return rows
}

// grid aligns columns.
func grid(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&line, "%-*s  ", widths[i], cell)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}
