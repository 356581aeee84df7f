// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"fmt"
	"time"

	"hooktop/probes/attach"
	"hooktop/probes/snap"
)

const (
	// replanEvery is how often routes are read again: a new route alone sends no device news.
	replanEvery = 5 * time.Second
	// routesShare is the part of the time that reading routes may take: a router's full table takes seconds to dump.
	routesShare = 50
)

// routes is what was read of the routing tables last.
type routes struct {
	all, defaults []int // ifindexes
	err           error
	due           time.Time // when to read again
	cheap         bool      // a read takes so little that it may follow every news of a device
	reading       bool
	again         bool // once more after this read, which may have begun too early
}

// readRoutes reads the routes aside, then calls then.
func (p *pipeline) readRoutes(then func()) {
	if p.routes.reading {
		p.routes.again = true
		return
	}
	p.routes.reading = true
	var got routes
	p.b.Aside(func() {
		begun := time.Now()
		got.all, got.defaults, got.err = p.b.Host.RouteDevices()
		pause, cheap := routesPause(time.Since(begun))
		got.due, got.cheap = time.Now().Add(pause), cheap
	}, func() {
		p.trouble("routes", "routes could not be read: only named devices are watched", got.err)
		again := p.routes.again
		p.routes = got
		then()
		if again {
			p.readRoutes(then)
		}
	})
}

// routesPause is how long to wait after a read of routes that took so long, and whether news of a device need not wait.
func routesPause(took time.Duration) (pause time.Duration, cheap bool) {
	pause = routesShare * took
	return max(pause, replanEvery), pause <= replanEvery
}

// plan decides which devices to watch, by the devices and routes read last.
func (p *pipeline) plan() ([]attach.Choice, error) {
	if p.devices.err != nil {
		return nil, fmt.Errorf("list devices: %w", p.devices.err)
	}
	choices, out := attach.Plan(p.devices.links, p.routes.all, p.routes.defaults, p.wish)
	for i := range out {
		out[i].Name, out[i].Why = clean(out[i].Name), clean(out[i].Why)
	}
	p.leftOut = out
	return choices, nil
}

// follow looks for devices that became worth watching: at once when a device appeared, and now and then for the sake of
// new routes.
func (p *pipeline) follow(now time.Time) {
	if !p.begun {
		return
	}
	switch {
	case p.dirty && p.devices.planning: // once that is through
	case p.dirty && p.routes.cheap:
		p.dirty = false
		p.readRoutes(p.replan)
	case p.dirty:
		p.dirty = false
		p.replan()
	}
	if !p.routes.reading && now.After(p.routes.due) {
		p.readRoutes(p.replan)
	}
}

// replan lists the devices and attaches to those that became worth watching. Devices that are watched stay, whatever happens to their
// routes: a flapping route must not flap a program.
func (p *pipeline) replan() {
	if p.devices.planning {
		p.dirty = true
		return
	}
	p.devices.planning = true
	p.list(func() {
		p.devices.planning = false
		if p.dp != nil {
			p.attachNew()
		}
	})
}

func (p *pipeline) attachNew() {
	choices, err := p.plan()
	p.trouble("links", "devices could not be listed", err)
	for _, c := range choices {
		if d := p.set.Find(c.Link.Index); d != nil {
			p.set.Update(d, c.Link, time.Now())
			continue
		}
		p.watch(c, func(d *attach.Dev, err error) {
			if err != nil {
				p.b.Notify(snap.Warn, "attach", "can't watch "+err.Error())
				return
			}
			p.b.Notify(snap.Info, "attach", "now watching "+d.Link.Name+" ("+string(d.Mode)+"): "+d.Reason)
		})
	}
}
