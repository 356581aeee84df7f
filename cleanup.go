// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"hooktop/netcfg/nl"
	"hooktop/probes/guard"
	"hooktop/ui/cli"
)

// cleanup removes what dead runs left in this network namespace; all ends living runs first, and removes filters with
// hooktop's mark even when no journal names them.
func cleanup(ctx context.Context, all bool) (cli.CleanupReport, error) {
	var report cli.CleanupReport
	host, err := nl.Open()
	if err != nil {
		return report, err
	}
	defer host.Close()
	add := func(items []guard.Item, err error) error {
		for _, i := range items {
			name := i.Name
			if i.Dev != "" {
				name += " on " + i.Dev
			}
			report.Items = append(report.Items, cli.CleanupItem{Kind: i.Kind, Name: name, State: i.State, Why: i.Why})
		}
		return err
	}
	if all {
		if err := add(guard.EndRuns(ctx, guard.Dir)); err != nil {
			return report, err
		}
	}
	if err := add(guard.Reclaim(guard.Dir, host)); err != nil {
		return report, err
	}
	if all {
		return report, add(guard.Sweep(guard.Dir, host))
	}
	return report, nil
}
