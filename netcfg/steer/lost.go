// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"fmt"
	"maps"
	"sync"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// stint is the time that a device carries packets: its routes go at the end of it. A device that was deleted and made again while nobody
// looked may have as many carrier changes as the one before.
type stint struct {
	index   int
	changes uint32
}

func stintOf(l snap.Link) stint { return stint{l.Index, l.CarrierChanges} }

// falls are devices that were down for a while since the last look, by ifindex; 0: any may have been. A bridge or a tunnel that is set down
// and up again looks as before, and has lost its routes.
type falls struct {
	mu    sync.Mutex
	since map[int]bool
}

func (f *falls) note(index int) { f.put(map[int]bool{index: true}) }

func (f *falls) put(more map[int]bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.since == nil {
		f.since = map[int]bool{}
	}
	maps.Copy(f.since, more)
}

// take gives them once.
func (f *falls) take() map[int]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.since
	f.since = nil
	return out
}

// addressed says when the newest address of a hop's device was made: routes go with the last one, and don't come back with the next.
func (s *Steer) addressed(h acl.Hop) uint32 {
	a := s.addrs[s.links[h.Dev].Index]
	if h.Via.Is6() {
		return a.V6
	}
	return a.V4
}

// restore makes routes again that went with their device. True when it made any. A device may be back before its addresses are,
// and with them the next hop: each change of those is another try.
func (s *Steer) restore() bool {
	made := false
	for _, w := range s.ways {
		if !w.lost || w.away || s.down(w.Hop.Dev) {
			continue
		}
		if w.route == inPlace {
			w.lost = false
			continue
		}
		if err := s.host.AddChainRoute(w.Route(w.n)); err != nil {
			w.why = err.Error()
			continue
		}
		w.lost, w.why, made = false, "", true
	}
	return made
}

// gone reports whether the way's route went with its device, or with the addresses of that, and is not there again.
func (w *way) gone() bool { return w.lost && !w.away && w.route == missing }

func (s *Steer) whyGone(w *way) string {
	why := "its route went with " + format.Clean(w.Hop.Dev)
	switch {
	case s.down(w.Hop.Dev):
		why += ", which is down"
	case s.addressed(w.Hop) == 0:
		why += "'s last address"
	}
	return why
}

// tellGone says which routes went with their device and are not there again, and which are. mu is held.
func (s *Steer) tellGone() {
	told := map[string]bool{}
	for _, w := range s.ways {
		gone := w.gone()
		if gone == w.toldGone {
			continue
		}
		w.toldGone = gone
		sev, text := snap.Crit, fmt.Sprintf("chain %s, %s: %s", format.Clean(w.Chain), w.Kind, s.whyGone(w))
		switch {
		case !gone && w.route != inPlace: // its service is away, or somebody put another one there: that is told of
			continue
		case !gone:
			sev, text = snap.Info, fmt.Sprintf("chain %s, %s: its route is there again", format.Clean(w.Chain), w.Kind)
		case w.Open:
			text += ": packets go as without the chain (fail open)"
		default:
			text += ": packets go nowhere (fail closed)"
		}
		if !told[text] {
			told[text] = true
			s.tell(sev, text)
		}
	}
}
