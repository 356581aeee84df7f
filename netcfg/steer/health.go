// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"fmt"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/nl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// A next hop that answers nothing for patience questions is away: 450 ms after the first of them, at most 600 ms after it went silent.
const (
	askEach  = 150 * time.Millisecond
	askHurry = 75 * time.Millisecond // once a question was not answered
	patience = 5
	askWide  = 2 // questions without an answer before everybody is asked: the address may have moved
	askRest  = 7 // next hops that are no service's are asked so much less: nothing depends on their answer
	lookRest = 7 // and the kernel's own opinion is read so much less of those that answer
	believe  = 2 // questions without an answer before the kernel is believed that it asked in vain too
)

// hop is the health of one next hop.
type hop struct {
	sock  asker // nil: the device is down, or knows no neighbours
	table nl.Neighbour
	met   bool   // it answered once
	stint stint  // of the device that sock asks on, when it was opened
	mute  int    // questions without an answer
	often bool   // it is a service's
	state string // "ok", "down", "unknown"
	why   string
}

// asks reports whether there is a next hop to ask.
func (s *Steer) asks() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.hops) > 0
}

// keepHops forgets next hops that no way has, and takes up new ones. mu is held.
func (s *Steer) keepHops() {
	wanted := map[acl.Hop]bool{}
	for _, w := range s.ways {
		wanted[w.Hop] = true
		if s.hops[w.Hop] == nil {
			s.hops[w.Hop] = &hop{state: "unknown"}
		}
		s.hops[w.Hop].often = s.hops[w.Hop].often || w.ByService()
	}
	for key, h := range s.hops {
		if !wanted[key] {
			h.close()
			delete(s.hops, key)
		}
	}
}

func (h *hop) close() {
	if h.sock != nil {
		_ = h.sock.Close() // nothing was written
		h.sock = nil
	}
}

// ask asks every next hop, and lets packets take another way where one has gone or come back. hurry: one may just have gone, or come.
func (s *Steer) ask() (hurry bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	moved := false
	s.rounds++
	for key, h := range s.hops {
		if !h.often && s.rounds%askRest != 1 {
			continue
		}
		was := h.state
		s.askOne(key, h)
		moved = moved || was != h.state
		hurry = hurry || h.often && h.sock != nil && (h.mute > 1 || h.state != "ok") && h.mute <= patience
	}
	if moved {
		s.turn()
	}
	if s.restore() || moved { // what could not be made again at once is tried again
		s.lookAgain()
		s.tellGone()
	}
	return hurry
}

// relink takes note of next hops whose device went down, and asks those at once whose device is up again. mu is held.
func (s *Steer) relink() {
	moved := false
	for key, h := range s.hops {
		down, was := s.down(key.Dev), h.state
		if !down && h.sock != nil && h.stint != stintOf(s.links[key.Dev]) {
			h.close() // a flap that was over before it was seen: the other end may need its time too
		}
		if down && h.state != "down" || !down && h.sock == nil {
			s.askOne(key, h)
			moved = moved || was != h.state
		}
	}
	if moved {
		s.turn()
		s.lookAgain()
	}
}

func (s *Steer) askOne(key acl.Hop, h *hop) {
	link := s.links[key.Dev]
	switch {
	case s.down(key.Dev):
		h.close()
		h.state, h.why, h.mute = "down", key.Dev+" is down", 0
		return
	case link.L3 || link.Loopback: // no neighbours there
		h.state, h.why = "ok", ""
		return
	}
	if h.sock != nil && h.stint.index != link.Index {
		h.close()
	}
	if h.sock == nil {
		sock, err := s.host.open(key.Dev, key.Via)
		if err != nil {
			h.state, h.why = "unknown", err.Error()
			return
		}
		// A link that is back has its packets back at once: whether somebody is there is known no sooner than the other end is up.
		h.sock, h.stint, h.mute, h.met, h.state, h.why = sock, stintOf(link), 0, false, "unknown", ""
	}
	if h.sock.Answered() {
		h.mute, h.met, h.state, h.why = 0, true, "ok", ""
		if s.rounds%lookRest == 1 || h.table.State == "" {
			s.readTable(key, h)
		}
	} else if h.mute > 0 {
		s.readTable(key, h)
		s.missed(key, h)
	}
	h.mute++
	if err := h.sock.Ask(h.mute > askWide); err != nil && h.state != "down" {
		h.why = err.Error()
	}
}

// readTable asks for the kernel's own opinion, which its traffic makes. Without one, questions are all that is known.
func (s *Steer) readTable(key acl.Hop, h *hop) {
	var err error
	if h.table, err = s.host.Neighbour(h.stint.index, key.Via); err != nil {
		h.table = nl.Neighbour{}
	}
}

// missed judges a next hop that did not answer.
func (s *Steer) missed(key acl.Hop, h *hop) {
	switch {
	case !h.met && h.table.Fixed: // written by somebody for one that answers no questions
		h.state, h.why = "ok", fmt.Sprintf("%s answers no questions on %s: the neighbour table says that it is there (%s)", key.Via, key.Dev, h.table)
	case h.mute >= patience, h.mute >= believe && h.table.Gone:
		h.state, h.why = "down", fmt.Sprintf("%s does not answer on %s (neighbour table: %s)", key.Via, key.Dev, h.table)
	}
}

// line is a chain as one policy has it. What is kept and what is on trial may have one name, and services that differ: who is away for
// the one says nothing about the other.
type line struct {
	chain      string
	mark, mask uint32
}

func lineOf(w *way) line { return line{w.Chain, w.Mark, w.Mask} }

// turn takes the routes of services that are away out of their tables, and puts back those that are there again. mu is held.
func (s *Steer) turn() {
	gone := map[line]string{} // why
	for _, w := range s.ways {
		if h := s.hops[w.Hop]; w.ByService() && h.state == "down" {
			gone[lineOf(w)] = h.why
		}
	}
	told := map[line]bool{}
	for _, w := range s.ways {
		why, away := gone[lineOf(w)]
		if !w.ByService() || away == w.away {
			continue
		}
		w.away = away
		if away {
			if err := s.host.RemoveChainRoute(w.Route(w.n)); err != nil {
				s.tell(snap.Crit, fmt.Sprintf("chain %s: %s", format.Clean(w.Chain), format.Clean(err.Error())))
			}
		} else if s.down(w.Hop.Dev) {
			continue
		} else if err := s.host.AddChainRoute(w.Route(w.n)); err != nil {
			w.lost, w.why = true, err.Error() // tried again with each look
			s.tell(snap.Crit, fmt.Sprintf("chain %s: %s", format.Clean(w.Chain), format.Clean(err.Error())))
			continue
		}
		if told[lineOf(w)] {
			continue
		}
		told[lineOf(w)] = true
		switch {
		case !away:
			s.tell(snap.Info, fmt.Sprintf("chain %s: the service answers again", format.Clean(w.Chain)))
		case w.Open:
			s.tell(snap.Crit, fmt.Sprintf("chain %s: %s: packets pass it by (fail open)", format.Clean(w.Chain), format.Clean(why)))
		default:
			s.tell(snap.Crit, fmt.Sprintf("chain %s: %s: packets go nowhere (fail closed)", format.Clean(w.Chain), format.Clean(why)))
		}
	}
}

// lookAgain looks after a change of our own. mu is held.
func (s *Steer) lookAgain() {
	if err := s.look(); err != nil {
		s.why = err.Error()
	}
}
