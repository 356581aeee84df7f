// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// CI shows the end of the output only: the names of tests that failed, and why, stand there.
func TestFailuresAreTold(t *testing.T) {
	log := "=== RUN   TestGood\n    good_test.go:3: fine\n--- PASS: TestGood (0.00s)\n" +
		"=== RUN   TestBad\r\n    bad_test.go:5: one\r\n        of two lines\r\n    bad_test.go:6: two\r\n    bad_test.go:7: three\r\n    bad_test.go:8: fo\x1bur\r\n--- FAIL: TestBad (1.00s)\r\n" +
		"=== RUN   TestParts\n=== RUN   TestParts/a\n    parts_test.go:9: why\n=== RUN   TestParts/b\n--- FAIL: TestParts (0.10s)\n" +
		"    --- FAIL: TestParts/a (0.00s)\n    --- PASS: TestParts/b (0.00s)\n" +
		"=== RUN   TestPanics\n--- FAIL: TestPanics (0.00s)\npanic: no [recovered]\n\tgoroutine 1\n"
	img := Image{Kernel: Kernel{Series: "5.10"}, Release: "5.10.0-1"}
	outcomes := []Outcome{{Image: img, Runs: []Ended{
		{Package: "netcfg/nl", Log: "--- PASS: TestOne (0.1s)\n"},
		{Package: "bpf/kern", Code: 2, Log: log},
		{Package: "probes", Code: -1, Log: "=== RUN   TestLong\n    long_test.go:1: begun\n"},
	}}, {Image: Image{Kernel: Kernel{Series: "6.1"}}, Err: errors.New("fetch kernel:\nno route")}}
	want := `failed
5.10.0-1, bpf/kern: exit code 2
    TestBad
        bad_test.go:5: one
        bad_test.go:7: three
        bad_test.go:8: fo\x1bur
    TestParts/a
        parts_test.go:9: why
    TestPanics
        panic: no [recovered]
5.10.0-1, probes: it was running when the guest ended
    TestLong
        long_test.go:1: begun
        it was running at the end
6.1: fetch kernel:\x0ano route
`
	if got := Failures(outcomes); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := Failures([]Outcome{{Image: img, Runs: outcomes[0].Runs[:1]}}); got != "" {
		t.Errorf("all passed, and it says %q", got)
	}
}

// However much fails, what is told of it is short.
func TestFailuresAreFew(t *testing.T) {
	var log strings.Builder
	for i := range 500 {
		fmt.Fprintf(&log, "=== RUN   Test%d\n%s--- FAIL: Test%d (0.00s)\n", i, strings.Repeat("    x_test.go:1: "+strings.Repeat("x", 9999)+"\n", 9), i)
	}
	got := Failures([]Outcome{{Runs: []Ended{{Package: "probes", Code: 1, Log: log.String()}}}})
	if n := strings.Count(got, "\n"); n != 3+toldTests*(1+toldLines) || len(got) > n*(toldWidth+16) || !strings.Contains(got, "and 488 more tests") {
		t.Errorf("%d lines, %d bytes: %.2000s", n, len(got), got)
	}
}

// A guest whose binaries took longer than the guest has a wrong clock.
func TestAWrongClockIsSeen(t *testing.T) {
	for _, c := range []struct {
		took, guest time.Duration
		wrong       bool
	}{
		{400 * time.Second, 385 * time.Second, false}, {44 * time.Second, 635 * time.Second, true}, {100 * time.Second, 130 * time.Second, true},
		{0, 0, false}, // it did not start
	} {
		o := Outcome{Took: c.took, Runs: []Ended{{Took: c.guest / 2}, {Took: c.guest / 2}}}
		if times := o.Hasty(); times > 0 != c.wrong {
			t.Errorf("%s in %s: %.1f", c.guest, c.took, times)
		}
	}
}
