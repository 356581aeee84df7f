// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/bpf/kern"
	"hooktop/probes/events"
	"hooktop/probes/pcapng"
	"hooktop/probes/snap"
)

// Lines take lines of JSON out of the process. Nothing of it blocks.
type Lines interface {
	Add(line []byte)
	Lost() uint64    // lines that were not written
	Trouble() string // why not, "" when all were
}

// eventer is the Probe of events: it reads what the programs tell of single packets, on a goroutine of its own, and hears what
// becomes of the policy.
type eventer struct {
	b     *Bench
	pl    *pipeline
	svc   Policy
	kern  *kern.Pipeline
	store *events.Store

	ending  chan struct{} // closed by end
	done    chan struct{} // closed when the reader has ended; nil: there is none
	devices atomic.Pointer[map[uint16]watchedDevice]
	unknown atomic.Uint64 // events of generations that are gone
	lost    uint64        // in the kernel, at the last look
}

// watchedDevice is what an event says of its device slot.
type watchedDevice struct {
	name string
	l3   bool
}

var (
	_ Doer     = (*eventer)(nil)
	_ Optional = (*eventer)(nil)
)

// Optional: the rest does without it.
func (*eventer) Optional() {}

// Start begins to read. The pipeline has opened the rings by then, or there are none.
func (e *eventer) Start(_ context.Context, b *Bench, done func(error)) {
	e.b, e.svc, e.store = b, b.Config.Policy, events.NewStore()
	e.devices.Store(&map[uint16]watchedDevice{})
	if e.svc != nil {
		e.svc.Hear(e.store.Add)
	}
	if e.svc == nil || e.pl.dp == nil || e.pl.dp.kern == nil {
		done(nil)
		return
	}
	e.kern, e.ending, e.done = e.pl.dp.kern, make(chan struct{}), make(chan struct{})
	e.pl.before = append(e.pl.before, e.end)
	b.Go("policy events", func(context.Context) error {
		defer close(e.done)
		return e.read()
	})
	done(nil)
}

const (
	eventsPause = 20 * time.Millisecond // how long events gather before they are read
	eventsLate  = time.Second           // and no longer, whatever a read took: the host may have stood still
	eventsShare = 10                    // part of the time that reading may take: in a flood over many rules the rings lose, and count
)

// read hands on events until the end. When there are none it sleeps without a clock.
func (e *eventer) read() error {
	var booted time.Time // of one look at both clocks a batch, so that events keep their order
	take := func(k *kern.PolicyEvent) { e.take(k, booted) }
	pause := time.NewTimer(0)
	defer pause.Stop()
	took := time.Duration(0)
	for more := false; ; {
		if !more {
			if err := e.kern.WaitPolicyEvents(); err != nil {
				return err
			}
		}
		pause.Reset(min(max(eventsPause, took*(eventsShare-1)), eventsLate))
		select {
		case <-pause.C:
		case <-e.ending:
			booted = time.Now().Add(-time.Duration(kern.MonotonicNs()))
			e.kern.ReadPolicyEvents(take)
			return nil
		}
		begun := time.Now()
		booted = begun.Add(-time.Duration(kern.MonotonicNs()))
		more = e.kern.ReadPolicyEvents(take)
		took = time.Since(begun)
	}
}

// take brings an event of the kernel to the rows, headers and lines.
func (e *eventer) take(k *kern.PolicyEvent, booted time.Time) {
	by, ok := e.svc.Decider(k.Gen, k.Hit)
	if !ok {
		e.unknown.Add(1)
		return
	}
	p := events.Packet{
		At: booted.Add(time.Duration(k.At)), By: by, Key: k.Key.Decode(), Bare: k.Bare, Len: k.Len,
		Log: k.Log, Sample: k.Sample, Deny: k.Deny, Limited: k.Limited, Missed: k.Missed,
	}
	d, ok := (*e.devices.Load())[p.Key.Dev]
	if !ok {
		d.name = fmt.Sprintf("slot %d", p.Key.Dev) // it has just gone
	}
	p.Dev, p.L3 = d.name, d.l3
	if p.Sample {
		p.Data = k.Frame()
	}
	e.store.Packet(&p)
	if p.Log && e.b.Config.Events != nil {
		e.b.Config.Events.Add(p.Line())
	}
}

// Collect follows the devices' names.
func (e *eventer) Collect(time.Time) {
	if e.done == nil || e.pl.set == nil {
		return
	}
	devices := map[uint16]watchedDevice{}
	for _, d := range e.pl.set.Devs() {
		devices[d.Slot] = watchedDevice{clean(d.Link.Name), d.Link.L3}
	}
	e.devices.Store(&devices)
}

// lostEvents is the name of events that found no room in the kernel, in Frame.Lost.
const lostEvents = "log events lost"

// Second tells of events that were lost since the last look.
func (e *eventer) Second(now time.Time) {
	if lines := e.b.Config.Events; lines != nil {
		var err error
		if why := lines.Trouble(); why != "" {
			err = errors.New(why)
		}
		e.pl.trouble("events", "events could not be written down", err)
	}
	i := slices.IndexFunc(e.pl.lost, func(c snap.Count) bool { return c.Name == lostEvents })
	if i < 0 || e.pl.lost[i].N <= e.lost {
		return
	}
	n := e.pl.lost[i].N - e.lost
	e.lost += n
	const where = "more came at once than their ring has room for"
	e.store.Add(snap.Event{At: now, Sev: snap.Warn, Kind: "lost", Text: events.LostText(n, where)})
	if lines := e.b.Config.Events; lines != nil {
		lines.Add(events.LostLine(now, n, where))
	}
}

// Fill writes the events of a frame.
func (e *eventer) Fill(_ time.Time, q *snap.Query, f *snap.Frame) {
	if q.Tab == snap.EventsTab || q.Flows.Limit == allRows {
		f.Events = e.store.Rows()
	}
	lost := []snap.Count{{Name: "events of policies that are gone", N: e.unknown.Load()}}
	if lines := e.b.Config.Events; lines != nil {
		lost = append(lost, snap.Count{Name: "events not written down", N: lines.Lost()})
	}
	for _, c := range lost {
		if c.N > 0 {
			f.Lost = append(slices.Clip(f.Lost), c)
		}
	}
}

// Do shows and saves headers.
func (e *eventer) Do(_ context.Context, in snap.Intent, answer func(snap.Answer)) bool {
	if e.svc == nil || in.Kind != snap.ShowHeaders && in.Kind != snap.SaveHeaders {
		return false
	}
	by, err := e.svc.DeciderAt(in.Line)
	if err == nil && by.Action != "deny" {
		err = fmt.Errorf("line %d denies nothing: headers are kept of what a rule denies", in.Line)
	}
	if err != nil {
		answer(snap.Answer{Err: "headers: " + err.Error()})
		return true
	}
	if in.Kind == snap.ShowHeaders {
		a := snap.Answer{Headers: e.store.Headers(by.Key)}
		if len(a.Headers) == 0 {
			a.Text = fmt.Sprintf("line %d has denied no packet yet", in.Line)
		}
		answer(a)
		return true
	}
	packets := e.store.Capture(by.Key, by.Text)
	if len(packets) == 0 {
		answer(snap.Answer{Err: fmt.Sprintf("save headers: line %d has denied no packet yet", in.Line)})
		return true
	}
	e.b.Aside(func() { err = saveHeaders(in.Target, by, packets) }, func() {
		if err != nil {
			answer(snap.Answer{Err: clean("save headers: " + err.Error())})
			return
		}
		answer(snap.Answer{
			Text:    fmt.Sprintf("%d headers that line %d denied are in %s", len(packets), in.Line, clean(in.Target)),
			Command: "tshark -r " + clean(in.Target),
		})
	})
	return true
}

// saveHeaders makes a new file: what is there already is somebody's.
func saveHeaders(path string, by snap.Decider, packets []pcapng.Packet) error {
	if path == "" {
		return errors.New("name a file")
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if os.IsExist(err) {
		return fmt.Errorf("%s exists: name another file, or move it away", path)
	}
	if err != nil {
		return err
	}
	err = pcapng.Write(f, "hooktop", fmt.Sprintf("the last packets that line %d of v%d denied: %s", by.Line, by.Gen, by.Text), packets)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(path) // half a capture is of no use; the first error says more than this one's
	}
	return err
}

// end stops the reader once it has read what is there, so that the rings can go.
func (e *eventer) end() []snap.Status {
	if e.done == nil {
		return nil
	}
	select {
	case <-e.ending:
		return nil
	default:
		close(e.ending)
	}
	if err := e.kern.RingPolicyEvents(); err != nil {
		return []snap.Status{{Name: "policy events", Outcome: snap.Unavailable, Why: err.Error()}}
	}
	<-e.done
	return nil
}

// Stop ends what Start began, before the pipeline detaches.
func (e *eventer) Stop() []snap.Status { return e.end() }
