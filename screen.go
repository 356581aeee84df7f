// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"hooktop/netcfg/lab"
	"hooktop/probes"
	"hooktop/probes/guard"
	"hooktop/probes/snap"
	"hooktop/ui"
	"hooktop/ui/cli"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/tabs/acl"
	"hooktop/ui/tabs/chain"
	"hooktop/ui/tabs/decap"
	"hooktop/ui/tabs/events"
	"hooktop/ui/tabs/flows"
	"hooktop/ui/tabs/programs"
	"hooktop/ui/tabs/trace"
	"hooktop/ui/term"
)

const (
	// screenGrace is how long a screen that was told to end may take. ui.Run gives a terminal that nobody reads up by itself within
	// 2 s, and whatever else hangs within 21 s.
	screenGrace = 25 * time.Second
	// wordGrace is how long the last line may wait for the terminal.
	wordGrace = 2 * time.Second
)

// tabs in the order of the tab bar. Adding a tab is one line here.
func tabs() []func(*core.Env) core.Tab {
	return []func(*core.Env) core.Tab{flows.New, acl.New, decap.New, chain.New, trace.New, events.New, programs.New}
}

// dashboard shows the screen until the user or a signal ends it.
func dashboard(ctx context.Context, opt cli.Options) error { return showScreen(ctx, opt, nil) }

// showScreen runs engine and screen side by side. Whichever ends first, and whatever ended it, everything is detached
// without waiting for the screen, and the terminal is sane when the last line is printed. Signals that come meanwhile
// change nothing: main listens to them until it returns. lab is the lab around it, nil on a real host.
func showScreen(ctx context.Context, opt cli.Options, lab *lab.Lab) error {
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
	if lab != nil {
		s.tellDeaths(ctx, lab)
	}
	if opt.Policy.File != "" {
		probes.Go(ctx, "policy of the launch", func(ctx context.Context) error {
			_, err := s.launch(ctx, opt.Policy)
			return err
		}, func(err error) {
			if err != nil && ctx.Err() == nil {
				s.engine.Tell(snap.Crit, "policy", err.Error())
			}
		})
	}
	drawn := make(chan error, 1)
	probes.Go(ctx, "screen", func(ctx context.Context) error {
		return ui.Run(ctx, ui.Options{
			Backend: s.engine, Tabs: tabs(), Version: version(), Lab: lab != nil,
			Theme: opt.Screen.Theme, ASCII: opt.Screen.ASCII, Mouse: opt.Screen.Mouse,
			Hz: opt.Screen.Hz, Reduced: opt.Screen.Reduced, Comfortable: opt.Screen.Comfortable, Paint: opt.Screen.Paint,
			In: os.Stdin, Out: os.Stdout,
		})
	}, func(err error) { drawn <- err })
	var screenErr error
	ended := false
	select {
	case screenErr = <-drawn:
		ended = true
	case <-s.ended: // a probe failed for good
	case <-ctx.Done():
	}
	fallback := inFallback(s.engine)
	begun := time.Now()
	s.engine.Close()
	took := time.Since(begun)
	stop()
	if !ended {
		select {
		case screenErr = <-drawn:
		case <-time.After(screenGrace):
			restore()
			screenErr = term.ErrStalled
		}
	}
	if s.guard != nil {
		s.guard.Screen(false)
	}
	left, err := s.close()
	if errors.Is(screenErr, term.ErrStalled) && term.IsTerminal(os.Stderr) {
		return &cli.Error{Code: cli.ExitFailed} // said to nobody: a write there may never return
	}
	if errors.Is(lastWord(lastLine(left, took)), term.ErrStalled) {
		return &cli.Error{Code: cli.ExitFailed}
	}
	return verdict(errors.Join(err, screenErr), fallback)
}

// lastWord prints what was detached. The screen may have ended in good order and left a terminal without room for one line more,
// which nobody reads: that holds nothing up either.
func lastWord(text string) error {
	if !term.IsTerminal(os.Stderr) {
		_, err := fmt.Fprintln(os.Stderr, text)
		return err
	}
	out := term.NewOutput(os.Stderr, func(error) {})
	written := make(chan struct{})
	go func() { // ends with the write; can't panic
		for look := time.NewTimer(wordGrace); ; look.Reset(term.LookEvery) {
			select {
			case <-written:
				return
			case <-look.C:
			}
			if out.Stuck() {
				out.GiveUp()
				return
			}
		}
	}()
	_, err := fmt.Fprintln(out, text)
	close(written)
	return errors.Join(err, out.Close())
}

// verdict is what a finished screen comes to. A panic is printed whole: it is for whoever mends it.
func verdict(err error, fallback string) error {
	var screen *ui.PanicError
	var engine *probes.PanicError
	switch {
	case errors.As(err, &screen):
		printWhole(fmt.Sprintf("%+v", screen))
	case errors.As(err, &engine):
		printWhole(fmt.Sprintf("%+v", engine))
	}
	if err == nil && fallback != "" {
		return fmt.Errorf("%w: %s", cli.ErrNothingAttached, fallback)
	}
	return err
}

func printWhole(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintln(os.Stderr, format.Clean(strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "    ")))
	}
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
