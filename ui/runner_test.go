// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"os"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/ui/term"
)

// A machine that stands still at the end is no terminal that nobody reads.
func TestAnEndThatIsLateIsNoStalledTerminal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	out := term.NewOutput(null, func(err error) { t.Error(err) })
	defer out.Close()
	r := &runner{p: tea.NewProgram(nil, tea.WithContext(t.Context())), out: out, ended: make(chan struct{})}
	finished := make(chan error, 1)
	defer time.AfterFunc(endsWithin+4*term.LookEvery, func() { finished <- nil }).Stop()
	if err, stalled := r.finish(finished); err != nil || stalled {
		t.Errorf("%v, stalled %v", err, stalled)
	}
	if _, err := out.Write([]byte("the end")); err != nil {
		t.Errorf("the terminal was given up: %v", err)
	}
}
