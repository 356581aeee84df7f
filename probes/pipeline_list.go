// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"slices"
	"time"

	"hooktop/probes/snap"
)

// listing is what was read of the devices last.
type listing struct {
	links   []snap.Link // nil: they could not be listed
	err     error
	at      time.Time
	reading bool
	waiting []func() // for the end of the next one

	planning bool                // it is waited for to see which devices to watch
	heard    []func([]snap.Link) // who else is told of each
}

// list lists the devices, then calls then. It does so apart: what waits for a lock of the kernel's network stack must not hold up a key.
func (p *pipeline) list(then func()) {
	l := &p.devices
	if l.reading {
		l.waiting = append(l.waiting, then) // what is under way may have read before the wish
		return
	}
	l.reading = true
	var links []snap.Link
	var err error
	p.b.Apart(func(context.Context) { links, err = p.b.Host.Links() }, func() {
		l.reading = false
		if p.dp != nil {
			p.took(links, err)
		}
		waiting := l.waiting
		l.waiting = nil
		then()
		if len(waiting) > 0 {
			p.list(func() {
				for _, w := range waiting {
					w()
				}
			})
		}
	})
}

// missed forgets devices that are in no listing any more. News of the end of a device may come before the listing that was read before it:
// then the device was begun after its end, and nothing more is said of it.
func (p *pipeline) missed(links []snap.Link) {
	for _, d := range slices.Clone(p.set.Devs()) {
		if !slices.ContainsFunc(links, func(l snap.Link) bool { return l.Index == d.Link.Index }) {
			p.forget(d)
		}
	}
}

// took takes over a listing.
func (p *pipeline) took(links []snap.Link, err error) {
	l := &p.devices
	p.trouble("links", "devices could not be listed", err)
	l.links, l.err, l.at = links, err, time.Now()
	if err != nil {
		l.links = nil
		return
	}
	if p.set != nil {
		p.missed(links)
	}
	if p.store != nil {
		p.dropped(links)
		p.review(links, l.at)
	}
	for _, tell := range l.heard {
		tell(links)
	}
}

var errEnded = errors.New("nothing can be attached any more")
