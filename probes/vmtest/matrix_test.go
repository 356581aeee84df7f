// SPDX-License-Identifier: Apache-2.0

//go:build vm

package vmtest

import (
	"context"
	"flag"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var packages = flag.String("packages", "", "comma-separated packages of the suite to run (bpf/kern,netcfg/nl), all when empty")

const (
	// guestLimit ends a guest that hangs. The slowest seen took 20 minutes, of a kernel that takes 6 elsewhere.
	guestLimit = 40 * time.Minute
	// shown is how much of the end of a log is printed, in bytes.
	shown = 64 << 10
)

// TestMatrix is what `make test-vm` runs: every kernel boots once, for all binaries of the suite.
func TestMatrix(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Fatalf("the guests run the host's tools: an amd64 host is needed, this is %s", runtime.GOARCH)
	}
	cache, err := Cache()
	if err != nil {
		t.Fatal(err)
	}
	suite := slices.DeleteFunc(Suite(), func(b Binary) bool {
		return *packages != "" && !slices.Contains(strings.Split(*packages, ","), b.Package)
	})
	built, root, begin := t.TempDir(), filepath.Join("..", ".."), time.Now()
	if err := Build(t.Context(), root, built, suite); err != nil {
		t.Fatal(err)
	}
	guests := AtOnce()
	t.Logf("built %d test binaries in %v; %d guests at a time", len(suite), time.Since(begin).Round(time.Second), guests)
	queue := make(chan func(), len(Kernels()))
	defer close(queue)
	for range guests {
		go func() { // ends with the queue
			for boot := range queue {
				boot()
			}
		}()
	}
	var mu sync.Mutex
	var outcomes []Outcome
	note := func(o Outcome) {
		mu.Lock()
		defer mu.Unlock()
		outcomes = append(outcomes, o)
	}
	t.Run("linux", func(t *testing.T) {
		for _, k := range BootOrder(Kernels()) {
			t.Run(k.Series, func(t *testing.T) {
				img, err := k.Fetch(t.Context(), cache)
				if err != nil {
					note(Outcome{Image: Image{Kernel: k, Release: k.Series, Resolved: "not fetched"}, Err: err})
					t.Fatal(err)
				}
				logs, booted := filepath.Join(cache, "logs", k.Suite), make(chan Outcome, 1)
				queue <- func() {
					ctx, cancel := context.WithTimeout(t.Context(), guestLimit)
					defer cancel()
					o := Boot(ctx, img, root, built, logs, suite)
					if times := o.Hasty(); times > 0 { // what its tests found says nothing
						t.Logf("the clock of %s ran %.1f times too fast: it boots again", img.Release, times)
						o = Boot(ctx, img, root, built, logs, suite)
					}
					booted <- o
				}
				t.Parallel() // the next one may be queued
				o := <-booted
				note(o)
				judge(t, o, suite, logs)
			})
		}
	})
	t.Logf("all in %v\n%s", time.Since(begin).Round(time.Second), Tables(outcomes, suite))
	if failed := Failures(outcomes); failed != "" {
		t.Log(failed) // last: CI shows the end of the output
	}
}

// judge fails with all that is needed to see why.
func judge(t *testing.T, o Outcome, suite []Binary, logs string) {
	t.Helper()
	for _, r := range o.Runs {
		if why := r.Failed(); why != "" {
			t.Errorf("%s on %s: %s. Its log (all of it is in %s):\n%s", r.Package, o.Image.Release, why, logs, end(r.Log))
		}
	}
	if o.Err == nil && len(o.Runs) != len(suite) {
		t.Errorf("%s ran %d of %d binaries", o.Image.Release, len(o.Runs), len(suite))
	}
	if o.Err != nil {
		t.Errorf("%s: %v", o.Image.Release, o.Err)
	}
	if times := o.Hasty(); times > 0 {
		t.Errorf("%s: its clock ran %.1f times too fast, twice: this machine is too busy for the matrix", o.Image.Release, times)
	}
	if t.Failed() {
		t.Logf("console of %s:\n%s", o.Image.Release, end(o.Console))
	}
}

func end(text string) string { return text[max(0, len(text)-shown):] }
