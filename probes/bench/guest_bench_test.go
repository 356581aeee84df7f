// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hooktop/probes/vmtest"
)

// measureAttach is S19. Few hosts that one may boot at will allow kprobes: it is measured in a guest of the kernel matrix, by the test
// of the goal, and both ways are as much slower there.
func measureAttach(t *testing.T, r *Report) {
	cache, err := vmtest.Cache()
	if err != nil {
		t.Fatal(err)
	}
	root, built := filepath.Join("..", ".."), t.TempDir()
	suite := []vmtest.Binary{{Package: "probes/trace", Run: []string{"TestAllPacketFunctionsAtOnce$"}}}
	if err := vmtest.Build(t.Context(), root, built, suite); err != nil {
		t.Fatal(err)
	}
	kernels := slices.DeleteFunc(vmtest.Kernels(), func(k vmtest.Kernel) bool { return !k.Newest })
	img, err := kernels[0].Fetch(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	var faster []float64
	var detail []string
	for began := time.Now(); len(faster) < 3 && time.Since(began) < time.Minute; {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		o := vmtest.Boot(ctx, img, root, built, filepath.Join(t.TempDir(), "logs"), suite)
		cancel()
		if o.Err != nil || len(o.Runs) != 1 {
			t.Fatalf("boot %s: %v", img.Release, o.Err)
		}
		line := regexp.MustCompile(`(\d+ functions by kprobe.multi: .*), ([0-9.]+) times as long`).FindStringSubmatch(o.Runs[0].Log)
		if line == nil {
			t.Fatalf("%s tells nothing: %s", img.Release, strings.TrimSpace(o.Runs[0].Log))
		}
		times, err := strconv.ParseFloat(line[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		faster, detail = append(faster, times), append(detail, line[1])
	}
	r.Rows = append(r.Rows, FromRounds("S19", fmt.Sprintf("attach and detach all functions that take a packet, in an emulated guest with Linux %s: a kprobe each / kprobe.multi", img.Release), "x",
		AtLeast(20), faster, detail...))
}
