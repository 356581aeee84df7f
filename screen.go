// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"hooktop/probes"
	"hooktop/probes/guard"
	"hooktop/ui"
	"hooktop/ui/cli"
	"hooktop/ui/core"
	"hooktop/ui/tabs/flows"
	"hooktop/ui/tabs/programs"
)

// screenGrace is how long a screen that was told to end may take: a terminal that nobody reads blocks its last write.
const screenGrace = 1500 * time.Millisecond

// tabs in the order of the tab bar. Adding a tab is one line here.
func tabs() []func(*core.Env) core.Tab {
	return []func(*core.Env) core.Tab{flows.New, programs.New}
}

// dashboard shows the screen until the user or a signal ends it.
func dashboard(ctx context.Context, opt cli.Options) error { return showScreen(ctx, opt, false) }

// showScreen runs engine and screen side by side. Whichever ends first, and whatever ended it, everything is detached
// without waiting for the screen, and the terminal is sane when the last line is printed.
func showScreen(ctx context.Context, opt cli.Options, lab bool) error {
	tty := guard.Terminal()
	restore := guard.Restorer(tty)
	s, err := openSession(ctx, opt, tty)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if s.guard != nil {
		s.guard.Screen(true)
	}
	var screenErr error
	screen := probes.Go(ctx, "screen", func(ctx context.Context) error {
		return ui.Run(ctx, ui.Options{
			Backend: s.engine, Tabs: tabs(), Version: version(), Lab: lab,
			Theme: opt.Screen.Theme, ASCII: opt.Screen.ASCII, Mouse: opt.Screen.Mouse,
			Hz: opt.Screen.Hz, Reduced: opt.Screen.Reduced, Comfortable: opt.Screen.Comfortable, Paint: opt.Screen.Paint,
			In: os.Stdin, Out: os.Stdout,
		})
	}, func(err error) { screenErr = err })
	select {
	case <-screen:
	case <-s.ended: // a probe failed for good
	case <-ctx.Done():
	}
	fallback := inFallback(s.engine)
	begun := time.Now()
	s.engine.Close()
	took := time.Since(begun)
	stop()
	select {
	case <-screen:
	case <-time.After(screenGrace):
		restore()
		screenErr = errors.New("the screen did not end: its terminal takes no output")
	}
	if s.guard != nil {
		s.guard.Screen(false)
	}
	left, err := s.close()
	fmt.Fprintln(os.Stderr, lastLine(left, took))
	if err := errors.Join(err, screenErr); err != nil {
		return err
	}
	if fallback != "" {
		return fmt.Errorf("%w: %s", cli.ErrNothingAttached, fallback)
	}
	return nil
}

// inFallback says why the engine's last frame came from conntrack and /proc, "" when it did not.
func inFallback(e *probes.Engine) string {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the newest frame that there is, without waiting
	f, err := e.Next(ctx, 0)
	if err != nil {
		return ""
	}
	return f.State.Fallback
}
