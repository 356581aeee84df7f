// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"testing"

	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
)

// An engine ends while work aside still reads from its namespace.
func TestCloseDoesNotWaitForWhatRuns(t *testing.T) {
	h, err := nl.At(ktest.NewNS(t).Path())
	if err != nil {
		t.Fatal(err)
	}
	inside, end, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- h.Do(func() error {
			close(inside)
			<-end
			return nil
		})
	}()
	<-inside
	if err := h.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	close(end)
	if err := <-done; err != nil {
		t.Errorf("what ran: %v", err)
	}
	if err := h.Do(func() error { return nil }); err == nil {
		t.Error("a closed Host does something")
	}
}
