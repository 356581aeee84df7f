// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	only    = flag.String("goals", "", "comma-separated goals to measure (S1,S3), all when empty")
	out     = flag.String("report", "", "write the report to this path with .md and .json added, and its pictures")
	keep    = flag.String("keep", "", "merge what was measured into the report of this folder, from which README is written")
	product = flag.String("product", "", "for a process that measures one part: hooktop's binary")
	part    = flag.String("part", "", "for a process that measures one part: where its share of the report goes")
)

// measure is what one process does.
type measure struct {
	goals string
	run   func(*testing.T, *Report)
}

// measures are all that `make bench` does, in the order of the goals table.
func measures() []measure {
	return []measure{
		{"S1,S2", measureHit},
		{"S3", measureRandom},
		{"S4,S5", measureClassify},
		{"S6,S7", measureDrop},
		{"S8", measureFlood},
		{"S9", measureTunnel},
		{"S10", measureAllowed},
		{"S11", measureRead},
		{"S12", measureEvents},
		{"S13", measureEdit},
		{"S14", measureBulk},
		{"S15", measureBytes},
		{"S16", measureRanked},
		{"S17", measureKeys},
		{"S18", measureScreenCPU},
		{"S18,idle", measureIdle},
		{"S19", measureAttach},
		{"S20", measureMemory},
		{"T1", measureTraced},
		{"T2", measureTracedLoad},
		{"T3", measureDefault},
		{"interfaces", measureDevices},
		{"frames", measureFrames},
	}
}

// asked reports whether the command line asks for a part.
func (m measure) asked() bool {
	return *only == "" || slices.ContainsFunc(strings.Split(m.goals, ","), func(g string) bool { return slices.Contains(strings.Split(*only, ","), g) })
}

// TestReport measures and prints. Each part is a process of its own: one that fails, panics or hangs takes no other with it, and
// what one leaves in memory slows none down. It fails in the end when something could not be measured.
func TestReport(t *testing.T) {
	if why := slowed(statsFile); why != "" {
		t.Fatal(why)
	}
	began, dir := time.Now(), t.TempDir()
	binary, err := build(dir)
	if err := errors.Join(err, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)); err != nil { // see endOrphans
		t.Fatal(err)
	}
	r := Report{Schema: "hooktop.performance/1", Machine: machine(), Failed: []Failure{}, Curves: []Curve{}}
	for _, m := range measures() {
		if !m.asked() {
			continue
		}
		r.Measured = append(r.Measured, m.goals)
		from := time.Now()
		got, err := inProcess(t.Context(), m, binary, dir)
		fmt.Printf("%s took %d s\n", m.goals, int(time.Since(from).Seconds()))
		if err != nil {
			t.Errorf("%s: %v", m.goals, err)
			r.Failed = append(r.Failed, Failure{m.goals, err.Error()})
		}
		r.Rows, r.Curves = append(r.Rows, got.Rows...), append(r.Curves, got.Curves...)
		for _, row := range got.Rows {
			fmt.Printf("%-4s %-80s goal %s %s, measured %s (%s)\n", row.ID, row.What, row.Goal, row.Unit, num(row.Value), strings.Join(row.Detail, "; "))
		}
	}
	r.Seconds = int(time.Since(began).Seconds())
	fmt.Printf("\n%d s\n", r.Seconds)
	if err := r.Markdown(os.Stdout, reportName); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(r, *out), merge(r, *keep)); err != nil {
		t.Fatal(err)
	}
}

// partLimit is far above what any part takes.
const partLimit = 8 * time.Minute

// inProcess runs one part and reads its share of the report. What a part had measured before it failed counts.
func inProcess(ctx context.Context, m measure, binary, dir string) (r Report, err error) {
	ctx, cancel := context.WithTimeout(ctx, partLimit)
	defer cancel()
	file := filepath.Join(dir, "part.json")
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("remove the report of the part before: %w", err)
	}
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestPart$", "-test.v", "-test.timeout="+(partLimit+time.Minute).String(), "-goals="+m.goals, "-product="+binary, "-part="+file)
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGQUIT) } // with the stacks of all that hangs
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), "TMPDIR="+dir) // which goes, whatever becomes of the part
	defer endOrphans()
	var said bytes.Buffer
	cmd.Stdout = io.MultiWriter(&said, os.Stdout)
	cmd.Stderr = cmd.Stdout
	ran := cmd.Run()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if ctx.Err() != nil {
		return r, fmt.Errorf("it had not ended after %v", partLimit)
	}
	if ran != nil {
		return r, errors.New(complaint(said.String(), ran))
	}
	return r, err
}

// endOrphans ends what a part that was killed had started: as its subreaper, this process has become the parent.
func endOrphans() {
	for try := range 100 {
		var pids []int
		lists, _ := filepath.Glob("/proc/self/task/*/children")
		for _, list := range lists {
			text, _ := os.ReadFile(list)
			for _, field := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(field); err == nil {
					pids = append(pids, pid)
				}
			}
		}
		if len(pids) == 0 {
			return
		}
		signal := unix.SIGTERM
		if try > 50 {
			signal = unix.SIGKILL
		}
		for _, pid := range pids {
			_ = unix.Kill(pid, signal)
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
		<-time.After(100 * time.Millisecond)
	}
}

// complaint finds what a test said last before it gave up, or what it panicked with.
func complaint(said string, err error) string {
	for _, line := range []string{`(?m)^panic: (.*)$`, `(?m)^\s+\w+_test\.go:\d+: (.*)$`} {
		if all := regexp.MustCompile(line).FindAllStringSubmatch(said, -1); len(all) > 0 {
			return fmt.Sprintf("%.200s", all[len(all)-1][1])
		}
	}
	return err.Error()
}

// TestPart is a process of TestReport.
func TestPart(t *testing.T) {
	if *part == "" {
		return
	}
	var r Report
	defer func() { // also when the part ends in the middle
		if err := writeJSON(r, *part); err != nil {
			t.Error(err)
		}
	}()
	for _, m := range measures() {
		if m.goals != *only {
			continue
		}
		t.Run(strings.ReplaceAll(m.goals, ",", "+"), func(t *testing.T) { m.run(t, &r) })
		for i := range r.Rows {
			r.Rows[i].Part, r.Rows[i].Day = m.goals, time.Now().UTC().Format(time.DateOnly)
		}
		for i := range r.Curves {
			r.Curves[i].Part, r.Curves[i].Day = m.goals, time.Now().UTC().Format(time.DateOnly)
		}
	}
}

// reportName begins the names of the pictures beside the report.
const reportName = "bench-report."

// write puts the report and its pictures into files whose names begin alike.
func write(r Report, base string) error {
	if base == "" {
		return nil
	}
	var text bytes.Buffer
	return errors.Join(r.Markdown(&text, filepath.Base(base)+"."), os.WriteFile(base+".md", text.Bytes(), 0o644), writeJSON(r, base+".json"), draw(r, base+"."))
}

// draw writes the pictures.
func draw(r Report, before string) error {
	var errs []error
	for _, c := range r.Curves {
		var b bytes.Buffer
		errs = append(errs, c.SVG(&b), os.WriteFile(before+c.Name+".svg", b.Bytes(), 0o644))
	}
	return errors.Join(errs...)
}

func writeJSON(r Report, path string) error {
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// merge keeps what was measured, beside what a run before this one measured of the rest.
func merge(r Report, dir string) error {
	if dir == "" {
		return nil
	}
	var old Report
	text, err := os.ReadFile(filepath.Join(dir, ReportFile))
	if err == nil {
		err = json.Unmarshal(text, &old)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the report that is kept: %w", err)
	}
	r = r.Merge(old)
	return errors.Join(writeJSON(r, filepath.Join(dir, ReportFile)), draw(r, dir+string(filepath.Separator)))
}

// machine names what ratios may depend on.
func machine() string {
	var u unix.Utsname
	var info unix.Sysinfo_t
	_ = errors.Join(unix.Uname(&u), unix.Sysinfo(&info))
	model := "CPUs"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`(?m)^model name\s*:\s*(.+)$`).FindSubmatch(text); m != nil {
			model = "x " + string(m[1])
		}
	}
	release, _, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), "-")
	return fmt.Sprintf("%d %s, %d GiB, Linux %s, %s", runtime.NumCPU(), model, (uint64(info.Totalram)*uint64(info.Unit)+1<<29)>>30, release, runtime.Version())
}
