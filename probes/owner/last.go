// SPDX-License-Identifier: Apache-2.0

package owner

import (
	"sync"
	"time"

	"hooktop/probes/snap"
)

// Limits of what is remembered about closed connections.
const (
	lastEntries = 16384
	lastFor     = 2 * time.Minute
)

// last remembers who held connections that are closed, because their flows are still in the table. Two generations of
// half the size each: what is in neither was not among the newest.
type last struct {
	mu       sync.RWMutex
	new, old map[connection]lastOwner
}

type lastOwner struct {
	owner snap.Owner
	until time.Time
}

// remember keeps the owners of connections that were closed between two snapshots, and forgets those whose tuple is in
// use again.
func (l *last) remember(old, now *snapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, i := range old.connected {
		if j, ok := now.connected[c]; ok && now.sockets[j].Inode != 0 {
			continue
		}
		if o := old.owner(i, snap.SureExact); o.PID != 0 {
			o.Via += ", closed since"
			l.put(c, lastOwner{o, now.at.Add(lastFor)})
		}
	}
	for c, j := range now.connected {
		if now.sockets[j].Inode != 0 {
			delete(l.new, c)
			delete(l.old, c)
		}
	}
}

func (l *last) put(c connection, o lastOwner) {
	if l.new == nil || len(l.new) >= lastEntries/2 {
		l.old, l.new = l.new, make(map[connection]lastOwner)
	}
	l.new[c] = o
}

func (l *last) get(c connection, now time.Time) (snap.Owner, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	e, ok := l.new[c]
	if !ok {
		e, ok = l.old[c]
	}
	return e.owner, ok && now.Before(e.until)
}
