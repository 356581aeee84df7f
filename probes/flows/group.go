// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"hooktop/probes/snap"
	"hooktop/ui/column"
)

// groupKey is what the flows of a group have in common: an address or prefix, or a number: service port and protocol,
// process, device slot.
type groupKey struct {
	addr snap.Addr
	n    uint64
}

// group adds up its flows.
type group struct {
	key            groupKey
	flows          int
	packets, bytes uint64
	pps, bps       [windows]float64
	way            snap.WayIn
	pid            int // of the process; -1: several
}

type groups struct {
	list  []group           // between rankings, ids are places in it
	index []uint32          // open addressing; place+1 in list, 0 is empty; at most half full
	seed  [3]uint64         // odd multipliers of the hash
	names map[string]uint64 // process names, interned
	procs []string
	was   map[groupKey]int
}

func (g *groups) init() {
	g.names, g.was = map[string]uint64{}, map[groupKey]int{}
	g.index = make([]uint32, 1024)
	for i := range g.seed {
		g.seed[i] = rand.Uint64() | 1
	}
}

// home is where a key's place stands if nothing else does. Half of the flows may have a group of their own: this is
// several times as fast as a map of Go's.
func (g *groups) home(k *groupKey) uint64 {
	h := binary.LittleEndian.Uint64(k.addr[:8])*g.seed[0] + binary.LittleEndian.Uint64(k.addr[8:])*g.seed[1] + k.n*g.seed[2]
	return (h ^ h>>32) * g.seed[0] >> (64 - bits.Len(uint(len(g.index)-1)))
}

// find returns the place of a group, making one if grow.
func (g *groups) find(k *groupKey, grow bool) (int, bool) {
	mask := uint64(len(g.index) - 1)
	i := g.home(k)
	for ; g.index[i] != 0; i = (i + 1) & mask {
		if at := int(g.index[i] - 1); g.list[at].key == *k {
			return at, true
		}
	}
	if !grow {
		return 0, false
	}
	g.list = append(g.list, group{key: *k})
	g.index[i] = uint32(len(g.list))
	if 2*len(g.list) > len(g.index) {
		g.index = make([]uint32, 4*len(g.index))
		mask = uint64(len(g.index) - 1)
		for at := range g.list {
			i := g.home(&g.list[at].key)
			for g.index[i] != 0 {
				i = (i + 1) & mask
			}
			g.index[i] = uint32(at + 1)
		}
	}
	return len(g.list) - 1, true
}

// Groups are the values of FlowQuery.Group, with what they mean.
func Groups() [][2]string {
	return [][2]string{
		{"source", "source address"},
		{"destination", "destination address"},
		{"port", "service: protocol and the lower port"},
		{"process", "process that holds the socket"},
		{"subnet", "the other side's IPv4 /24 or IPv6 /64"},
		{"device", "device"},
	}
}

// keyOf says to which group a flow belongs.
func (g *groups) keyOf(by string, x *reader) groupKey {
	k := &x.r.key
	switch by {
	case "destination":
		return groupKey{addr: snap.Addr(k[16:32])}
	case "port":
		n := uint64(k.proto())
		if column.HasPorts(k.proto()) && k.tag()&tagFragLater == 0 {
			p := column.ServicePort(binary.BigEndian.Uint16(k[32:]), binary.BigEndian.Uint16(k[34:]))
			n |= uint64(p)<<8 | 1<<32
		}
		return groupKey{n: n}
	case "process":
		comm := x.s.joins.owner(x).Comm
		n, ok := g.names[comm]
		if !ok {
			n = uint64(len(g.procs))
			g.names[comm] = n
			g.procs = append(g.procs, comm)
		}
		return groupKey{n: n}
	case "subnet":
		a := snap.Addr(k[0:16])
		if k.tag()&tagEgress != 0 {
			a = snap.Addr(k[16:32])
		}
		if a.Is4() {
			a[15] = 0
		} else {
			clear(a[8:])
		}
		return groupKey{addr: a}
	case "device":
		return groupKey{n: uint64(k.device())}
	}
	return groupKey{addr: snap.Addr(k[0:16])}
}

// value is the group's name: what its flows have in common, in words that the filter language takes.
func (g *groups) value(by string, x *reader, k groupKey) string {
	switch by {
	case "port":
		proto := column.ProtoName(uint8(k.n))
		if k.n>>32 == 0 {
			return proto
		}
		return strconv.Itoa(int(uint16(k.n>>8))) + "/" + proto
	case "process":
		return g.procs[k.n]
	case "device":
		return x.device(uint16(k.n))
	case "subnet":
		size := 64
		if k.addr.Is4() {
			size = 24
		}
		return netip.PrefixFrom(k.addr.Netip(), size).String()
	}
	return k.addr.String()
}

// add counts all matching flows into their groups. Unless grow, only groups that are there already count.
func (s *Store) addGroups(grow bool) {
	v, g := &s.view, &s.view.groups
	if grow {
		g.list = g.list[:0]
		clear(g.index)
	}
	for i := range g.list {
		g.list[i] = group{key: g.list[i].key}
	}
	process := v.q.group == "process"
	s.each(func(id uint32, r *record) bool {
		x := v.reader.set(id, r)
		if v.filtered && !v.match(x) {
			return true
		}
		key := g.keyOf(v.q.group, x)
		at, ok := g.find(&key, grow)
		if !ok {
			return true
		}
		m := &g.list[at]
		m.flows++
		m.packets += r.packets
		m.bytes += r.bytes
		for w := range windows {
			if r.state&gone == 0 { // what left the table sends nothing
				m.pps[w] += float64(s.decays.pps(r, w))
				m.bps[w] += 8 * float64(s.decays.bps(r, w))
			}
		}
		if way := s.joins.way(x); way == snap.OwnSession || m.way == snap.NoWayIn {
			m.way = way
		}
		if process {
			if pid := s.joins.owner(x).PID; m.pid == 0 {
				m.pid = pid
			} else if m.pid != pid {
				m.pid = -1
			}
		}
		return true
	})
}

// order freezes a group's place.
func (v *view) groupEntry(i int) entry {
	m := &v.groups.list[i]
	e := entry{id: uint32(i), b: binary.BigEndian.Uint64(m.key.addr[:8]), tie: binary.BigEndian.Uint64(m.key.addr[8:])}
	x := v.groupHeight(m)
	if math.IsNaN(x) { // by the group's value, which full compares
		e.b, e.tie = 0, 0
		return e
	}
	e.a = math.Float64bits(x) // not negative
	if !v.q.asc {
		e.a = ^e.a
	}
	return e
}

// groupHeight is the number that groups are ordered by, NaN when they are ordered by what they have in common.
func (v *view) groupHeight(m *group) float64 {
	if v.q.sort == "flows" {
		return float64(m.flows)
	}
	switch v.col.Field {
	case column.RatePPS:
		return m.pps[v.q.window]
	case column.RateBPS:
		return m.bps[v.q.window]
	case column.Packets:
		return float64(m.packets)
	case column.Bytes:
		return float64(m.bytes)
	}
	return math.NaN()
}

func (s *Store) rankGroups(top int, fresh bool) {
	v, g, k := &s.view, &s.view.groups, &s.view.rank
	clear(g.was)
	if !fresh {
		for i := range k.list[:min(k.done, maxSticky)] {
			g.was[g.list[k.list[i].id].key] = i
		}
	}
	s.addGroups(true)
	k.list, k.done, k.full = k.list[:0], 0, s.groupOrder
	for i := range g.list {
		k.list = append(k.list, v.groupEntry(i))
	}
	k.window(0, min(top, maxSticky))
	if len(g.was) > 0 && len(k.list) > 0 && !math.IsNaN(v.groupHeight(&g.list[0])) {
		k.stick(func(e *entry) float64 {
			if v.q.asc {
				return 1 / (v.groupHeight(&g.list[e.id]) + 1e-9)
			}
			return v.groupHeight(&g.list[e.id])
		}, func(e *entry) int {
			if at, ok := g.was[g.list[e.id].key]; ok {
				return at
			}
			return -1
		})
	}
}

// groupOrder compares groups by what they have in common: addresses and numbers by value, names by letters.
func (s *Store) groupOrder(x, y entry) int {
	v, g := &s.view, &s.view.groups
	a, b := g.list[x.id].key, g.list[y.id].key
	if math.IsNaN(v.groupHeight(&g.list[x.id])) && !v.q.asc {
		a, b = b, a
	}
	switch {
	case a == b:
		return 0
	case v.q.group == "process":
		return strings.Compare(g.procs[a.n], g.procs[b.n])
	case v.q.group == "port":
		a.n, b.n = a.n<<56|a.n>>8, b.n<<56|b.n>>8
	}
	if o := bytes.Compare(a.addr[:], b.addr[:]); o != 0 {
		return o
	}
	if a.n < b.n {
		return -1
	}
	return 1
}

func (s *Store) answerGroups(q snap.FlowQuery, from, want int, due, fresh bool, out *snap.FlowsView) {
	v, g := &s.view, &s.view.groups
	if due {
		s.rankGroups(from+want, fresh)
	} else {
		s.addGroups(false)
	}
	v.rank.drop(func(e *entry) bool { return g.list[e.id].flows == 0 })
	rows := v.rank.window(from, from+want)
	out.Offset, out.Matched = min(from, len(v.rank.list)), len(v.rank.list)
	out.Groups = make([]snap.Group, len(rows))
	buf := make([]float32, 0, min(len(rows), trendMax)*trendLen)
	for i := range rows {
		out.Groups[i] = s.snapGroup(&g.list[rows[i].id])
		out.Groups[i].Trend, buf = s.trends.group(v.q.group+"\x00"+out.Groups[i].Value, out.Groups[i].Rates[0].PPS, buf)
	}
	if q.FollowGroup == "" {
		return
	}
	at := slices.IndexFunc(v.rank.list, func(e entry) bool {
		return g.value(v.q.group, &v.reader, g.list[e.id].key) == q.FollowGroup
	})
	if at >= 0 {
		out.Cursor = v.rank.position(v.rank.list[at].id, 0)
	}
}

func (s *Store) snapGroup(m *group) snap.Group {
	v := &s.view
	out := snap.Group{
		Value: v.groups.value(v.q.group, &v.reader, m.key), Flows: m.flows, Packets: m.packets, Bytes: m.bytes, WayIn: m.way,
	}
	for w := range windows {
		out.Rates[w] = snap.Rate{PPS: m.pps[w], BPS: m.bps[w]}
	}
	switch {
	case v.q.group == "process" && m.pid > 0:
		out.Detail = "pid " + strconv.Itoa(m.pid)
	case v.q.group == "process" && m.pid < 0:
		out.Detail = "several processes"
	}
	return out
}
