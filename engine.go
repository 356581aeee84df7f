// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"hooktop/netcfg/enforce"
	"hooktop/netcfg/nl"
	"hooktop/netcfg/steer"
	"hooktop/probes"
	"hooktop/probes/attach"
	"hooktop/probes/bench"
	"hooktop/probes/export"
	"hooktop/probes/guard"
	"hooktop/probes/snap"
	"hooktop/ui/cli"
)

// session is one run of the engine with everything around it that has to be given back: the pen, the watcher, netlink.
type session struct {
	host   *nl.Host
	pen    *guard.Pen
	guard  *guard.Guard
	alone  *guard.Journal // in place of guard: the watcher could not be started
	policy *enforce.Service
	lines  *export.Lines // of --events; nil: none
	engine *probes.Engine
	ended  <-chan struct{} // the engine's Run returned
	cancel context.CancelFunc
	err    error // why; valid once ended is closed
}

// logbook is told what would outlive this process, before it is made.
type logbook interface {
	attach.Journal
	steer.Journal
}

// openSession starts the engine. The order is that of FAULTS "order up": leftovers of dead runs, pen, watcher and journal,
// then programs. tty is the terminal that the watcher restores if this process is killed; nil when no screen is drawn.
func openSession(ctx context.Context, opt cli.Options, tty *os.File) (*session, error) {
	host, err := nl.Open()
	if err != nil {
		return nil, err
	}
	s := &session{host: host}
	cfg := config(opt)
	var news []string
	if os.Geteuid() == 0 {
		news = s.reclaim()
	}
	cfg.ReadOnly, cfg.HeldBy = s.takePen()
	if s.lines, err = eventLines(opt.Policy.Events); err == nil {
		s.policy, err = enforcer(opt, host, cfg.ReadOnly, cfg.HeldBy, s.lines)
	}
	if err != nil {
		return nil, errors.Join(err, s.endLines(), s.pen.Drop(), s.host.Close())
	}
	if s.lines != nil {
		cfg.Events = s.lines
	}
	cfg.Policy, cfg.Prices = enforce.OnKern{Service: s.policy}, bench.Prices
	s.guard, err = guard.Arm(guard.Options{Command: cli.WatchCommand, Terminal: tty})
	var journal logbook = s.guard
	if err != nil {
		news = append(news, err.Error()+": after SIGKILL the terminal and clsact filters stay until hooktop cleanup")
		journal = s.unwatched()
	}
	cfg.Journal = journal
	s.policy.SteerBy(steer.New(host, journal, func(sev snap.Severity, text string) { s.engine.Tell(sev, "chain", text) }))
	s.engine = probes.New(cfg, host)
	for _, text := range news {
		s.engine.Tell(snap.Warn, "guard", text)
	}
	run, cancel := context.WithCancel(ctx)
	s.cancel = cancel
	s.ended = probes.Go(run, "engine", s.engine.Run, func(err error) { s.err = err })
	s.watchWatcher(run)
	return s, nil
}

// endLines writes what waits for the file of --events.
func (s *session) endLines() error {
	if s.lines == nil {
		return nil
	}
	return s.lines.Close()
}

// unwatched keeps a journal for hooktop cleanup and for the next start. Where not even that can be, nothing that outlives
// this process may be made.
func (s *session) unwatched() logbook {
	var err error
	if s.alone, err = guard.OpenJournal(guard.Dir); err != nil {
		return guard.Refuse(err)
	}
	return s.alone
}

func config(opt cli.Options) probes.Config {
	return probes.Config{
		Interfaces: opt.Interfaces, Mode: opt.Mode, Flows: opt.Flows, LogRate: opt.Policy.LogRate, AccessAgents: opt.AccessAgents,
		NoTCX: opt.NoTCX, Hz: opt.Screen.Hz,
		NoTrace: opt.Once, // a snapshot has no place for it
	}
}

// reclaim removes what dead runs left, and says so.
func (s *session) reclaim() []string {
	items, err := guard.Reclaim(guard.Dir, s.host)
	var news []string
	if err != nil {
		news = append(news, err.Error())
	}
	for _, i := range items {
		switch i.State {
		case "removed":
			on := ""
			if i.Dev != "" {
				on = " on " + i.Dev
			}
			left := "that a killed run left" + on
			if i.Why != "" {
				left = "(" + i.Why + ")"
			}
			news = append(news, fmt.Sprintf("removed the %s %s %s", i.Kind, i.Name, left))
		case "failed":
			news = append(news, fmt.Sprintf("%s %s of a killed run can't be removed: %s", i.Kind, i.Name, i.Why))
		}
	}
	return news
}

// takePen tries to become the one writer of this network namespace. Looking needs no pen.
func (s *session) takePen() (readOnly, heldBy string) {
	pen, err := guard.TakePen(guard.Dir)
	var held *guard.HeldError
	switch {
	case err == nil:
		s.pen = pen
		return "", ""
	case errors.As(err, &held):
		return held.Error(), fmt.Sprintf("pid %d", held.By.PID)
	case errors.Is(err, os.ErrPermission):
		return "only root may change anything", ""
	}
	return err.Error(), ""
}

// watchWatcher starts a second watcher when somebody kills the first, and says so; a third one is not tried.
func (s *session) watchWatcher(ctx context.Context) {
	if s.guard == nil {
		return
	}
	probes.Go(ctx, "watcher", func(ctx context.Context) error {
		for try := 0; ; try++ {
			select {
			case <-s.guard.Gone():
			case <-ctx.Done():
				return nil
			}
			if ctx.Err() != nil {
				return nil
			}
			if try > 0 {
				return errors.New("it was killed again: after SIGKILL clsact filters stay until hooktop cleanup")
			}
			if err := s.guard.Rearm(); err != nil {
				return err
			}
			s.engine.Tell(snap.Warn, "guard", "the watcher process was killed: another one watches now")
		}
	}, func(err error) {
		if err != nil {
			s.engine.Tell(snap.Crit, "guard", err.Error())
		}
	})
}

// close detaches everything and says what was detached. It waits for no screen.
func (s *session) close() (left []snap.Status, err error) {
	left = s.engine.Close()
	<-s.ended
	s.cancel()
	err = errors.Join(s.err, s.policy.End()) // the probe has done that, unless it never began
	err = errors.Join(err, s.endLines())
	if s.guard != nil {
		err = errors.Join(err, s.guard.Release())
	}
	if s.alone != nil {
		err = errors.Join(err, s.alone.End())
	}
	err = errors.Join(err, s.pen.Drop(), s.host.Close())
	return left, err
}

// lastLine says what was detached.
func lastLine(left []snap.Status, took time.Duration) string {
	programs, bad := 0, ""
	for _, st := range left {
		if st.Outcome == snap.Detached {
			programs++
		} else {
			bad += fmt.Sprintf("; %s: %s", st.Name, st.Why)
		}
	}
	if programs == 0 && bad == "" {
		return "hooktop: nothing was attached, nothing is left"
	}
	noun := "programs"
	if programs == 1 {
		noun = "program"
	}
	line := fmt.Sprintf("hooktop: detached %d %s in %.2f s", programs, noun, took.Seconds())
	if bad != "" {
		return line + bad + ": run hooktop cleanup"
	}
	return line + ", nothing is left"
}

// once attaches, watches, takes one frame with every flow, and detaches.
func once(ctx context.Context, opt cli.Options) (cli.Snapshot, error) {
	return onceWhile(ctx, opt, func(ctx context.Context) error {
		t := time.NewTimer(opt.For)
		defer t.Stop()
		select {
		case <-t.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// onceWhile is once with what happens between attached and the frame.
func onceWhile(ctx context.Context, opt cli.Options, watch func(context.Context) error) (shot cli.Snapshot, err error) {
	s, err := openSession(ctx, opt, nil)
	if err != nil {
		return shot, err
	}
	defer func() {
		left, closed := s.close()
		shot.Left = left
		if err == nil || errors.Is(err, probes.ErrEnded) && closed != nil {
			err = closed // why the engine ended says more than that it did
		}
	}()
	if _, err := s.engine.Started(ctx); err != nil {
		return shot, err
	}
	if opt.Policy.File != "" {
		if _, err := s.launch(ctx, opt.Policy); err != nil {
			return shot, err
		}
	}
	if err := watch(ctx); err != nil {
		return shot, err
	}
	if shot.Frame, err = s.engine.Snapshot(ctx, snap.Query{Tab: snap.TraceTab, Flows: snap.FlowQuery{Sort: "bytes"}}); err == nil {
		sayMissing(shot.Frame)
	}
	return shot, err
}

// sayMissing tells on standard error which programs a snapshot had to do without: zeros in it are no proof of silence.
func sayMissing(f *snap.Frame) {
	for _, st := range f.Start {
		if st.Outcome == snap.Unavailable && f.State.Fallback == "" {
			fmt.Fprintf(os.Stderr, "hooktop: %s is not attached: %s\n", st.Name, st.Why)
		}
	}
}
