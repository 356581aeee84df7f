// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"math"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/column"
)

// reader is a record as columns read it. One is used for a whole pass; it decodes the key only when asked to.
type reader struct {
	s       *Store
	join    Joiner
	now     time.Time
	window  int
	devices map[uint16]string

	slot     uint16 // device named last
	slotName string

	id      uint32
	r       *record
	decoded bool
	key     snap.FlowKey
}

var _ column.Row = (*reader)(nil)

func (x *reader) set(id uint32, r *record) *reader {
	x.id, x.r, x.decoded = id, r, false
	return x
}

func (x *reader) flowKey() *snap.FlowKey {
	if !x.decoded {
		x.key, x.decoded = x.r.key.Decode(), true
	}
	return &x.key
}

// Address implements column.Row.
func (x *reader) Address(f column.Field) snap.Addr {
	if f == column.Destination {
		return snap.Addr(x.r.key[16:32])
	}
	return snap.Addr(x.r.key[0:16])
}

// Number implements column.Row.
func (x *reader) Number(f column.Field) float64 {
	switch r := x.r; f {
	case column.RatePPS:
		return float64(x.s.decays.pps(r, x.window))
	case column.RateBPS:
		return 8 * float64(x.s.decays.bps(r, x.window))
	case column.Packets:
		return float64(r.packets)
	case column.Bytes:
		return float64(r.bytes)
	case column.MeanSize:
		if r.packets == 0 {
			return math.NaN()
		}
		return float64(r.bytes) / float64(r.packets)
	case column.Age:
		return x.s.age(r, x.now).Seconds()
	case column.Idle:
		return x.s.idle(r, x.now).Seconds()
	case column.Gone:
		return x.s.gone(r, x.now).Seconds()
	case column.TCPFlags:
		return float64(r.flags)
	case column.Rule:
		rule, _ := x.s.decided(r)
		return float64(rule)
	case column.Protocol:
		return float64(r.key.proto())
	case column.PID:
		return column.JoinNumber(f, x.s.joins.owner(x), nil)
	case column.RTT, column.Retrans, column.SynRetrans, column.Unacked:
		return x.s.joins.tcp(x).number(f)
	}
	return column.KeyNumber(f, x.flowKey())
}

// Text implements column.Row.
func (x *reader) Text(f column.Field) string {
	switch r := x.r; f {
	case column.Protocol:
		return column.ProtoName(r.key.proto())
	case column.Dev:
		return x.device(r.key.device())
	case column.Unanswered:
		return column.YesNo(x.s.unanswered(r))
	case column.Forwarded:
		return column.YesNo(r.state&forwarded != 0)
	case column.Verdict:
		_, v := x.s.decided(r)
		return v
	case column.Process, column.Container, column.User, column.Sure:
		return column.JoinText(f, x.s.joins.owner(x), nil, 0)
	case column.Way:
		return column.JoinText(f, nil, nil, x.s.joins.way(x))
	case column.State:
		return x.s.joins.tcp(x).state
	case column.SrcName, column.DstName:
		return x.name(f)
	}
	return column.KeyText(f, x.flowKey())
}

func (x *reader) device(slot uint16) string {
	if x.slot == slot && x.slotName != "" { // neighbours are mostly of one device
		return x.slotName
	}
	name, ok := x.devices[slot]
	if !ok {
		if x.join != nil {
			name = x.join.Device(slot)
		}
		x.devices[slot] = name
	}
	x.slot, x.slotName = slot, name
	return name
}

// name asks for nothing but names that the window asked for before: filtering must not start 100,000 look-ups.
func (x *reader) name(f column.Field) string {
	if len(x.s.view.names) == 0 {
		return ""
	}
	if f == column.SrcName {
		return x.s.view.names[x.Address(column.Source)]
	}
	return x.s.view.names[x.Address(column.Destination)]
}

func (s *Store) age(r *record, now time.Time) time.Duration {
	return max(0, now.Sub(s.began)-time.Duration(r.start)*tick)
}

func (s *Store) idle(r *record, now time.Time) time.Duration {
	return max(0, now.Sub(s.at)) + s.src.Since(r.last)
}

func (s *Store) gone(r *record, now time.Time) time.Duration {
	if r.state&gone == 0 {
		return 0
	}
	return max(tick, now.Sub(s.began)-time.Duration(r.rated)*tick)
}

// decided says which line decided a flow's last packet, and how.
func (s *Store) decided(r *record) (rule int, verdict string) {
	rule, verdict = s.verdict(r.path, r.gen)
	if r.state&denied != 0 {
		verdict = "drop"
	}
	return rule, verdict
}

// whose asks for the process and the way in of a flow. What stays in a tunnel has none, whatever sockets have its addresses.
func (x *reader) whose(k *snap.FlowKey) (snap.Owner, snap.WayIn) {
	if x.r.state&inner != 0 {
		return snap.Owner{}, snap.NoWayIn
	}
	return x.join.Owner(k), x.join.WayIn(k)
}

// flow makes the row of a record, joins and all.
func (x *reader) flow(names bool) snap.Flow {
	r, s := x.r, x.s
	k := x.flowKey()
	f := snap.Flow{
		Key: *k, Device: x.device(k.Dev), Packets: r.packets, Bytes: r.bytes, Rates: s.decays.rates(r),
		Age: s.age(r, x.now), Idle: s.idle(r, x.now), Gone: s.gone(r, x.now),
		TCPFlags: r.flags, Forwarded: r.state&forwarded != 0, Unanswered: s.unanswered(r),
		Inner: r.state&inner != 0,
	}
	f.Rule, f.Verdict = s.decided(r)
	if x.join == nil {
		return f
	}
	f.Owner, f.WayIn = x.whose(k)
	if k.Proto == tcp && !f.Inner {
		f.TCP = x.join.TCP(k)
	}
	if names {
		f.SrcName, f.DstName = x.join.Name(k.Src), x.join.Name(k.Dst)
		s.view.name(k.Src, f.SrcName)
		s.view.name(k.Dst, f.DstName)
	}
	return f
}
