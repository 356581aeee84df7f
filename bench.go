// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io/fs"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/enforce"
	"hooktop/probes"
	"hooktop/probes/bench"
	"hooktop/probes/guard"
	"hooktop/probes/procfs"
	"hooktop/ui/cli"
)

// policyHere asks the hooktop that holds the pen of this network namespace what decides.
func policyHere(ctx context.Context) (cli.RunningPolicy, bool, error) {
	inode, _ := procfs.NetNamespace("/proc/self/ns/net")
	p, there, err := enforce.AskPolicy(ctx, guard.Door(guard.Dir, inode))
	return cli.RunningPolicy(p), there, err
}

// measure times the programs on packets by BPF_PROG_TEST_RUN, attached to nothing. An interrupt ends the process without waiting:
// nothing is there to be detached.
func measure(ctx context.Context, p acl.Policy, w cli.BenchWish) (cli.BenchReport, error) {
	var report cli.BenchReport
	var failed error
	done := probes.Go(ctx, "bench", func(ctx context.Context) error {
		res, err := bench.Measure(ctx, bench.Wish{Policy: p, Dev: w.Dev, For: w.For})
		if err != nil {
			return err
		}
		report = cli.BenchReport{CPU: res.CPU, Rounds: res.Rounds, Flows: res.Flows, Notes: res.Notes}
		for _, s := range res.List {
			report.Stages = append(report.Stages, cli.BenchStage{Hook: s.Hook, Name: s.Name, Why: s.Why, One: (*cli.BenchCost)(s.One), Many: (*cli.BenchCost)(s.Many)})
		}
		return nil
	}, func(err error) { failed = err })
	select {
	case <-done:
		return report, advised(failed)
	case <-ctx.Done():
		return cli.BenchReport{}, ctx.Err()
	}
}

// advised says what to do about programs that may not be loaded.
func advised(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return &cli.Error{Code: cli.ExitFailed, Err: err, Fix: "run it as root"}
}
