// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hooktop/netcfg/enforce"
	"hooktop/netcfg/lab"
	"hooktop/netcfg/nl"
	"hooktop/probes/events"
	"hooktop/probes/export"
	"hooktop/probes/guard"
	"hooktop/probes/procfs"
	"hooktop/probes/snap"
	"hooktop/ui/cli"
)

// auditLog is where root's changes are written down, whoever's home sudo left. Other users' are beside their drafts, and so
// are root's where XDG_STATE_HOME names a place.
const auditLog = "/var/lib/hooktop/audit.jsonl"

// enforcer makes the service that carries out changes of the policy. heldBy is not "" when another hooktop has the pen. Its
// audit lines go to lines too; nil: nowhere.
func enforcer(opt cli.Options, host *nl.Host, readOnly, heldBy string, lines *export.Lines) (*enforce.Service, error) {
	o := enforce.Options{
		ReadOnly: readOnly, NoGuard: opt.Policy.NoGuard, Lease: opt.Policy.Lease, File: opt.Policy.File, FileText: opt.Policy.Text,
		Soak: opt.Policy.Canary.Soak, Limits: opt.Policy.Canary.Limits, Standing: host.Standing, Arrives: host.Arrives,
	}
	if lines != nil {
		o.Events = lines.Add
	}
	state, err := stateDir()
	if err != nil {
		return nil, err
	}
	o.State, o.Audit = state, filepath.Join(state, "audit.jsonl")
	if os.Geteuid() == 0 && os.Getenv("XDG_STATE_HOME") == "" {
		o.Audit = auditLog
	}
	inode, initial := procfs.NetNamespace("/proc/self/ns/net")
	o.Door = guard.Door(guard.Dir, inode)
	switch {
	case lab.Inside(): // what is tried there ends with it
		o.Audit = ""
	case heldBy != "": // the draft on disk is that of who holds the pen
	case initial || inode == 0:
		o.Draft = filepath.Join(state, "draft")
	default: // of a network namespace that goes, sooner or later
		o.Draft = guard.Draft(guard.Dir, inode)
	}
	return enforce.New(o)
}

// eventLines opens the file of --events, and finds out at the start whether it can be written to. nil: none is asked for.
func eventLines(path string) (*export.Lines, error) {
	if path == "" {
		return nil, nil
	}
	lines, err := export.Open(path, func(lost uint64) []byte {
		return events.LostLine(time.Now(), lost, "this file took no more")
	})
	if err != nil {
		return nil, fmt.Errorf("--events: %w", err)
	}
	return lines, nil
}

// stateDir is where this user's drafts and earlier versions are (XDG base directory specification).
func stateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hooktop"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		if os.Geteuid() == 0 {
			return filepath.Dir(auditLog), nil // a service has no home
		}
		return "", fmt.Errorf("find a place for drafts: %w", err)
	}
	return filepath.Join(home, ".local", "state", "hooktop"), nil
}

// keepTrial is hooktop keep CODE.
func keepTrial(ctx context.Context, code string) (string, error) {
	inode, _ := procfs.NetNamespace("/proc/self/ns/net")
	return enforce.Knock(ctx, guard.Door(guard.Dir, inode), code)
}

// waysWait is how long a launch waits for the ways in, of which the guard is made, and for what is normal, which a canary is
// held against. All of it takes some 3 s; more of it is what the host stands still.
const waysWait = 15 * time.Second

// launch puts the policy of the command line on trial once everything is attached.
func (s *session) launch(ctx context.Context, p cli.Policy) (snap.Answer, error) {
	if _, err := s.engine.Started(ctx); err != nil {
		return snap.Answer{}, err
	}
	known := []<-chan struct{}{s.policy.Looked()}
	if len(p.Canary.On) > 0 {
		known = append(known, s.policy.Watched())
	}
	wait, cancel := context.WithTimeout(ctx, waysWait)
	defer cancel()
	for _, it := range known {
		select {
		case <-it:
		case <-wait.Done(): // the commit says what is missing
		}
	}
	if ctx.Err() != nil {
		return snap.Answer{}, ctx.Err()
	}
	a := s.policy.Launch(p.Text, snap.PolicyWish{On: p.Canary.On})
	if a.Err != "" {
		return a, errors.New(a.Err)
	}
	return a, nil
}
