// SPDX-License-Identifier: Apache-2.0

// hooktop is a top-like dashboard of one Linux host's network path. This file only joins: the commands are ui/cli's, what
// they do is in the other files of this package.
package main

import (
	"context"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"hooktop/ui/cli"
)

func main() { os.Exit(run()) }

func run() int {
	// One path out for every signal that ends the program; what was attached goes before run returns. The signals are
	// listened to until the very end, so that a second one can't kill the teardown.
	ctx, end := context.WithCancel(context.Background())
	defer end()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	go func() { // ends with the program; can't panic
		<-signals
		end()
	}()
	// A reader that went away (| head) is an error of a write, not the end of the program with its filters attached.
	signal.Ignore(unix.SIGPIPE)
	return cli.Main(ctx, os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, cli.Backends{
		Version:    version,
		Interfaces: interfacesHere,
		Dashboard:  dashboardHere,
		Once:       onceHere,
		Lab:        runLab,
		LabNode:    runLabNode,
		Check:      check,
		Cleanup:    cleanup,
		Keep:       keepTrial,
		Pcap:       pcap,
		Explain:    explain,
		Running:    policyHere,
		Bench:      measure,
		Trace:      traceEvents,
		Presets:    tracePresets,
		Watch:      watch,
	})
}
