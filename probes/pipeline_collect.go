// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"slices"
	"time"

	"hooktop/probes/attach"
	"hooktop/probes/snap"
)

// Collect reads the flow table and the counters beside it.
func (p *pipeline) Collect(now time.Time) {
	if p.store == nil || p.dp == nil {
		return
	}
	p.follow(now)
	p.join.look()
	p.trouble("flows", "the flow table could not be read", p.store.Collect(now))
	malformed, lost, err := p.dp.tally()
	p.trouble("counters", "counters could not be read", err)
	if err == nil {
		p.malformed, p.lost = malformed, append(lost, p.join.lost()...)
	}
}

func (p *pipeline) describe(d *attach.Dev) snap.Interface {
	t := p.store.Device(d.Slot)
	return snap.Interface{
		Name: clean(d.Link.Name), Index: d.Link.Index, Slot: d.Slot, Up: d.Link.Up,
		Mode: string(d.Mode), Why: clean(d.Why), Reason: clean(d.Reason),
		Packets: t.InPackets + t.OutPackets, Bytes: t.InBytes + t.OutBytes, In: t.In, Out: t.Out,
		InPackets: t.InPackets, InBytes: t.InBytes, OutPackets: t.OutPackets, OutBytes: t.OutBytes,
	}
}

// Fill answers the query. Slices that are shared with other frames are never changed after Collect made them.
func (p *pipeline) Fill(now time.Time, q *snap.Query, f *snap.Frame) {
	if p.store == nil || p.dp == nil {
		return
	}
	f.LeftOut = p.leftOut
	f.Malformed, f.Lost = p.malformed, p.lost
	f.Interfaces, f.Programs = p.interfaces(), p.programs() // of one moment: no program without its device
	p.join.fill(f)
	f.Totals = p.store.Totals()
	p.join.names = q.Flows.Names
	f.Flows = p.store.Answer(now, q.Flows, p.join)
}

func (p *pipeline) interfaces() []snap.Interface {
	list := make([]snap.Interface, 0, len(p.set.Devs()))
	for _, d := range p.set.Devs() {
		list = append(list, p.describe(d))
	}
	return list
}

func (p *pipeline) programs() []snap.Program {
	list := p.set.Programs()
	for i := range list {
		list[i].Dev = clean(list[i].Dev)
		list[i].Reason = clean(list[i].Reason)
	}
	return list
}

// Second checks that what was attached still is, and follows devices and routes.
func (p *pipeline) Second(now time.Time) {
	if p.set == nil || p.dp == nil {
		return
	}
	p.set.Check()
	if !p.devices.reading {
		p.list(func() {})
	}
	p.follow(now)
}

// dropped adds what the watched devices dropped since the last look (IFLA_STATS64, both directions). A device seen for
// the first time, or whose counter went back, only sets its mark.
func (p *pipeline) dropped(links []snap.Link) {
	marks := make(map[int]uint64, len(p.drops))
	var sum uint64
	for i := range links {
		l := &links[i]
		if p.set.Find(l.Index) == nil {
			continue
		}
		now := l.RxDropped + l.TxDropped
		if before, ok := p.drops[l.Index]; ok && now > before {
			sum += now - before
		}
		marks[l.Index] = now
	}
	p.drops = marks
	if sum > 0 {
		p.store.Drops(sum)
	}
}

// review looks at devices whose attach is a few seconds old.
func (p *pipeline) review(links []snap.Link, now time.Time) {
	if !slices.ContainsFunc(p.set.Devs(), func(d *attach.Dev) bool { return d.Due(now) }) {
		return
	}
	for _, d := range p.set.Devs() {
		i := slices.IndexFunc(links, func(l snap.Link) bool { return l.Index == d.Link.Index })
		if i < 0 {
			continue
		}
		t := p.store.Device(d.Slot)
		p.set.Review(d, links[i], t.InPackets, t.OutPackets, now)
	}
}

// forget lets go of a device that is gone.
func (p *pipeline) forget(d *attach.Dev) {
	p.b.Notify(snap.Info, "attach", d.Link.Name+" is gone: its programs went with it")
	p.set.Vanished(d)
	p.dirty = true
}

// OnLink follows a device.
func (p *pipeline) OnLink(_ context.Context, ev snap.LinkEvent) {
	if p.set == nil || p.dp == nil {
		return
	}
	d := p.set.Find(ev.Link.Index)
	switch {
	case d == nil:
		p.dirty = p.dirty || !ev.Gone
	case ev.Gone:
		p.forget(d)
	default:
		p.dirty = p.set.Update(d, ev.Link, time.Now()) || p.dirty
	}
}
