// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"math"

	"hooktop/probes/snap"
	"hooktop/ui/column"
)

// Filtering, sorting and grouping by process or socket asks for every flow. The answers are kept and refreshed a few
// at a time, so that a query stays fast with 100,000 flows.
const (
	joinFresh  = 500   // ticks (5 s) that an answer is good for
	joinBudget = 20000 // questions of each kind per answer; the rest keep what they had, or nothing yet
)

// joinCache keeps what the joiner said, by record.
type joinCache struct {
	owners  []snap.Owner // interned; 0 is unknown
	ownerID map[snap.Owner]uint32
	states  []string // interned TCP states; 0 is ""
	by      []joined
	sockets []socket
	left    struct{ owner, tcp int } // of the budget
	short   bool                     // the budget ended before every flow was asked for once
	now     uint32
}

// joined is the owner of one record.
type joined struct {
	serial, at uint32
	owner      uint32
	way        snap.WayIn
}

// socket is what the kernel says about one record's TCP socket.
type socket struct {
	serial, at                   uint32
	rtt                          float32 // seconds
	retrans, synRetrans, unacked uint32
	state                        uint32
}

// tcpRow is a socket with its state spelled out.
type tcpRow struct {
	socket
	state string
}

func (t tcpRow) number(f column.Field) float64 {
	if t.state == "" {
		return math.NaN()
	}
	switch f {
	case column.RTT:
		if t.rtt == 0 {
			return math.NaN()
		}
		return float64(t.rtt)
	case column.Retrans:
		return float64(t.retrans)
	case column.SynRetrans:
		return float64(t.synRetrans)
	}
	return float64(t.unacked)
}

// begin starts an answer.
func (c *joinCache) begin(now uint32) {
	c.left.owner, c.left.tcp, c.short, c.now = joinBudget, joinBudget, false, now
	if len(c.owners) > 4*joinBudget { // processes come and go: start over before it grows for ever
		*c = joinCache{left: c.left, now: now}
	}
}

func (c *joinCache) ask(x *reader) *joined {
	if int(x.id) >= len(c.by) {
		c.by = append(c.by, make([]joined, int(x.s.n)-len(c.by))...)
	}
	j := &c.by[x.id]
	known := j.serial == x.r.serial
	if known && c.now-j.at < joinFresh || x.join == nil {
		return j
	}
	if c.left.owner == 0 {
		if !known {
			c.short = true
			*j = joined{}
		}
		return j
	}
	c.left.owner--
	o, way := x.whose(x.flowKey())
	*j = joined{serial: x.r.serial, at: c.now, owner: c.intern(o), way: way}
	return j
}

func (c *joinCache) owner(x *reader) *snap.Owner {
	j := c.ask(x)
	if len(c.owners) == 0 {
		c.owners = []snap.Owner{{}}
	}
	return &c.owners[j.owner]
}

func (c *joinCache) way(x *reader) snap.WayIn { return c.ask(x).way }

func (c *joinCache) intern(o snap.Owner) uint32 {
	if len(c.owners) == 0 {
		c.owners, c.ownerID = []snap.Owner{{}}, map[snap.Owner]uint32{{}: 0}
	}
	id, ok := c.ownerID[o]
	if !ok {
		id = uint32(len(c.owners))
		c.owners = append(c.owners, o)
		c.ownerID[o] = id
	}
	return id
}

func (c *joinCache) tcp(x *reader) tcpRow {
	if x.r.key.proto() != tcp || x.join == nil || x.r.state&inner != 0 {
		return tcpRow{}
	}
	if int(x.id) >= len(c.sockets) {
		c.sockets = append(c.sockets, make([]socket, int(x.s.n)-len(c.sockets))...)
	}
	t := &c.sockets[x.id]
	known := t.serial == x.r.serial
	switch {
	case known && c.now-t.at < joinFresh:
	case c.left.tcp > 0:
		c.left.tcp--
		i := x.join.TCP(x.flowKey())
		*t = socket{serial: x.r.serial, at: c.now, rtt: float32(i.RTT.Seconds()), retrans: i.Retrans, synRetrans: i.SynRetrans,
			unacked: i.Unacked, state: c.stateID(i.State)}
	case !known:
		c.short = true
		*t = socket{}
	}
	if len(c.states) == 0 {
		return tcpRow{}
	}
	return tcpRow{*t, c.states[t.state]}
}

func (c *joinCache) stateID(s string) uint32 {
	if len(c.states) == 0 {
		c.states = []string{""}
	}
	for i, have := range c.states { // a dozen
		if have == s {
			return uint32(i)
		}
	}
	c.states = append(c.states, s)
	return uint32(len(c.states) - 1)
}
