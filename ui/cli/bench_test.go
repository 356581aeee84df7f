// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hooktop/netcfg/acl"
)

// benches answers with what it was asked, and with the running policy that it is given.
func benches(running *RunningPolicy, err error, asked *BenchWish, by *acl.Policy) func(*Backends) {
	return func(b *Backends) {
		b.Running = func(context.Context) (RunningPolicy, bool, error) {
			if running == nil {
				return RunningPolicy{}, false, err
			}
			return *running, true, err
		}
		b.Bench = func(_ context.Context, p acl.Policy, w BenchWish) (BenchReport, error) {
			*asked, *by = w, p
			return BenchReport{CPU: 3, Rounds: 5, Flows: 8192, Stages: []BenchStage{
				{Hook: "xdp", Name: "floor", One: &BenchCost{Ns: 8.04, Min: 7, Max: 9, Ratio: 1}, Many: &BenchCost{Ns: 10, Min: 9, Max: 12, Ratio: 1}},
				{Hook: "xdp", Name: "new flow", Many: &BenchCost{Ns: 250, Min: 240, Max: 300, Adds: 99.96, Ratio: 25.004}},
				{Hook: "xdp", Name: "chain mark", Why: "the policy has no \x1bchain"},
				{Hook: "tc", Name: "chain mark", Why: "the policy has no \x1bchain"},
			}, Notes: []string{"the host \x1bis slow"}}, nil
		}
	}
}

func TestBench(t *testing.T) {
	var w BenchWish
	var p acl.Policy
	s := play(t, benches(nil, nil, &w, &p), "bench")
	for _, words := range []string{"policy    the empty one\n", "on CPU 3, 5 rounds", "8192 FLOWS", "xdp   floor               8  7-9                1.0", "+100     25.0", "note: chain mark: the policy has no", "note: the host "} {
		if !strings.Contains(s.out, words) {
			t.Errorf("%q is not in\n%s", words, s.out)
		}
	}
	if s.code != 0 || s.err != "" || strings.Count(s.out, "note:") != 2 || strings.Contains(s.out, "\x1b") || w != (BenchWish{For: benchDefault}) || len(p.Guard) == 0 {
		t.Errorf("code %d, %s%+v, %d lines of the guard, %s", s.code, s.err, w, len(p.Guard), s.out)
	}
}

func TestBenchChoosesThePolicy(t *testing.T) {
	path := at(t, "p.acl", "deny in tcp to any port 22\nallow in udp\n")
	running := &RunningPolicy{Gen: 7, Text: "deny in udp\n", Trial: true}
	for _, c := range []struct {
		running *RunningPolicy
		args    string
		want    benchPolicy
		table   string
	}{
		{nil, "", benchPolicy{From: "empty"}, "the empty one"},
		{running, "", benchPolicy{From: "running", Generation: 7, Trial: true, Rules: 1}, "v7 of the running hooktop, on trial: 1 rule"},
		{&RunningPolicy{}, "", benchPolicy{From: "running"}, "none: the running hooktop lets everything pass"},
		{running, "--policy " + path, benchPolicy{From: "file", File: path, Rules: 2}, path + ": 2 rules"},
	} {
		var w BenchWish
		var p acl.Policy
		args := append([]string{"bench", "--for", "1s", "--dev", "eth9"}, strings.Fields(c.args)...)
		var o benchObject
		s := play(t, benches(c.running, nil, &w, &p), append(args, "--json")...)
		if err := json.Unmarshal([]byte(s.out), &o); err != nil || s.code != 0 || o.Schema != "hooktop.bench/1" || o.Policy != c.want {
			t.Errorf("%s: code %d, %v, %+v, want %+v: %s", c.args, s.code, err, o.Policy, c.want, s.err)
		}
		if len(p.Rules) != c.want.Rules || w != (BenchWish{"eth9", time.Second}) {
			t.Errorf("%s: measured %d rules, %+v", c.args, len(p.Rules), w)
		}
		if len(o.Stages) != 4 || o.Stages[0].Same == nil || o.Stages[0].Same.Ns != 8 || o.Stages[1].Same != nil || o.Stages[1].Many.Ratio != 25 || o.Stages[1].Many.Adds != 100 || o.Stages[2].Why == "" {
			t.Errorf("%s: %s", c.args, s.out)
		}
		if s := play(t, benches(c.running, nil, &w, &p), args...); !strings.Contains(s.out, "policy    "+c.table+"\n") {
			t.Errorf("%s: %q is not in\n%s", c.args, c.table, s.out)
		}
	}
}

func TestBenchRefuses(t *testing.T) {
	var w BenchWish
	var p acl.Policy
	bad := at(t, "bad.acl", "deny in tcp to any port 8000-80\n")
	for _, c := range []struct {
		args    string
		running *RunningPolicy
		asking  error
		code    int
		words   string
	}{
		{"bench --for -1s", nil, nil, ExitUsage, "--for: -1s is out of range"},
		{"bench --for 2m", nil, nil, ExitUsage, "--for 2m0s: longer than it takes: at most 1m0s"},
		{"bench --for soon", nil, nil, ExitUsage, "see hooktop bench --help"},
		{"bench more", nil, nil, ExitUsage, "too many arguments"},
		{"bench --policy " + bad, nil, nil, ExitUsage, "line 1, column"},
		{"bench --policy " + bad + ".gone", nil, nil, ExitUsage, "no such file"},
		{"bench", nil, errors.New("ask the running hooktop for its policy: no answer"), ExitFailed, "no answer: name a policy with --policy FILE"},
		{"bench", &RunningPolicy{Gen: 1, Text: "later words\n"}, nil, ExitFailed, "the policy of the running hooktop can't be read here"},
	} {
		s := play(t, benches(c.running, c.asking, &w, &p), strings.Fields(c.args)...)
		if s.code != c.code || !strings.Contains(s.err, c.words) || s.out != "" {
			t.Errorf("%s: code %d, %q, %q", c.args, s.code, s.out, s.err)
		}
	}
	s := play(t, benches(nil, nil, &w, &p), "bench", "--policy", bad, "--json")
	var o benchObject
	if err := json.Unmarshal([]byte(s.out), &o); err != nil || s.code != ExitUsage || len(o.Errors) != 1 || len(o.Stages) != 0 {
		t.Errorf("code %d, %v: %s", s.code, err, s.out)
	}
	failing := func(b *Backends) {
		benches(nil, nil, &w, &p)(b)
		b.Bench = func(context.Context, acl.Policy, BenchWish) (BenchReport, error) {
			return BenchReport{}, fmt.Errorf("bench: measure: no right")
		}
	}
	if s := play(t, failing, "bench"); s.code != ExitFailed || !strings.Contains(s.err, "no right") {
		t.Errorf("code %d, %q", s.code, s.err)
	}
}
