// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var (
	only = flag.String("goals", "", "comma-separated goals to measure (S1,S3), all when empty")
	out  = flag.String("report", "", "write the report to this path with .md and .json added")
)

// measures are all that `make bench` does, in the order of the goals table.
var measures = []struct {
	goals string
	run   func(*testing.T, *Report)
}{
	{"S1,S2", measureHit},
	{"S3", measureRandom},
	{"S4,S5", measureClassify},
	{"S9", measureTunnel},
	{"S11", measureRead},
	{"S13", measureEdit},
	{"S14", measureBulk},
	{"S15", measureBytes},
	{"S16", measureRanked},
	{"S17", measureKeys},
	{"S18", measureScreenCPU},
	{"S18", measureIdle},
	{"S20", measureMemory},
	{"T1", measureTraced},
	{"T2", measureTracedLoad},
	{"T3", measureDefault},
}

// TestReport measures and prints. It fails only when something can't be measured.
func TestReport(t *testing.T) {
	r := Report{Schema: "hooktop.bench/1", Machine: machine()}
	for _, m := range measures {
		goals := strings.Split(m.goals, ",")
		if *only != "" && !slices.ContainsFunc(goals, func(g string) bool { return slices.Contains(strings.Split(*only, ","), g) }) {
			continue
		}
		from := len(r.Rows)
		t.Run(strings.ReplaceAll(m.goals, ",", "+"), func(t *testing.T) { m.run(t, &r) })
		for _, row := range r.Rows[from:] {
			fmt.Printf("%-4s %-80s goal %s %s, measured %s (%s)\n", row.ID, row.What, row.Goal, row.Unit, num(row.Value), strings.Join(row.Detail, "; "))
		}
	}
	fmt.Println()
	if err := r.Markdown(os.Stdout); err != nil {
		t.Fatal(err)
	}
	if *out == "" {
		return
	}
	for _, f := range []struct {
		path  string
		write func(*os.File) error
	}{{*out + ".md", func(f *os.File) error { return r.Markdown(f) }}, {*out + ".json", func(f *os.File) error { return r.JSON(f) }}} {
		w, err := os.Create(f.path)
		if err == nil {
			err = f.write(w)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func machine() string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	return fmt.Sprintf("%d CPUs, Linux %s, %s", runtime.NumCPU(), unix.ByteSliceToString(u.Release[:]), runtime.Version())
}
