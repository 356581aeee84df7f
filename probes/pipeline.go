// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hooktop/probes/attach"
	"hooktop/probes/flows"
	"hooktop/probes/snap"
)

// replanEvery is how often routes are read again: a new route alone sends no device news.
const replanEvery = 5 * time.Second

// dataplane is the pipeline in the kernel: bpf/kern, or something simpler in tests.
type dataplane struct {
	plane  attach.Plane
	source flows.Source
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

	wish       attach.Wish
	leftOut    []snap.LeftOut
	dirty      bool // a device appeared or was renamed
	planned    time.Time
	interfaces []snap.Interface
	malformed  []snap.Count
	lost       []snap.Count
	said       map[string]bool // troubles that were told once
}

func newPipeline() *pipeline {
	return &pipeline{open: openKern, said: map[string]bool{}}
}

// Start opens the data plane and attaches to every chosen device.
func (p *pipeline) Start(ctx context.Context, b *Bench) error {
	p.b = b
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
	p.store = flows.New(p.dp.source, flows.Options{})
	p.set.Forgotten = p.store.Forget
	p.join = newJoiner(b, p.set)

	choices, err := p.plan()
	if err != nil {
		return err
	}
	for _, c := range choices {
		b.Line(attach.Pending(c.Link.Name, false))
		b.Line(attach.Pending(c.Link.Name, true))
	}
	var failed []error
	for _, c := range choices {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed = append(failed, p.watch(ctx, c))
	}
	if err := p.nothing(choices, failed); err != nil {
		return err
	}
	p.join.start()
	return nil
}

// nothing explains a start after which no program sits anywhere, though there were devices to take.
func (p *pipeline) nothing(choices []attach.Choice, failed []error) error {
	for _, name := range attach.Unmatched(p.links(), p.wish.Globs) {
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

func (p *pipeline) links() []snap.Link {
	links, err := p.b.Host.Links()
	p.trouble("links", "devices could not be listed", err)
	return links
}

// plan decides which devices to watch.
func (p *pipeline) plan() ([]attach.Choice, error) {
	links, err := p.b.Host.Links()
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	routes, err := p.b.Host.RouteDevices()
	p.trouble("routes", "routes could not be read: only named devices are watched", err)
	defaults, err := p.b.Host.DefaultRouteDevices()
	p.trouble("default routes", "default routes could not be read", err)
	choices, out := attach.Plan(links, routes, defaults, p.wish)
	for i := range out {
		out[i].Name, out[i].Why = clean(out[i].Name), clean(out[i].Why)
	}
	p.leftOut, p.planned, p.dirty = out, time.Now(), false
	return choices, nil
}

// watch attaches to one device, a status line a program. The error is that of its last program when both failed.
func (p *pipeline) watch(ctx context.Context, c attach.Choice) error {
	want := p.mode
	if m, err := attach.ParseMode(p.b.Config.Modes[c.Link.Name]); err == nil && p.b.Config.Modes[c.Link.Name] != "" {
		want = m
	}
	d, err := p.set.Begin(c, want)
	if err != nil {
		p.b.Line(snap.Status{
			Name: attach.Pending(c.Link.Name, false).Name, Outcome: snap.Unavailable, Why: err.Error(), Fix: attach.Fix(err),
		})
		return err
	}
	in := p.set.Ingress(d)
	p.b.Line(in)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	out := p.set.Egress(d)
	p.b.Line(out)
	if d.Watching() {
		return nil
	}
	return errors.New(d.Link.Name + ": " + in.Why)
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
	if p.set != nil {
		report = p.set.EndAll()
	}
	if p.dp != nil {
		if err := p.dp.close(); err != nil {
			report = append(report, snap.Status{Name: "flow table", Outcome: snap.Unavailable, Why: "close: " + err.Error()})
		}
		p.dp = nil
	}
	return report
}

// Do carries out intents about devices.
func (p *pipeline) Do(ctx context.Context, in snap.Intent) (snap.Answer, bool) {
	if p.dp == nil {
		return snap.Answer{}, false
	}
	switch in.Kind {
	case snap.WatchInterface:
		return p.doWatch(ctx, in.Target), true
	case snap.UnwatchInterface:
		return p.doUnwatch(in.Target), true
	case snap.SetMode:
		return p.doMode(in.Target, in.Arg), true
	}
	return snap.Answer{}, false
}

func (p *pipeline) doWatch(ctx context.Context, name string) snap.Answer {
	delete(p.wish.Unwatch, name)
	p.wish.Watch[name] = true
	choices, err := p.plan()
	if err != nil {
		return snap.Answer{Err: err.Error()}
	}
	for _, c := range choices {
		if c.Link.Name != name {
			continue
		}
		if p.set.Find(c.Link.Index) != nil {
			return snap.Answer{Text: clean(name) + " is watched already"}
		}
		if err := p.watch(ctx, c); err != nil {
			return snap.Answer{Err: clean(err.Error())}
		}
		d := p.set.Find(c.Link.Index)
		return snap.Answer{Text: fmt.Sprintf("watching %s (%s: %s)", clean(name), d.Mode, clean(d.Why)), Command: "hooktop -i " + clean(name)}
	}
	for _, l := range p.leftOut {
		if l.Name == clean(name) {
			delete(p.wish.Watch, name)
			return snap.Answer{Err: fmt.Sprintf("%s is not watched: %s", l.Name, l.Why)}
		}
	}
	return snap.Answer{Err: fmt.Sprintf("there is no device %s: it is watched when it appears", clean(name))}
}

func (p *pipeline) doUnwatch(name string) snap.Answer {
	for _, d := range p.set.Devs() {
		if d.Link.Name != name {
			continue
		}
		delete(p.wish.Watch, name)
		p.wish.Unwatch[name] = true
		var bad []string
		for _, st := range p.set.End(d) {
			p.b.Line(st)
			if st.Outcome != snap.Detached {
				bad = append(bad, st.Why)
			}
		}
		p.dirty = true
		if len(bad) > 0 {
			return snap.Answer{Err: clean(strings.Join(bad, "; "))}
		}
		return snap.Answer{Text: clean(name) + " is no longer watched"}
	}
	return snap.Answer{Err: clean(name) + " is not watched"}
}

// doMode changes the mode of one device, or of all with "".
func (p *pipeline) doMode(name, arg string) snap.Answer {
	mode, err := attach.ParseMode(arg)
	if err != nil {
		return snap.Answer{Err: err.Error()}
	}
	var said []string
	for _, d := range p.set.Devs() {
		if name != "" && d.Link.Name != name {
			continue
		}
		p.freshen(d)
		st := p.set.SetMode(d, mode)
		p.b.Line(st)
		if st.Outcome == snap.Unavailable {
			return snap.Answer{Err: fmt.Sprintf("%s stays as it was: %s", clean(d.Link.Name), clean(st.Why))}
		}
		said = append(said, fmt.Sprintf("%s: %s (%s)", clean(d.Link.Name), st.To, clean(st.Why)))
	}
	if len(said) == 0 {
		return snap.Answer{Err: clean(name) + " is not watched"}
	}
	if name == "" {
		p.mode = mode
	}
	return snap.Answer{Text: strings.Join(said, ", "), Command: strings.TrimSpace("hooktop --mode " + string(mode) + " " + iFlag(name))}
}

func iFlag(name string) string {
	if name == "" {
		return ""
	}
	return "-i " + clean(name)
}
