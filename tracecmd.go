// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"hooktop/probes"
	"hooktop/probes/snap"
	"hooktop/ui/cli"
)

// traceEvents traces without an engine: what is attached goes with this process.
func traceEvents(ctx context.Context, _ cli.Options, spec snap.TraceSpec, emit func([]snap.TraceEvent) error) (snap.TraceSession, error) {
	return probes.RunTrace(ctx, spec, emit, nil)
}

func tracePresets(context.Context) ([]snap.TracePreset, error) { return probes.TracePresets() }
