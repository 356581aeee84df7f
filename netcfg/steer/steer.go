// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/chain"
	"hooktop/netcfg/nl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Journal is told what would outlive this process, before it is made.
type Journal interface {
	IntendSteering(n int) error
	DoneSteering(n int)
}

// way is a way that is wanted, and what was seen of it.
type way struct {
	chain.Way
	n        int
	rule     string // "in place", "missing", "changed"
	route    string // likewise
	guard    string
	beside   []chain.Route // other routes of its table
	away     bool          // the route is taken away: the service does not answer
	lost     bool          // the device was down or without an address: its routes went with that
	stint    stint         // of the device at the last look
	made     uint32        // when the newest address of the device was made, at the last look
	toldGone bool          // that the route went with its device
	why      string        // its route can't be made again
}

// Steer makes the rules and routes of chains, and watches them. Methods may be called from any goroutine.
type Steer struct {
	host    host
	journal Journal
	tell    func(snap.Severity, string)

	fell falls

	marking   sync.Mutex // guards netfilter; mu is never waited for under it
	netfilter netfilter

	mu      sync.Mutex
	kept    []acl.Chain
	trial   []acl.Chain
	ways    []*way // in order of their numbers
	hops    map[acl.Hop]*hop
	rounds  int // of questions
	links   map[string]snap.Link
	addrs   map[int]nl.Addressed
	extra   []chain.Rule // that look like ours and are not wanted
	rules   []chain.Rule // all, at the last look
	why     string       // why nothing can be seen any more
	told    string       // drift that was told
	suspect string       // drift that the last look saw first
	wake    chan struct{}

	cancel context.CancelFunc
	done   chan struct{}
	closed bool // nothing is made any more
}

// New makes a Steer that has made nothing yet. tell must not block.
func New(h *nl.Host, j Journal, tell func(snap.Severity, string)) *Steer {
	return on(kernel{h}, j, tell)
}

func on(host host, j Journal, tell func(snap.Severity, string)) *Steer {
	return &Steer{host: host, journal: j, tell: tell, hops: map[acl.Hop]*hop{}, wake: make(chan struct{}, 1)}
}

// Check says why a policy's chains can't stand beside those that were kept.
func (s *Steer) Check(kept, next []acl.Chain) error {
	if len(next) == 0 {
		return nil
	}
	s.mu.Lock()
	_, err := chain.Ways(s.settled(kept), next, s.host.Networks)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	owners, why, err := s.owners()
	if err != nil {
		return err
	}
	if err := chain.Clash(next, owners); err != nil {
		return err
	}
	if i := slices.IndexFunc(next, func(c acl.Chain) bool { return !c.Off && !marked(kept, &c) }); i >= 0 && why != "" {
		return fmt.Errorf("line %d: chain %s: whether somebody else uses bits of its mark is not known: %s: try again, or commit without it",
			next[i].Line, next[i].Name, format.Clean(why))
	}
	return nil
}

// marked reports whether chains that were kept have a chain's mark already: it was looked at then, and an edit of other lines is not held
// up for its sake.
func marked(kept []acl.Chain, c *acl.Chain) bool {
	return slices.ContainsFunc(kept, func(k acl.Chain) bool { return !k.Off && k.Mark == c.Mark && k.Mask == c.Mask })
}

// errClosed: a change that was under way while hooktop ends must not make anything that nobody removes.
var errClosed = errors.New("steer chains: hooktop is leaving")

// settled gives chains whose service's address is the network's to tell the one that their routes have: a device that has lost its network
// since is no reason to refuse what takes the chain away. mu is held.
func (s *Steer) settled(kept []acl.Chain) []acl.Chain {
	out := slices.Clone(kept)
	for i := range out {
		c := &out[i]
		if c.Return.Via.IsValid() {
			continue
		}
		for _, w := range s.ways {
			if w.Chain == c.Name && w.Mark == c.Mark && w.Mask == c.Mask && w.Hop.Dev == c.Return.Dev {
				c.Return.Via = w.Hop.Via
			}
		}
	}
	return out
}

// Want makes what kept and trial need together, and then removes what neither needs. When it fails, what it made may be there still: wanting
// what was wanted before takes it away.
func (s *Steer) Want(kept, trial []acl.Chain) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	list, err := chain.Ways(s.settled(kept), trial, s.host.Networks)
	if err != nil {
		return fmt.Errorf("steer chains: %w", err)
	}
	if len(list)+len(s.ways) == 0 {
		s.kept, s.trial, s.extra = kept, trial, nil
		return nil
	}
	if err := s.watch(); err != nil {
		return err
	}
	if err := s.look(); err != nil {
		return fmt.Errorf("steer chains: %w", err)
	}
	stay, next := map[chain.Key]*way{}, []*way{}
	for _, w := range s.ways {
		stay[w.Key()] = w
	}
	var made []*way
	for _, w := range list {
		if old := stay[w.Key()]; old != nil {
			next = append(next, old)
			continue
		}
		fresh, err := s.make(w, append(made, s.ways...))
		if err != nil {
			for _, w := range made {
				err = errors.Join(err, s.remove(w))
			}
			return fmt.Errorf("steer chains: %w", err)
		}
		made, next = append(made, fresh), append(next, fresh)
	}
	for i, w := range list { // once nothing can fail any more
		if old := stay[w.Key()]; old != nil {
			delete(stay, w.Key())
			s.inherit(next[i], w)
		}
	}
	var errs []error
	for _, old := range stay {
		if err := s.remove(old); err != nil { // tried again with the next change
			errs, next = append(errs, err), append(next, old)
		}
	}
	s.kept, s.trial, s.ways = kept, trial, next
	s.keepHops()
	s.turn() // a new way may lead to a service that is known to be away
	s.stir()
	return errors.Join(append(errs, s.look())...)
}

// inherit lets a way that stays take what the policy says otherwise now.
func (s *Steer) inherit(old *way, w chain.Way) {
	before := old.Open
	old.Way = w
	if before == w.Open {
		return
	}
	g, wanted := old.Guard(old.n)
	change := s.host.RemoveChainRoute
	if wanted {
		change = s.host.AddChainRoute
	}
	if err := change(g); err != nil {
		s.tell(snap.Crit, err.Error())
	}
}

// make gives a way a number that nobody uses, and makes its rule after its routes: a rule without them would let packets through.
func (s *Steer) make(w chain.Way, taken []*way) (*way, error) {
	used := map[int]bool{}
	for _, o := range taken {
		used[o.n] = true
	}
	for _, r := range s.rules {
		used[int(r.Table)-chain.FirstTable] = true
		used[int(r.Priority)-chain.FirstPriority] = true
	}
	n, err := s.free(used, w.Hop.Via.Is6())
	if err != nil {
		return nil, err
	}
	out := &way{Way: w, n: n, stint: stintOf(s.links[w.Hop.Dev]), made: s.addressed(w.Hop)}
	if err := s.journal.IntendSteering(n); err != nil {
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	if err := s.put(out); err != nil {
		return nil, errors.Join(err, s.remove(out))
	}
	return out, nil
}

// free is a number whose table nobody has a route in.
func (s *Steer) free(used map[int]bool, six bool) (int, error) {
	for n := range chain.Tables {
		if used[n] {
			continue
		}
		routes, err := s.host.ChainRoutes(chain.FirstTable+uint32(n), six)
		if err != nil {
			return 0, err
		}
		if len(routes) == 0 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("all %d routing tables from %d on are in use", chain.Tables, chain.FirstTable)
}

// remove takes a way's rule and routes away.
func (s *Steer) remove(w *way) error {
	if _, err := s.host.RemoveSteering(w.n); err != nil {
		return err
	}
	s.journal.DoneSteering(w.n)
	return nil
}

// Close removes everything that was made.
func (s *Steer) Close() error {
	s.mu.Lock()
	cancel, done := s.cancel, s.done
	s.cancel, s.closed = nil, true
	s.mu.Unlock()
	if cancel != nil {
		cancel()
		<-done
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, w := range s.ways {
		errs = append(errs, s.remove(w))
	}
	s.ways, s.kept, s.trial = nil, nil, nil
	s.keepHops()
	return errors.Join(errs...)
}
