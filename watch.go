// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"hooktop/netcfg/nl"
	"hooktop/probes/guard"
)

// watch is the hidden command of the watcher process. It ignores the signals that end ctx: its end is that of the main
// process.
func watch(_ context.Context, args []string) error {
	return guard.Watch(args, func() (guard.Host, error) { return nl.Open() })
}
