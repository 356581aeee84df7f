// SPDX-License-Identifier: Apache-2.0

package decap

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/format"
)

// rankEvery is how often rows may change places by themselves.
const rankEvery = 2 * time.Second

// idle is how long a tunnel is silent until it is marked so.
const idle = time.Minute

// row is a tunnel, or a group of them.
type row struct {
	snap.Tunnel
	id      rowID
	fate    string // one of column.Fates, or "mixed" of a group
	tunnels int    // in the group; 0: this is no group
	errors  uint64
}

// rowID is what the cursor holds on to.
type rowID struct {
	kind string
	vni  uint32
	has  bool
	peer netip.Addr
	dev  string
}

// column reads the row as filters do.
func (r *row) column() column.TunnelRow { return column.TunnelRow{Tunnel: &r.Tunnel, Fate: r.fate} }

// rowsOf makes the rows that pass the view's filter, grouped as it says.
func rowsOf(t *snap.Tunnels, cols *column.Set, v view) []row {
	filter, err := cols.Parse(v.filter)
	if err != nil {
		filter, _ = cols.Parse("") // the field shows what is wrong with it
	}
	pass := filter.Compile()
	states := make(map[int]string, len(t.Lines))
	for _, l := range t.Lines {
		states[l.Line] = l.State
	}
	out := make([]row, 0, len(t.Rows))
	at := map[rowID]int{}
	for i := range t.Rows {
		r := row{Tunnel: t.Rows[i], fate: "none"}
		if s := states[r.Line]; r.Line > 0 && s != "" {
			r.fate = s
		}
		for _, c := range r.Errors {
			r.errors += c.N
		}
		if !pass(r.column()) {
			continue
		}
		r.id = idOf(&r.Tunnel, v.group)
		if v.group == "" {
			out = append(out, r)
			continue
		}
		j, ok := at[r.id]
		if !ok {
			at[r.id] = len(out)
			r.tunnels = 1
			r.Tunnel.Errors, r.Trend = slices.Clone(r.Tunnel.Errors), slices.Clone(r.Trend)
			out = append(out, r)
			continue
		}
		out[j].join(&r)
	}
	return out
}

// idOf names a tunnel, or its group.
func idOf(t *snap.Tunnel, group string) rowID {
	switch group {
	case "vni":
		return rowID{kind: t.Kind, vni: t.VNI, has: t.HasVNI}
	case "peer":
		return rowID{peer: t.Peer}
	case "kind":
		return rowID{kind: t.Kind}
	}
	return rowID{t.Kind, t.VNI, t.HasVNI, t.Peer, t.Dev}
}

// join adds a tunnel to the group that r is.
func (r *row) join(o *row) {
	r.tunnels++
	r.Packets += o.Packets
	r.Bytes += o.Bytes
	r.Stripped += o.Stripped
	r.errors += o.errors
	r.PPS += o.PPS
	r.BPS += o.BPS
	r.ErrPS += o.ErrPS
	r.Last = min(r.Last, o.Last)
	for _, c := range o.Tunnel.Errors {
		if i := slices.IndexFunc(r.Tunnel.Errors, func(k snap.Count) bool { return k.Name == c.Name }); i >= 0 {
			r.Tunnel.Errors[i].N += c.N
		} else {
			r.Tunnel.Errors = append(r.Tunnel.Errors, c)
		}
	}
	for i := 1; i <= min(len(r.Trend), len(o.Trend)); i++ {
		r.Trend[len(r.Trend)-i] += o.Trend[len(o.Trend)-i]
	}
	if r.fate != o.fate {
		r.fate = "mixed"
	}
	if r.Line != o.Line {
		r.Line = 0
	}
	if r.Local != o.Local {
		r.Local = netip.Addr{}
	}
	if r.Inner != o.Inner {
		r.Inner = ""
	}
	if r.Dev != o.Dev {
		r.Dev = ""
	}
}

// rank orders rows by the view's column; ties by what they are, so that nothing swaps at random.
func rank(rows []row, cols *column.Set, v view) {
	c := cols.Find(v.sort)
	if c == nil {
		return
	}
	slices.SortFunc(rows, func(a, b row) int {
		d := order(c, &a, &b)
		if !v.asc {
			d = -d
		}
		if d != 0 {
			return d
		}
		return cmp.Or(cmp.Compare(a.id.kind, b.id.kind), cmp.Compare(a.id.vni, b.id.vni), a.id.peer.Compare(b.id.peer), cmp.Compare(a.id.dev, b.id.dev))
	})
}

func order(c *column.Column, a, b *row) int {
	switch c.Field {
	case column.Source:
		return a.Peer.Compare(b.Peer)
	case column.Destination:
		return a.Local.Compare(b.Local)
	}
	if !c.Kind.Numeric() {
		return cmp.Compare(c.Plain(a.column()), c.Plain(b.column()))
	}
	x, y := a.column().Number(c.Field), b.column().Number(c.Field)
	if math.IsNaN(x) {
		x = -1
	}
	if math.IsNaN(y) {
		y = -1
	}
	return cmp.Compare(x, y)
}

// keep puts rows into the order that they had; new ones come last.
func keep(rows []row, was map[rowID]int) {
	at := func(r *row) int {
		if i, ok := was[r.id]; ok {
			return i
		}
		return len(was)
	}
	slices.SortStableFunc(rows, func(a, b row) int { return at(&a) - at(&b) })
}

// lineRow is a tunnel line: of the draft, of the policy that stands, or both.
type lineRow struct {
	core.DraftLine
	id    lineID
	force *snap.TunnelLine // what becomes of it, nil: it is not in force
	trial bool             // it is in force, as part of a trial
	under string           // "was", "why": the row belongs to the one above
}

type lineID struct {
	line, old int
	under     string
}

func (r *lineRow) sub() bool { return r.under != "" }

// lineRows lays out the tunnel lines, with what they were and why they do nothing. trial: what is in force is the draft, or was it
// until the newest edits.
func lineRows(t *snap.Tunnels, lines []core.DraftLine, trial bool) []lineRow {
	var out []lineRow
	for _, l := range lines {
		if l.Chain {
			continue
		}
		r := lineRow{DraftLine: l, id: lineID{line: l.Line, old: l.Old}}
		if l.Was == "" || l.Line == 0 || trial { // else an edited line decides nothing yet
			r.force = inForce(t.Lines, &l)
			r.trial = trial && r.force != nil && l.Line > 0
		}
		out = append(out, r)
		sub := func(what string) {
			s := r
			s.under, s.id.under = what, what
			out = append(out, s)
		}
		if l.Was != "" {
			sub("was")
		}
		if r.force != nil && r.force.State == "suspended" && r.force.Why != "" {
			sub("why")
		}
	}
	return out
}

// inForce finds a line among those in force: by its text, else by its number.
func inForce(list []snap.TunnelLine, l *core.DraftLine) *snap.TunnelLine {
	for i := range list {
		if list[i].Text == l.Text && (list[i].Line == l.Old || list[i].Line == l.Line) {
			return &list[i]
		}
	}
	i := slices.IndexFunc(list, func(f snap.TunnelLine) bool { return f.Text == l.Text })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// canStrip are the kinds that can be unwrapped; the others are counted.
func canStrip(kind string) bool {
	switch kind {
	case "vxlan", "geneve", "gue", "gre", "ipip":
		return true
	}
	return false
}

// stripLine drafts the line that would unwrap a tunnel. Where its inner addresses are not known the line ends with the question
// for them.
func stripLine(t *snap.Tunnel, inner []netip.Prefix) string {
	var b strings.Builder
	b.WriteString("tunnel " + t.Kind)
	if t.Port != 0 {
		b.WriteString(" port " + strconv.Itoa(int(t.Port)))
	}
	if t.HasVNI {
		b.WriteString(" vni " + strconv.FormatUint(uint64(t.VNI), 10))
	}
	if t.Local.IsValid() {
		b.WriteString(" to " + t.Local.Unmap().String())
	}
	b.WriteString(" peers " + t.Peer.Unmap().String())
	switch {
	case !canStrip(t.Kind):
		b.WriteString(" count")
	case len(inner) == 0:
		b.WriteString(" strip inner ")
	default:
		for i, p := range inner {
			b.WriteString([]string{",", " inner "}[btoi(i == 0)] + p.String())
		}
		b.WriteString(" strip")
	}
	return b.String()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// maxInner bounds the prefixes that a drafted line names.
const maxInner = 4

// innerPrefixes are the networks that inner flows come from, nil when there are too many to name.
func innerPrefixes(flows []snap.Flow) []netip.Prefix {
	var out []netip.Prefix
	for i := range flows {
		a := flows[i].Key.Src.Netip()
		bits := 24
		if a.Is6() {
			bits = 64
		}
		if p, err := a.Prefix(bits); err == nil && !slices.Contains(out, p) && !a.IsUnspecified() && !a.IsLinkLocalUnicast() && !a.IsMulticast() && !a.IsLoopback() {
			out = append(out, p)
		}
	}
	if len(out) > maxInner {
		return nil
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	return out
}

// name is a tunnel in words: "vxlan 100 from 10.4.3.9".
func name(r *row) string {
	s := r.id.kind
	if r.id.has {
		s += " " + strconv.FormatUint(uint64(r.id.vni), 10)
	}
	if r.id.peer.IsValid() {
		s += " from " + r.id.peer.Unmap().String()
	}
	return format.Clean(strings.TrimSpace(s))
}
