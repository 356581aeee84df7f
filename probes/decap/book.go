// SPDX-License-Identifier: Apache-2.0

package decap

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// trendLen is how many seconds of a row are kept.
const trendLen = 60

// key names a row.
type key struct {
	kind acl.TunnelKind
	vni  uint32
	has  bool
	peer netip.Addr
	slot uint16
}

func keyOf(t *kern.Tunnel) key { return key{t.Kind, t.VNI, t.HasVNI, t.Peer, t.Slot} }

// row is one tunnel as one peer uses it.
type row struct {
	now      kern.Tunnel
	before   kern.Tunnel // a second ago
	pps, bps float64
	errPS    float64
	last     time.Time
	trend    []float32 // never changed: frames share it
	epoch    int
}

func (r *row) errors() (n uint64) {
	for _, e := range r.now.Errors {
		n += e
	}
	return n
}

// Book remembers rows from second to second. Not for concurrent use.
type Book struct {
	rows   map[key]*row
	sizes  [6]uint64
	epoch  int
	at     time.Time
	trend  []float32
	pps    float64
	strips float64
	errPS  float64
	why    map[string]float64 // errors a second, by reason
}

// NewBook makes an empty one.
func NewBook() *Book { return &Book{rows: map[key]*row{}, why: map[string]float64{}} }

// Take takes in what the kernel counted; ago tells how long ago a row's last packet came. It is to be called once a second. What
// came before the first call has no rate.
func (b *Book) Take(list []kern.Tunnel, sizes [6]uint64, ago func(uint32) time.Duration, now time.Time) {
	dt := now.Sub(b.at).Seconds()
	first := b.at.IsZero() || dt <= 0
	b.epoch++
	b.at, b.sizes = now, sizes
	b.pps, b.strips, b.errPS = 0, 0, 0
	clear(b.why)
	for i := range list {
		t := &list[i]
		r := b.rows[keyOf(t)]
		if r == nil {
			r = &row{}
			b.rows[keyOf(t)] = r
			if first {
				r.before = *t
			}
		} else {
			r.before = r.now
		}
		if t.Packets < r.before.Packets { // the kernel's row was dropped and came again
			r.before = kern.Tunnel{}
		}
		r.now, r.epoch, r.last = *t, b.epoch, now.Add(-ago(t.Last))
		if !first {
			b.rate(r, dt)
		}
	}
	for k, r := range b.rows {
		if r.epoch != b.epoch {
			delete(b.rows, k)
		}
	}
	b.trend = stepped(b.trend, b.pps)
}

// rate makes a row's figures of the last second.
func (b *Book) rate(r *row, dt float64) {
	per := func(is, was uint64) float64 { return float64(is-min(is, was)) / dt }
	r.pps, r.bps, r.errPS = per(r.now.Packets, r.before.Packets), 8*per(r.now.Bytes, r.before.Bytes), 0
	for i := range r.now.Errors {
		if n := per(r.now.Errors[i], r.before.Errors[i]); n > 0 {
			r.errPS += n
			b.why[kern.TunnelError(i)] += n
		}
	}
	r.trend = stepped(r.trend, r.pps)
	b.pps += r.pps
	b.errPS += r.errPS
	b.strips += per(r.now.Stripped, r.before.Stripped)
}

// stepped is a trend with one more value.
func stepped(trend []float32, v float64) []float32 {
	keep := trend[max(0, len(trend)-trendLen+1):]
	return append(slices.Clone(keep), float32(v))
}

// Names are what rows are called by.
type Names struct {
	Device func(slot uint16) string
	Line   func(gen uint16, index int) int // of the policy in force, from 1; 0: none
}

// View gives what a frame shows, with at most so many rows, the fastest first.
func (b *Book) View(now time.Time, limit int, n Names) snap.Tunnels {
	out := snap.Tunnels{Total: len(b.rows), Sizes: b.sizes, PPS: b.pps, StripPS: b.strips, ErrPS: b.errPS, Trend: b.trend}
	list := make([]*row, 0, len(b.rows))
	for _, r := range b.rows {
		list = append(list, r)
	}
	slices.SortFunc(list, before)
	out.Errors = b.reasons(list)
	for _, r := range list[:min(limit, len(list))] {
		out.Rows = append(out.Rows, r.snap(now, n))
	}
	return out
}

// before orders rows: by rate, then what they counted, then by name, so that equal ones stay where they are.
func before(x, y *row) int {
	return cmp.Or(cmp.Compare(y.pps, x.pps), cmp.Compare(y.now.Packets, x.now.Packets), cmp.Compare(x.now.Kind, y.now.Kind),
		cmp.Compare(x.now.VNI, y.now.VNI), x.now.Peer.Compare(y.now.Peer), cmp.Compare(x.now.Slot, y.now.Slot))
}

func (r *row) snap(now time.Time, n Names) snap.Tunnel {
	t := &r.now
	out := snap.Tunnel{
		Kind: t.Kind.String(), VNI: t.VNI, HasVNI: t.HasVNI, Peer: t.Peer, Local: t.Local, Port: t.Port, Dev: n.Device(t.Slot),
		Inner: t.Inner, Packets: t.Packets, Bytes: t.Bytes, Stripped: t.Stripped, PPS: r.pps, BPS: r.bps, ErrPS: r.errPS,
		Last: max(0, now.Sub(r.last)), Trend: r.trend,
	}
	if t.Line >= 0 {
		out.Line = n.Line(t.Gen, t.Line)
	}
	for i, e := range t.Errors {
		if e > 0 {
			out.Errors = append(out.Errors, snap.Count{Name: kern.TunnelError(i), N: e})
		}
	}
	return out
}

// reasons adds up errors over all rows: most of the last second first.
func (b *Book) reasons(list []*row) []snap.TunnelErrors {
	var out []snap.TunnelErrors
	for i := range (kern.Tunnel{}).Errors {
		e := snap.TunnelErrors{Count: snap.Count{Name: kern.TunnelError(i)}}
		var most uint64
		for _, r := range list {
			n := r.now.Errors[i]
			e.N += n
			if n > most {
				most, e.Worst = n, r.name()
			}
		}
		if e.N > 0 {
			e.PerSecond = b.why[e.Name]
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(x, y snap.TunnelErrors) int {
		return cmp.Or(cmp.Compare(y.PerSecond, x.PerSecond), cmp.Compare(y.N, x.N))
	})
	return out
}

// name is what a row is called in words: "vxlan 100 10.4.3.9".
func (r *row) name() string {
	if r.now.HasVNI {
		return fmt.Sprintf("%s %d %s", r.now.Kind, r.now.VNI, r.now.Peer)
	}
	return fmt.Sprintf("%s %s", r.now.Kind, r.now.Peer)
}
