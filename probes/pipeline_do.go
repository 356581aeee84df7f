// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hooktop/probes/attach"
	"hooktop/probes/snap"
)

// Do carries out intents about devices.
func (p *pipeline) Do(_ context.Context, in snap.Intent, answer func(snap.Answer)) bool {
	if p.dp == nil {
		return false
	}
	switch in.Kind {
	case snap.WatchInterface:
		p.doWatch(in.Target, answer)
	case snap.UnwatchInterface:
		answer(p.doUnwatch(in.Target))
	case snap.SetMode:
		p.doMode(in.Target, in.Arg, answer)
	default:
		return false
	}
	return true
}

// called reports whether a device has a name, as the kernel has it or as frames show it: screens know the latter only.
func called(l snap.Link, name string) bool { return l.Name == name || clean(l.Name) == name }

func (p *pipeline) doWatch(name string, answer func(snap.Answer)) {
	if !p.begun {
		p.early = append(p.early, func() { p.doWatch(name, answer) })
		return
	}
	p.list(func() {
		if p.dp == nil {
			answer(snap.Answer{Err: errEnded.Error()})
			return
		}
		p.watchNamed(name, answer)
	})
}

func (p *pipeline) watchNamed(name string, answer func(snap.Answer)) {
	if links := p.devices.links; !slices.ContainsFunc(links, func(l snap.Link) bool { return l.Name == name }) {
		if i := slices.IndexFunc(links, func(l snap.Link) bool { return called(l, name) }); i >= 0 {
			name = links[i].Name
		}
	}
	delete(p.wish.Unwatch, name)
	p.wish.Watch[name] = true
	choices, err := p.plan()
	if err != nil {
		answer(snap.Answer{Err: clean(err.Error())})
		return
	}
	for _, c := range choices {
		if c.Link.Name != name {
			continue
		}
		if p.set.Find(c.Link.Index) != nil {
			answer(snap.Answer{Text: clean(name) + " is watched already"})
			return
		}
		p.watch(c, func(d *attach.Dev, err error) {
			if err != nil {
				answer(snap.Answer{Err: clean(err.Error())})
				return
			}
			answer(snap.Answer{
				Text: fmt.Sprintf("watching %s (%s: %s)", clean(name), d.Mode, clean(d.Why)), Command: "hooktop -i " + clean(name),
			})
		})
		return
	}
	for _, l := range p.leftOut {
		if l.Name == clean(name) {
			delete(p.wish.Watch, name)
			answer(snap.Answer{Err: fmt.Sprintf("%s is not watched: %s", l.Name, l.Why)})
			return
		}
	}
	answer(snap.Answer{Err: fmt.Sprintf("there is no device %s: it is watched when it appears", clean(name))})
}

func (p *pipeline) doUnwatch(name string) snap.Answer {
	for _, d := range p.set.Devs() {
		if !called(d.Link, name) {
			continue
		}
		delete(p.wish.Watch, d.Link.Name)
		p.wish.Unwatch[d.Link.Name] = true
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

// doMode changes the mode of one device, or of all with "", one after another.
func (p *pipeline) doMode(name, arg string, answer func(snap.Answer)) {
	mode, err := attach.ParseMode(arg)
	if err != nil {
		answer(snap.Answer{Err: err.Error()})
		return
	}
	var todo []*attach.Dev
	for _, d := range p.set.Devs() {
		if name == "" || called(d.Link, name) {
			todo = append(todo, d)
		}
	}
	if len(todo) == 0 {
		answer(snap.Answer{Err: clean(name) + " is not watched"})
		return
	}
	var said []string
	var next func()
	var change func(*attach.Dev)
	next = func() {
		if len(todo) == 0 {
			if name == "" {
				p.mode = mode
			}
			command := strings.TrimSpace("hooktop --mode " + string(mode) + " " + iFlag(name))
			answer(snap.Answer{Text: strings.Join(said, ", "), Command: command})
			return
		}
		d := todo[0]
		todo = todo[1:]
		p.freshen(d, func(err error) {
			if err != nil {
				answer(snap.Answer{Err: fmt.Sprintf("%s stays as it was: %v", clean(d.Link.Name), err)})
				return
			}
			change(d)
		})
	}
	change = func(d *attach.Dev) {
		p.set.ChangeMode(d, mode, func(st snap.Status) {
			p.b.Line(st)
			if st.Outcome == snap.Unavailable {
				answer(snap.Answer{Err: fmt.Sprintf("%s stays as it was: %s", clean(d.Link.Name), clean(st.Why))})
				return
			}
			t := p.store.Device(d.Slot)
			p.set.Restart(d, t.InPackets, t.OutPackets)
			said = append(said, fmt.Sprintf("%s: %s (%s)", clean(d.Link.Name), st.To, clean(st.Why)))
			next()
		})
	}
	next()
}

// freshen reads a device's link again: who sits on its XDP hook may have changed.
func (p *pipeline) freshen(d *attach.Dev, then func(error)) {
	p.list(func() {
		if p.dp == nil || p.set.Find(d.Link.Index) != d {
			then(errEnded)
			return
		}
		for _, l := range p.devices.links {
			if l.Index == d.Link.Index {
				p.set.Update(d, l, time.Now())
			}
		}
		then(nil)
	})
}

func iFlag(name string) string {
	if name == "" {
		return ""
	}
	return "-i " + clean(name)
}
