// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"net/netip"
	"strconv"
	"strings"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/dissect"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/table"
)

// headColumns of the list of headers.
func (t *Tab) headColumns() []table.Column[head] {
	return []table.Column[head]{
		{Key: "time", Title: "TIME", Width: 12, NoSort: true, Cell: func(b []byte, r *head, _ int) []byte {
			at := r.At.Local()
			if t.env.Units.UTC {
				at = r.At.UTC()
			}
			return at.AppendFormat(b, "15:04:05.000")
		}},
		{Key: "dev", Title: "DEV", Width: 8, Min: 4, Max: 15, NoSort: true, Priority: 2, Cell: func(b []byte, r *head, w int) []byte {
			return format.AppendMiddle(b, format.Clean(r.Dev), w)
		}},
		{Key: "dir", Title: "DIR", Width: 3, NoSort: true, Priority: 3, Cell: func(b []byte, r *head, _ int) []byte {
			if r.Out {
				return append(b, "out"...)
			}
			return append(b, "in"...)
		}},
		{Key: "packet", Title: "PACKET", Width: 44, Min: 20, Max: 100, NoSort: true, Priority: 1, Cell: func(b []byte, r *head, w int) []byte {
			return format.AppendEnd(b, t.twin(headText(&r.Header)), w)
		}},
		{Key: "len", Title: "LEN", Width: 5, Right: true, NoSort: true, Priority: 1, Cell: func(b []byte, r *head, _ int) []byte {
			return strconv.AppendInt(b, int64(r.Len), 10)
		}},
	}
}

// headText is a header in a line: what the engine says, else its ends.
func headText(h *snap.Header) string {
	if h.Text != "" {
		return format.Clean(h.Text)
	}
	end := func(a netip.AddrPort) string {
		if a.Port() == 0 {
			return a.Addr().String()
		}
		return a.String()
	}
	if !h.Src.Addr().IsValid() {
		return format.Plural(uint64(len(h.Data)), "byte")
	}
	return end(h.Src) + " > " + end(h.Dst)
}

func headerLines(h *snap.Header) []dissect.Layer { return dissect.Layers(h) }

// headersView draws the list, and the header under the cursor decoded below it, beside it where there is room, or alone.
func (t *Tab) headersView(w, h int) []string {
	hs := t.heads
	if hs.zoom {
		return t.headerPane(w, h, false)
	}
	if left, right := detail.Split(w); right > 0 && h >= 8 {
		out := hs.list.View(left, h)
		for i, side := range t.headerPane(right, h, true) {
			if out[i] == "" {
				out[i] = strings.Repeat(" ", left)
			}
			out[i] += side
		}
		return out
	}
	lower := t.headerBody(detail.Inner(w, false))
	below := min(len(lower)+1, h*2/3)
	if h < 8 {
		return hs.list.View(w, h)
	}
	out := hs.list.View(w, h-below)
	for len(out) < h-below {
		out = append(out, "")
	}
	return append(out, t.headerPane(w, below, false)...)
}

// headerBody is the header under the cursor: its fields, then its bytes.
func (t *Tab) headerBody(w int) []detail.Line {
	b := detail.NewBody(t.env, w)
	r, ok := t.heads.list.Selected()
	if !ok {
		return nil
	}
	for _, l := range headerLines(&r.Header) {
		b.Field(l.Name, t.twin(l.Text))
	}
	for _, l := range dissect.Hex(r.Data, w) {
		b.Line(themes.Text, l)
	}
	if more := r.Len - len(r.Data); more > 0 {
		b.Line(themes.TextDim, "and "+format.Plural(uint64(more), "byte")+" that were not kept")
	}
	return b.Lines()
}

func (t *Tab) headerPane(w, h int, border bool) []string {
	hs := t.heads
	lines := t.headerBody(detail.Inner(w, border))
	hs.down = min(hs.down, max(len(lines)-(h-1), 0))
	title := "PACKET"
	if r, ok := hs.list.Selected(); ok {
		title += " " + strconv.Itoa(r.i+1) + " of " + strconv.Itoa(len(hs.rows))
	}
	hint := "enter zooms"
	if hs.zoom {
		hint = "esc back"
	}
	return detail.Pane(t.env, w, h, border, hs.zoom, title, hint, lines, hs.down)
}

// headersLine is the message line: whose packets these are, or the name of the file.
func (t *Tab) headersLine(w int) string {
	hs := t.heads
	if hs.name != nil {
		b := line.New(t.env.Theme, w).Add(themes.TextDim, " save headers to ")
		room := max(b.Left(), 1)
		text, x := hs.name.View(t.env.Theme, themes.Input, room)
		t.at.x, t.at.y = w-b.Left()+x, t.high
		return b.Join(text, room).String()
	}
	return string(format.AppendEnd(nil, t.twin(format.Clean(" the last "+format.Plural(uint64(len(hs.rows)), "header")+" denied by "+hs.text)), w))
}
