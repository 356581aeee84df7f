// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"encoding/binary"
	"slices"
	"strconv"
	"time"
	"unsafe"

	"hooktop/bpf/kern"
	"hooktop/probes/snap"
	"hooktop/probes/trace/functions"
	"hooktop/ui/format"
)

// raw is an event out of the ring.
type raw struct {
	kern.TraceEvent
	stack []uint64
}

// journey is what is kept of a packet between its events: of the one before, what its return takes over.
type journey struct {
	number    int
	ns        uint64
	dev       string
	len       int
	mark      uint32
	netns     uint32
	key       snap.FlowKey
	has, copy bool
}

// remembered is how many packets are on their way at a time; what comes of older ones begins another journey.
const remembered = 32768

// decoder turns what crosses the ring into events, in the order of time.
type decoder struct {
	cat      *functions.Catalog
	points   []functions.Function
	packets  int // journeys, and calls without a packet, that are taken; what is past that is counted
	journeys map[uint64]*journey
	order    []uint64 // of journeys: a ring of what is in the map, oldest at begun
	begun    int
	calls    int
	past     uint64
	seq      uint64
	waiting  []raw
	batch    []snap.TraceEvent // what the last flush decoded
	cleaned  map[[16]int8]string
	offset   time.Duration // of the wall clock over the monotonic one
}

func newDecoder(cat *functions.Catalog, points []functions.Function, packets int) *decoder {
	now := time.Now()
	return &decoder{
		cat: cat, points: points, packets: packets, journeys: map[uint64]*journey{}, cleaned: map[[16]int8]string{},
		offset: time.Duration(now.UnixNano()) - time.Duration(kern.MonotonicNs()),
	}
}

func (d *decoder) add(e *kern.TraceEvent, stack []uint64) {
	d.waiting = append(d.waiting, raw{*e, slices.Clone(stack)})
}

// settled is how old an event must be before later ones may follow it: a CPU writes its ring a little after it read the clock.
const settled = 2 * time.Millisecond

// flush decodes what waits, but for what is younger than a moment: another CPU may still write before it. What comes back is
// valid until the next flush.
func (d *decoder) flush(all bool) []snap.TraceEvent {
	slices.SortStableFunc(d.waiting, func(a, b raw) int {
		switch {
		case a.Ts < b.Ts:
			return -1
		case a.Ts > b.Ts:
			return 1
		}
		return 0
	})
	n := len(d.waiting)
	if !all {
		until := kern.MonotonicNs() - uint64(settled)
		n, _ = slices.BinarySearchFunc(d.waiting, until, func(r raw, t uint64) int {
			if r.Ts <= t {
				return -1
			}
			return 1
		})
	}
	d.batch = slices.Grow(d.batch[:0], n)
	for i := range d.waiting[:n] {
		d.batch = append(d.batch, snap.TraceEvent{})
		if !d.decode(&d.waiting[i], &d.batch[len(d.batch)-1]) {
			d.batch = d.batch[:len(d.batch)-1]
		}
	}
	rest := copy(d.waiting, d.waiting[n:])
	clear(d.waiting[rest:])
	d.waiting = d.waiting[:rest]
	return d.batch
}

// full says whether as many packets were seen as were asked for.
func (d *decoder) full() bool { return d.begun >= d.packets || d.calls >= d.packets }

// decode makes the event; false: it is past the limit.
func (d *decoder) decode(r *raw, e *snap.TraceEvent) bool {
	j := d.journeys[r.Journey]
	switch {
	case r.Journey != 0 && j == nil:
		if d.begun >= d.packets {
			d.past++
			return false
		}
		j = d.begin(r.Journey)
	case r.Journey == 0:
		if d.calls >= d.packets {
			d.past++
			return false
		}
		d.calls++
	}
	d.seq++
	*e = snap.TraceEvent{
		Seq: d.seq, AtNs: r.Ts, At: time.Unix(0, int64(r.Ts)).Add(d.offset), SKB: r.Skb, CPU: int(r.Cpu), PID: int(r.Pid),
		Comm: d.clean(r.Comm), StackIDs: r.stack, Clone: r.Flags&kern.TraceIsClone != 0,
	}
	var f *functions.Function
	if int(r.Func) < len(d.points) {
		f = &d.points[r.Func]
		e.Func = f.Name
	}
	if r.Flags&kern.TraceIsReturn == 0 {
		d.packet(e, r)
		d.called(e, f, r)
	} else {
		e.Return, e.Took = true, time.Duration(r.Took)
		e.Ret = returned(f, r.Ret)
		if j != nil { // the packet may be gone by now: what was seen last holds
			e.Dev, e.Len, e.Mark, e.NetNS, e.Key, e.HasKey, e.Clone = j.dev, j.len, j.mark, j.netns, j.key, j.has, j.copy
		}
	}
	if j != nil {
		e.Packet = j.number
		if j.ns != 0 {
			e.Delta = time.Duration(e.AtNs - j.ns)
		}
		j.ns, j.dev, j.len, j.mark, j.netns, j.key, j.has, j.copy = e.AtNs, e.Dev, e.Len, e.Mark, e.NetNS, e.Key, e.HasKey, e.Clone
	}
	return true
}

func (d *decoder) begin(id uint64) *journey {
	var j *journey
	if len(d.order) < remembered {
		d.order = append(d.order, id)
		j = &journey{}
	} else {
		oldest := &d.order[d.begun%remembered]
		j = d.journeys[*oldest]
		delete(d.journeys, *oldest)
		*oldest = id
	}
	d.begun++
	*j = journey{number: d.begun}
	d.journeys[id] = j
	return j
}

func (d *decoder) packet(e *snap.TraceEvent, r *raw) {
	e.Dev, e.Len, e.Mark, e.NetNS = d.clean(r.Dev), int(r.Len), r.Mark, r.Netns
	if e.HasKey = r.Flags&kern.TraceHasKey != 0; !e.HasKey {
		return
	}
	e.Key = snap.FlowKey{
		Src: address(r.Src), Dst: address(r.Dst), SPort: wire(r.Sport), DPort: wire(r.Dport), Proto: r.Proto,
		Frag: snap.Frag(min(r.Frag, 2)), VLAN: r.Vlan,
	}
}

func address(w [4]uint32) (a snap.Addr) {
	for i, v := range w {
		binary.LittleEndian.PutUint32(a[4*i:], v)
	}
	return a
}

// called adds what the arguments tell: where and why a packet was dropped, or all of them where there is no packet.
func (d *decoder) called(e *snap.TraceEvent, f *functions.Function, r *raw) {
	if f == nil {
		return
	}
	if f.Name == "skb:kfree_skb" {
		e.Drop, e.Reason = true, d.cat.DropReason(r.Reason)
		if name, at := d.cat.Symbol(r.Args[1]); name != "" {
			e.Args = "in " + format.Clean(name) + "+0x" + strconv.FormatUint(at, 16)
		}
		return
	}
	if f.Name == "sock:inet_sock_set_state" {
		e.Args = tcpState(r.Args[1]) + " > " + tcpState(r.Args[2]) + " sk=0x" + strconv.FormatUint(r.Args[0], 16)
		return
	}
	if r.Skb == 0 || f.SKB < 0 {
		e.Args = format.Clean(d.cat.FormatArgs(f, r.Args))
	}
}

// tcpState is a state as ss and netstat call it (include/net/tcp_states.h); other protocols use the same numbers.
func tcpState(n uint64) string {
	names := [...]string{"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK",
		"LISTEN", "CLOSING", "NEW_SYN_RECV"}
	if state := uint32(n); state > 0 && int(state) < len(names) {
		return names[state]
	}
	return strconv.FormatUint(n, 10)
}

// returned takes the bytes that a function's type has; callers leave the rest of the register as it was.
func returned(f *functions.Function, ret uint64) int64 {
	if f == nil {
		return int64(ret)
	}
	switch f.Returns {
	case "void":
		return 0
	case "int", "netdev_tx_t", "rx_handler_result_t":
		return int64(int32(ret))
	case "bool", "_Bool":
		return int64(ret & 0xff)
	case "unsigned int", "u32", "enum skb_drop_reason":
		return int64(uint32(ret))
	}
	return int64(ret)
}

const maxCleaned = 4096

// clean turns a name of the kernel into text; the same few names come again and again.
func (d *decoder) clean(name [16]int8) string {
	if name[0] == 0 {
		return ""
	}
	if text, ok := d.cleaned[name]; ok {
		return text
	}
	if len(d.cleaned) >= maxCleaned {
		clear(d.cleaned)
	}
	b := (*[16]byte)(unsafe.Pointer(&name))[:]
	if i := slices.Index(b, 0); i >= 0 {
		b = b[:i]
	}
	text := format.Clean(string(b))
	d.cleaned[name] = text
	return text
}
