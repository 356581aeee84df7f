// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/lab"
	"hooktop/probes"
	"hooktop/probes/snap"
	"hooktop/ui/cli"
	"hooktop/ui/format"
)

// runLab is `hooktop lab`: it moves this process into a namespace of its own and starts hooktop again there, with the
// options that flags, environment and config file came to. It returns only when that failed.
func runLab(_ context.Context, opt cli.Options) error {
	if lab.Inside() {
		return errors.New("lab: this is the lab already")
	}
	opt.AccessAgents = append(slices.Clone(opt.AccessAgents), lab.Agent)
	return lab.Enter(append([]string{os.Args[0]}, opt.Args()...))
}

// runLabNode is a process inside one of the lab's namespaces. Its host ends it; signals of the terminal don't reach it.
func runLabNode(_ context.Context, args []string) error { return lab.Run(args, os.Stdin, os.Stdout) }

// withLab builds the lab around f when this process is its host. Everything is gone when it returns.
func withLab(ctx context.Context, f func(*lab.Lab) error) (err error) {
	l, err := lab.Build(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return f(l)
}

// dashboardHere is the dashboard of this host, or of the lab's.
func dashboardHere(ctx context.Context, opt cli.Options) error {
	if !lab.Inside() {
		return dashboard(ctx, opt)
	}
	return withLab(ctx, func(l *lab.Lab) error {
		if err := l.Send(ctx); err != nil {
			return err
		}
		return showScreen(ctx, opt, l)
	})
}

// tellDeaths puts the end of a lab's node on the screen: rows that stop moving want an explanation.
func (s *session) tellDeaths(ctx context.Context, l *lab.Lab) {
	probes.Go(ctx, "lab", func(ctx context.Context) error {
		for {
			select {
			case text := <-l.Deaths():
				s.engine.Tell(snap.Warn, "lab", format.Clean(text))
			case <-ctx.Done():
				return nil
			}
		}
	}, func(error) {}) // it returns no error, and a panic here is worth no more than the notice
}

// onceHere is the snapshot of this host, or of the lab's. There the senders begin when everything is attached and have
// stopped when the snapshot is taken, so that their counts and its can be compared.
func onceHere(ctx context.Context, opt cli.Options) (shot cli.Snapshot, err error) {
	if !lab.Inside() {
		return once(ctx, opt)
	}
	err = withLab(ctx, func(l *lab.Lab) error {
		var sent lab.Sent
		shot, err = onceWhile(ctx, opt, func(ctx context.Context) (err error) {
			if err := l.Send(ctx); err != nil {
				return err
			}
			if err := pass(ctx, opt.For); err != nil {
				return err
			}
			sent, err = l.Stop(ctx)
			return err
		})
		shot.Lab = labReport(sent)
		return err
	})
	return shot, err
}

// pass waits for d.
func pass(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// interfacesHere lists the devices of this host, or those that the lab will have.
func interfacesHere() ([]string, error) {
	if lab.Inside() {
		return lab.Devices(), nil
	}
	return interfaces()
}

// labReport puts the generator's counts into words. A flow that the host forwards stands in the table twice, once a
// device, and is therefore not comparable without looking at the device.
func labReport(sent lab.Sent) *cli.LabReport {
	r := &cli.LabReport{Sent: make([]cli.LabSent, 0, len(sent.Flows)), Drops: make([]cli.LabDrop, 0, len(sent.Drops)),
		Client: cli.LabClient{Asked: sent.Client.Asked, Served: sent.Client.Served, Why: format.Clean(sent.Client.Why)}}
	for _, d := range sent.Drops {
		r.Drops = append(r.Drops, cli.LabDrop{Stage: d.Stage, Name: d.Name, Dev: d.Dev, Packets: d.Packets})
	}
	for _, s := range sent.Flows {
		if s.Proto == unix.IPPROTO_ICMP || s.Proto == unix.IPPROTO_ICMPV6 {
			s.SPort = 0 // type and code: the snapshot has fields of their own for them
		}
		r.Sent = append(r.Sent, cli.LabSent{
			Kind: s.Kind, Src: s.Src.String(), Dst: s.Dst.String(), SPort: s.SPort, DPort: s.DPort, Proto: protoName(s.Proto),
			VLAN: s.VLAN, Frag: fragName(s.Frag), Packets: s.Packets, Bytes: s.Bytes, Exact: !s.Forwarded,
		})
	}
	return r
}

func protoName(proto uint8) string {
	switch proto {
	case unix.IPPROTO_TCP:
		return "tcp"
	case unix.IPPROTO_UDP:
		return "udp"
	case unix.IPPROTO_ICMP:
		return "icmp"
	case unix.IPPROTO_ICMPV6:
		return "icmpv6"
	}
	return fmt.Sprint(proto)
}

func fragName(f snap.Frag) string {
	return [...]string{snap.Whole: "", snap.FragFirst: "first", snap.FragLater: "later"}[f]
}
