// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hooktop/bpf/kern"
	"hooktop/probes/attach"
	"hooktop/probes/flows"
	"hooktop/probes/snap"
)

// dataplane is the pipeline in the kernel: bpf/kern, or something simpler in tests.
type dataplane struct {
	plane  attach.Plane
	source flows.Source
	kern   *kern.Pipeline // where a policy is enforced; nil: it can't be
	tally  func() (malformed, lost []snap.Count, err error)
	close  func() error
}

// pipeline is the probe behind the Flows and Programs tabs: the XDP and tc programs of the watched devices.
type pipeline struct {
	open  func(Config) (*dataplane, error)
	b     *Bench
	dp    *dataplane
	set   *attach.Set
	store *flows.Store
	join  *joiner
	mode  attach.Mode

	before    []func() []snap.Status // what has to let go of the maps before they are closed
	wish      attach.Wish
	leftOut   []snap.LeftOut
	begun     bool     // the devices chosen at the start are being watched
	early     []func() // wishes of before that
	dirty     bool     // a device appeared or was renamed
	routes    routes
	malformed []snap.Count
	lost      []snap.Count
	devices   listing
	drops     map[int]uint64  // by ifindex: what a watched device had dropped at the last look
	said      map[string]bool // troubles that were told once
}

func newPipeline() *pipeline {
	return &pipeline{open: openKern, said: map[string]bool{}}
}

// Start opens the data plane and begins to attach to every chosen device.
func (p *pipeline) Start(_ context.Context, b *Bench, done func(error)) {
	p.b = b
	if err := p.openPlane(); err != nil {
		done(err)
		return
	}
	p.readRoutes(func() { p.list(func() { p.begin(done) }) })
}

// begin attaches to the devices chosen at the start. News and wishes wait for it: what they led to would be watched twice.
func (p *pipeline) begin(done func(error)) {
	b := p.b
	p.begun = true
	defer func() {
		for _, wish := range p.early {
			wish()
		}
		p.early = nil
	}()
	choices, err := p.plan()
	if err != nil {
		done(err)
		return
	}
	for _, c := range choices {
		b.Line(attach.Pending(c.Link.Name, false))
		b.Line(attach.Pending(c.Link.Name, true))
	}
	var failed []error
	left := len(choices)
	end := func() {
		err := p.nothing(choices, failed)
		if err == nil {
			p.join.start()
		}
		done(err)
	}
	for _, c := range choices {
		p.watch(c, func(_ *attach.Dev, err error) {
			failed = append(failed, err)
			if left--; left == 0 {
				end()
			}
		})
	}
	if len(choices) == 0 {
		end()
	}
}

// openPlane makes the maps and what stands on them.
func (p *pipeline) openPlane() error {
	b := p.b
	mode, err := attach.ParseMode(b.Config.Mode)
	if err != nil {
		return err
	}
	p.mode = mode
	p.wish = attach.Wish{Globs: b.Config.Interfaces, Watch: map[string]bool{}, Unwatch: map[string]bool{}}
	b.Line(snap.Status{Name: "flow table"})
	p.dp, err = p.open(b.Config)
	if err != nil {
		b.Line(snap.Status{Name: "flow table", Outcome: snap.Unavailable, Why: err.Error(), Fix: attach.Fix(err)})
		return fmt.Errorf("flow table: %w", err)
	}
	b.Line(tableLine(p.dp))
	p.set = attach.NewSet(p.dp.plane, b.Host, b.Config.Journal, b.Config.NoTCX)
	p.set.Notify = func(sev snap.Severity, text string) { b.Notify(sev, "attach", text) }
	p.set.Aside = b.Aside
	options := flows.Options{}
	if b.Config.Policy != nil && p.dp.kern != nil {
		options.Verdict = b.Config.Policy.Verdict
	}
	p.store = flows.New(p.dp.source, options)
	p.set.Forgotten = p.store.Forget
	p.join = newJoiner(b, p.set)
	return nil
}

// nothing explains a start after which no program sits anywhere, though there were devices to take.
func (p *pipeline) nothing(choices []attach.Choice, failed []error) error {
	for _, name := range attach.Unmatched(p.devices.links, p.wish.Globs) {
		p.b.Notify(snap.Warn, "attach", fmt.Sprintf("no device is called %s: it is watched when it appears", name))
	}
	if len(choices) == 0 {
		p.b.Notify(snap.Warn, "attach", "no device is under a route: name one with -i")
		return nil
	}
	for _, d := range p.set.Devs() {
		if d.Watching() {
			return nil
		}
	}
	return fmt.Errorf("nothing could be attached: %w", errors.Join(failed...))
}

// tableLine is the status of the flow table, degraded where its assumptions do not hold.
func tableLine(dp *dataplane) snap.Status {
	st := snap.Status{Name: "flow table", Outcome: snap.Attached, To: fmt.Sprintf("%d slots", dp.source.Slots())}
	if realtime() {
		st.Outcome = snap.Degraded
		st.Why = "PREEMPT_RT: two tasks of one CPU may update a flow at once, so counters are estimates"
	}
	return st
}

// watch begins to watch one device, a status line a program. done hears the end of it.
func (p *pipeline) watch(c attach.Choice, done func(*attach.Dev, error)) {
	want := p.mode
	if text := p.b.Config.Modes[c.Link.Name]; text != "" {
		if m, err := attach.ParseMode(text); err == nil {
			want = m
		}
	}
	p.set.Watch(c, want, p.b.Line, done)
}

// trouble tells about an error once, until it is over.
func (p *pipeline) trouble(what, text string, err error) {
	if err == nil {
		delete(p.said, what)
		return
	}
	if !p.said[what] {
		p.said[what] = true
		p.b.Notify(snap.Warn, what, text+": "+err.Error())
	}
}

// Stop detaches from all devices and lets go of the maps.
func (p *pipeline) Stop() []snap.Status {
	var report []snap.Status
	for _, end := range slices.Backward(p.before) {
		report = append(report, end()...)
	}
	p.before = nil
	if p.set != nil {
		report = append(report, p.set.EndAll()...)
	}
	if p.dp != nil {
		if err := p.dp.close(); err != nil {
			report = append(report, snap.Status{Name: "flow table", Outcome: snap.Unavailable, Why: "close: " + err.Error()})
		}
		p.dp = nil
	}
	return report
}
