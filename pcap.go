// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"

	"hooktop/probes"
	"hooktop/probes/dryrun"
	"hooktop/ui/cli"
)

// pcap runs every frame of a capture through the real programs, attached to nothing. An interrupt ends the process
// without waiting: nothing is there to be detached.
func pcap(ctx context.Context, r io.Reader, s cli.PcapScene) (cli.PcapReport, error) {
	var report cli.PcapReport
	var failed error
	done := probes.Go(ctx, "run frames", func(context.Context) error {
		var scene *dryrun.Scene
		if s.Asked {
			scene = &dryrun.Scene{Policy: s.Policy, Dir: s.Dir, Dev: s.Dev}
		}
		res, err := dryrun.RunPcap(r, scene)
		if err != nil {
			return err
		}
		report = cli.PcapReport{Packets: res.Packets, Flows: res.Flows, Malformed: res.Malformed, Tunnels: res.Tunnels, Default: cli.PcapHit(res.Default), Notes: res.Notes}
		for _, h := range res.Rules {
			report.Rules = append(report.Rules, cli.PcapHit(h))
		}
		for _, h := range res.Guard {
			report.Guard = append(report.Guard, cli.PcapHit(h))
		}
		for _, l := range res.Legs {
			report.Legs = append(report.Legs, cli.PcapLeg{Of: l.Of, PcapHit: cli.PcapHit(l.Hit)})
		}
		for _, v := range res.Verdicts {
			report.Verdicts = append(report.Verdicts, cli.PcapVerdict(v))
		}
		return nil
	}, func(err error) { failed = err })
	select {
	case <-done:
		return report, advised(failed)
	case <-ctx.Done():
		return cli.PcapReport{}, ctx.Err()
	}
}
