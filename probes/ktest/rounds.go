// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"os"
	"strconv"
	"testing"

	"hooktop/probes/vmtest"
)

// roundsEnv says how often tests of faults repeat: make test-faults sets it.
const roundsEnv = "HOOKTOP_ROUNDS"

// Rounds is how often a test of faults repeats: few in CI, half of that in short tests, hundreds in make test-faults.
func Rounds(t testing.TB, few int) int {
	t.Helper()
	text := os.Getenv(roundsEnv)
	switch {
	case text == "" && testing.Short():
		return (few + 1) / 2
	case text == "":
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", roundsEnv, err)
	}
	return n
}

// Full reports whether this is the long form, on a machine that has nothing else to do: figures are held against their limits. Guests
// are told how often, and are too slow for it.
func Full() bool { return os.Getenv(roundsEnv) != "" && !InGuest() }

// InGuest reports whether this is a guest of the kernel matrix: what other machines may lack is there, and demanded.
func InGuest() bool { return os.Getenv(vmtest.GuestEnv) != "" }
