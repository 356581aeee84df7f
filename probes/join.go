// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"slices"

	"hooktop/probes/attach"
	"hooktop/probes/flows"
	"hooktop/probes/names"
	"hooktop/probes/owner"
	"hooktop/probes/snap"
	"hooktop/probes/wayin"
)

// joiner gives flows what stands outside the flow table: owners, ways in, names, devices. Owners, ways in and names are
// read on goroutines of their own; asking never waits.
type joiner struct {
	b       *Bench
	set     *attach.Set
	owners  *owner.Index
	ways    *wayin.Finder
	cache   *names.Cache
	names   bool              // the present query wants names
	devices map[uint16]string // slot -> name; a device that went keeps its last one
}

var _ flows.Joiner = (*joiner)(nil)

func newJoiner(b *Bench, set *attach.Set) *joiner {
	j := &joiner{b: b, set: set, devices: map[uint16]string{}}
	j.owners = owner.New(owner.Options{Sockets: b.Host.Sockets})
	j.ways = wayin.New(wayin.Options{
		Sockets: j.owners.Sockets, Unheld: j.owners.Unheld, Agents: b.Config.AccessAgents, Links: b.Host.Links,
	})
	j.cache = names.New(names.Options{})
	return j
}

func (j *joiner) start() {
	j.b.Go("owners", j.owners.Run)
	j.b.Go("ways in", j.ways.Run)
	j.b.Go("names", j.cache.Run)
}

func (j *joiner) Owner(k *snap.FlowKey) snap.Owner { return j.owners.Owner(k) }
func (j *joiner) TCP(k *snap.FlowKey) snap.TCPInfo { return j.owners.TCP(k) }
func (j *joiner) WayIn(k *snap.FlowKey) snap.WayIn { return j.ways.WayIn(k) }

// Name asks only when the user wants names: looking up addresses is traffic, too.
func (j *joiner) Name(a snap.Addr) string {
	if !j.names {
		return ""
	}
	return j.cache.Name(a)
}

// Device names a slot.
func (j *joiner) Device(slot uint16) string { return j.devices[slot] }

// look takes over the names of the watched devices.
func (j *joiner) look() {
	for _, d := range j.set.Devs() {
		j.devices[d.Slot] = clean(d.Link.Name)
	}
}

func (j *joiner) lost() []snap.Count {
	return slices.Concat(j.owners.Lost(), j.ways.Lost(), j.cache.Lost())
}

// fill writes how the operator gets in. The finder has cleaned what it read.
func (j *joiner) fill(f *snap.Frame) {
	w := j.ways.Now()
	f.State.NoRemote = w.NoRemote
	f.State.WaysIn = w.Lines()
}
