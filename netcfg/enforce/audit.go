// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// actor is who did something.
type actor struct {
	Who   string `json:"who"`
	UID   int    `json:"uid"`
	From  string `json:"from"` // SSH_CONNECTION, "" when there is none
	PID   int    `json:"pid"`
	Fresh bool   `json:"-"` // another login than the one that hooktop runs in: shows its code
}

// event is one line of the audit log.
type event struct {
	Schema string    `json:"schema"`
	At     time.Time `json:"at"`
	What   string    `json:"what"` // commit, canary, keep, restore, lease over, extend, save; of tunnel lines: suspend, resume
	actor
	Generation uint32   `json:"generation"`
	Base       uint32   `json:"base"`
	Lease      float64  `json:"lease_s,omitempty"`
	Soak       float64  `json:"soak_s,omitempty"`
	On         []string `json:"on,omitempty"`   // devices of a canary
	Line       int      `json:"line,omitempty"` // of the policy, that was suspended or taken up
	Why        string   `json:"why,omitempty"`  // of an end
	Diff       []string `json:"diff,omitempty"` // against what was kept
	Text       string   `json:"text,omitempty"`
	File       string   `json:"file,omitempty"`
	Counters   totals   `json:"counters"`
}

// totals are what the edition's rules counted so far.
type totals struct {
	Packets uint64 `json:"packets"`
	Denied  uint64 `json:"denied"`
	Limited uint64 `json:"limited"`
}

// AuditSchema names the lines of the audit log and those that Options.Events hears.
const AuditSchema = "hooktop.audit/1"

// happened is the line in words, for those who watch.
func (e *event) happened() snap.Event {
	out := snap.Event{At: e.At, Kind: e.What, Gen: e.Generation, Text: fmt.Sprintf("v%d: %s by %s", e.Generation, e.What, e.Who)}
	switch e.What {
	case "commit":
		out.Sev = snap.Warn
		out.Text = fmt.Sprintf("v%d is on trial for %gs, by %s", e.Generation, e.Lease, e.Who)
	case "keep":
		out.Text = fmt.Sprintf("v%d is kept, by %s", e.Generation, e.Who)
	case "extend":
		out.Text = fmt.Sprintf("v%d: its lease ends in %gs, by %s", e.Generation, e.Lease, e.Who)
	case "canary":
		out.Text = fmt.Sprintf("v%d is kept on %s and watched for %gs, by %s", e.Generation, strings.Join(e.On, ", "), e.Soak, e.Who)
	case "restore", "lease over":
		out.Sev = snap.Warn
		out.Text = fmt.Sprintf("%s: %s decides again, v%d was on trial", e.What, named(e.Base), e.Generation)
	case "suspend":
		out.Sev, out.Line, out.Text = snap.Crit, e.Line, suspendedText(e.Line, e.Why)
	case "resume":
		out.Sev, out.Line, out.Text = snap.Warn, e.Line, resumedText(e.Line)
	case "save":
		out.Text = fmt.Sprintf("v%d is saved to %s, by %s", e.Generation, e.File, e.Who)
	}
	return out
}

// named is what a generation is called: that of a launch was never committed.
func named(id uint32) string {
	if id == 0 {
		return "the empty policy"
	}
	return fmt.Sprintf("v%d", id)
}

// auditor writes lines on a goroutine of its own: a disk that hangs must hold up neither the engine nor a restore.
type auditor struct {
	file  string
	also  func([]byte) // hears each line
	queue chan func()
	done  chan struct{}
	lost  atomic.Uint64
	why   atomic.Pointer[string]
	who   string
}

// auditQueue is how many lines may wait for the disk; more are counted as lost.
const auditQueue = 256

func newAuditor(o Options) *auditor {
	a := &auditor{file: o.Audit, also: o.Events, queue: make(chan func(), auditQueue), done: make(chan struct{}), who: whoAmI()}
	go func() { // ends with close
		defer close(a.done)
		for work := range a.queue {
			work()
		}
	}()
	return a
}

// later runs work after the lines that wait. It never blocks.
func (a *auditor) later(work func()) {
	select {
	case a.queue <- work:
	default:
		a.lost.Add(1)
	}
}

// write appends a line to the file, and tells who listens.
func (a *auditor) write(e event) {
	line, err := json.Marshal(e)
	if err == nil && a.also != nil {
		a.also(line)
	}
	a.later(func() {
		if err == nil && a.file != "" {
			err = appendLine(a.file, line)
		}
		if err != nil {
			a.lost.Add(1)
			text := strings.ReplaceAll(err.Error(), "\n", "; ")
			a.why.Store(&text)
		}
	})
}

// appendLine adds a line by one write, so that lines of two processes don't mix.
func appendLine(path string, line []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// closeGrace is how long the end waits for a disk.
const closeGrace = 2 * time.Second

// close writes what waits. Nothing may be written afterwards.
func (a *auditor) close() error {
	close(a.queue)
	select {
	case <-a.done:
	case <-time.After(closeGrace):
		select {
		case <-a.done: // in the same moment, when it was the host that stood still
		default:
			return errors.New("audit: the disk takes no lines: the last ones are lost")
		}
	}
	if why := a.why.Load(); why != nil {
		return fmt.Errorf("%d lines lost: %s", a.lost.Load(), *why)
	}
	return nil
}

// record writes a transition. mu is held.
func (s *Service) record(what string, e *edition, by actor, more func(*event)) {
	if s.closed {
		return
	}
	line := event{
		Schema: AuditSchema, At: s.opt.Now().UTC(), What: what, actor: by, Generation: e.id, Base: s.kept.id,
		Diff: e.diff, Counters: s.hits.totals(&e.acl),
	}
	if more != nil {
		more(&line)
	}
	s.audit.write(line)
	s.hear(line.happened())
}

// self is the operator whose hooktop this is.
func (a *auditor) self() actor {
	return actor{Who: a.who, UID: os.Getuid(), From: format.Clean(os.Getenv("SSH_CONNECTION")), PID: os.Getpid()}
}

// whoAmI names the person behind this process: sudo tells, else the login does.
func whoAmI() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return format.Clean(name)
	}
	return loginName(os.Getpid(), os.Getuid())
}

// unsetLogin is what /proc/PID/loginuid holds where nobody logged in (audit.h, AUDIT_UID_UNSET).
const unsetLogin = "4294967295"

// loginName names who logged in to the session of a process, or the user that it runs as.
func loginName(pid, uid int) string {
	id := strconv.Itoa(uid)
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/loginuid", pid)); err == nil {
		if text := strings.TrimSpace(string(b)); text != "" && text != unsetLogin {
			id = text
		}
	}
	if u, err := user.LookupId(id); err == nil {
		return format.Clean(u.Username)
	}
	return "uid " + id
}
