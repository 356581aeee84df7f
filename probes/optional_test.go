// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"strings"
	"testing"

	"hooktop/probes/snap"
)

func failing(text string) func(context.Context, *Bench) error {
	return func(context.Context, *Bench) error { return errors.New(text) }
}

func TestTheFailureOfAnOptionalProbeIsANotice(t *testing.T) {
	for name, probes := range map[string][]Probe{
		"beside one that works": {&fakeProbe{}, &optionalProbe{fakeProbe{start: failing("no kprobes")}}},
		"alone":                 {&optionalProbe{fakeProbe{start: failing("no kprobes")}}},
	} {
		t.Run(name, func(t *testing.T) {
			e := fakeEngine(probes...)
			run(t, e)
			f, err := e.Started(t.Context())
			if err != nil || f.State.Fallback != "" {
				t.Fatalf("fallback %q, %v", f.State.Fallback, err)
			}
			if len(f.Notices) != 1 || !strings.Contains(f.Notices[0].Text, "no kprobes") || f.Notices[0].Sev != snap.Warn {
				t.Errorf("notices %+v", f.Notices)
			}
		})
	}
}

// Counters of the kernel need no eBPF.
func TestTheLedgerIsThereInTheFallback(t *testing.T) {
	e := fakeEngine(&fakeProbe{start: failing("no bpf for you")}, &ledgerView{})
	run(t, e)
	f, err := e.Started(t.Context())
	if err != nil || f.State.Fallback == "" {
		t.Fatalf("fallback %q, %v", f.State.Fallback, err)
	}
	f, err = e.Snapshot(t.Context(), snap.Query{Tab: snap.TraceTab})
	if err != nil || len(f.Ledger.Rows) == 0 {
		t.Errorf("ledger %+v, %v", f.Ledger, err)
	}
}

func TestAnOptionalProbeStaysInTheFallback(t *testing.T) {
	needed := &fakeProbe{start: failing("no bpf for you")}
	optional := &optionalProbe{fakeProbe{do: func(in snap.Intent) snap.Answer { return snap.Answer{Text: in.Target} }}}
	e := fakeEngine(needed, optional)
	run(t, e)
	f, err := e.Started(t.Context())
	if err != nil || !strings.Contains(f.State.Fallback, "no bpf for you") {
		t.Fatalf("fallback %q, %v", f.State.Fallback, err)
	}
	if a := e.Do(t.Context(), snap.Intent{Kind: snap.StartTrace, Target: "here"}); a.Text != "here" {
		t.Errorf("the optional probe did not answer: %+v", a)
	}
	report := e.Close()
	if needed.stopped != 1 || optional.stopped != 1 || len(report) != 1 {
		t.Errorf("stopped %d and %d times, report %+v", needed.stopped, optional.stopped, report)
	}
}
