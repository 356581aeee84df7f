// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"hooktop/probes/snap"
)

// Wish is what the operator said about devices. Later words win: Unwatch over Watch over Globs.
type Wish struct {
	Globs   []string        // -i: names or globs; empty: devices under unicast routes
	Watch   map[string]bool // added by key
	Unwatch map[string]bool // removed by key
}

// Choice is a device to watch and why.
type Choice struct {
	Link   snap.Link
	Reason string
}

// Plan picks the devices to watch, one attach level per stack, ordered by ifindex, and says why each other one is left
// out. routes and defaults are ifindexes under unicast routes and under default routes.
func Plan(links []snap.Link, routes, defaults []int, w Wish) ([]Choice, []snap.LeftOut) {
	p := planner{byIndex: map[int]snap.Link{}, chosen: map[int]string{}, out: map[int]string{}}
	for _, l := range links {
		p.byIndex[l.Index] = l
	}
	if len(w.Globs) == 0 {
		p.routed(routes, defaults)
	}
	for _, l := range links {
		p.named(l, w)
	}
	p.dropBelowBond()
	for _, l := range links {
		if w.Unwatch[l.Name] && p.chosen[l.Index] != "" {
			delete(p.chosen, l.Index)
			p.out[l.Index] = "taken off by hand"
		}
	}
	return p.result(links, len(w.Globs) > 0)
}

type planner struct {
	byIndex map[int]snap.Link
	chosen  map[int]string // ifindex -> reason
	out     map[int]string // ifindex -> why not, where there is more to say than "no route"
}

// routed chooses the attach level of each device under a route.
func (p *planner) routed(routes, defaults []int) {
	for _, i := range routes {
		l, ok := p.byIndex[i]
		switch {
		case !ok || l.Loopback:
			continue
		case l.Kind == "vrf":
			p.out[i] = "its packets are seen on the devices of the VRF"
			continue
		}
		top := p.level(l)
		reason := "route"
		if slices.Contains(defaults, i) {
			reason = "default route"
		}
		if top.Index != l.Index {
			p.out[l.Index] = fmt.Sprintf("%s is watched and sees its packets", top.Name)
			reason += " of " + l.Name
		}
		if old := p.chosen[top.Index]; old == "" || strings.HasPrefix(reason, "default") && !strings.HasPrefix(old, "default") {
			p.chosen[top.Index] = reason
		}
	}
}

// named chooses what -i or a key named. An exact name is taken as it stands; a glob gives way to the device of the stack
// that it matches too.
func (p *planner) named(l snap.Link, w Wish) {
	if w.Watch[l.Name] || slices.Contains(w.Globs, l.Name) {
		p.chosen[l.Index] = "named"
		return
	}
	for _, g := range w.Globs {
		if !Matches(g, l.Name) {
			continue
		}
		if l.Loopback {
			p.out[l.Index] = "loopback: only by its full name"
			return
		}
		top := p.level(l)
		if top.Index != l.Index && Matches(g, top.Name) {
			p.out[l.Index] = fmt.Sprintf("%s is watched and sees its packets", top.Name)
			return
		}
		p.chosen[l.Index] = "matches " + g
		return
	}
}

// dropBelowBond takes out the slaves of a watched bond, even named ones: a program there would count each packet twice
// and keep XDP off the bond.
func (p *planner) dropBelowBond() {
	for i := range p.chosen {
		l := p.byIndex[i]
		m, ok := p.byIndex[l.Master]
		if ok && aggregates(m) && p.chosen[m.Index] != "" {
			delete(p.chosen, i)
			p.out[i] = fmt.Sprintf("%s is watched and sees its packets", m.Name)
		}
	}
}

// level follows a device to the one where its stack is watched: the parent of a VLAN, the bond of a slave, the bridge of
// a port. Bounded: a stack deeper than eight is watched where the walk ends.
func (p *planner) level(l snap.Link) snap.Link {
	for range 8 {
		next := 0
		switch {
		case rides(l):
			next = l.Parent
		case aggregates(p.byIndex[l.Master]) || p.byIndex[l.Master].Kind == "bridge":
			next = l.Master
		}
		up, ok := p.byIndex[next]
		if !ok || next == 0 {
			return l
		}
		l = up
	}
	return l
}

// rides says that every packet of a device crosses its parent in a form that the pipeline reads.
func rides(l snap.Link) bool {
	switch l.Kind {
	case "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap":
		return l.Parent != 0
	}
	return false
}

func aggregates(l snap.Link) bool { return l.Kind == "bond" || l.Kind == "team" }

// Matches reports whether a glob or exact name fits a device name. A malformed glob fits nothing.
func Matches(glob, name string) bool {
	if glob == name {
		return true
	}
	ok, err := path.Match(glob, name)
	return err == nil && ok
}

func (p *planner) result(links []snap.Link, globs bool) ([]Choice, []snap.LeftOut) {
	var in []Choice
	var out []snap.LeftOut
	for _, l := range slices.SortedFunc(slices.Values(links), func(a, b snap.Link) int { return a.Index - b.Index }) {
		if reason := p.chosen[l.Index]; reason != "" {
			in = append(in, Choice{l, reason})
			continue
		}
		out = append(out, snap.LeftOut{Name: l.Name, Why: p.why(l, globs)})
	}
	return in, out
}

func (p *planner) why(l snap.Link, globs bool) string {
	if why := p.out[l.Index]; why != "" {
		return why
	}
	m, hasMaster := p.byIndex[l.Master]
	switch {
	case globs:
		return "not named by -i"
	case l.Loopback:
		return "loopback"
	case hasMaster && l.Master != 0 && p.chosen[m.Index] != "":
		return fmt.Sprintf("%s is watched and sees its packets", m.Name)
	case !l.Up:
		return "down, and no route uses it"
	}
	return "no route uses it"
}

// Unmatched returns the names and globs of -i that fit no device.
func Unmatched(links []snap.Link, globs []string) []string {
	var none []string
	for _, g := range globs {
		if !slices.ContainsFunc(links, func(l snap.Link) bool { return Matches(g, l.Name) }) {
			none = append(none, g)
		}
	}
	return none
}
