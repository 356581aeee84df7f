// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/keys"
	"hooktop/ui/widget/box"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
)

const (
	formWidth = 100 // most
	formLabel = 11  // cells of a label, blanks included
	formShort = 60  // cells inside, below which lines of several fields have no label
	formRest  = 3   // lines below the list: filter, limits, switches
	listLines = 16  // most
)

func pressed(name string) tea.KeyPressMsg { return keys.Press(name) }

// frame gives width, height and place of the form in a body of w by h.
func (f *form) frame(w, h int) (bw, bh, x, y int) {
	bw = min(formWidth, w)
	bh = min(h, 2+1+listLines+formRest+3)
	x, y = box.Center(w, h, bw, bh)
	return bw, bh, x, y
}

// box draws the form for a body of w by h. The list gets what the fields and an error leave.
func (f *form) box(w, h int) box.Box {
	bw, bh, x, y := f.frame(w, h)
	inner := bw - 2
	var errs []string
	if f.err != "" && bh >= 10 {
		for _, part := range detail.Wrap(f.err, max(inner-4, 8)) {
			errs = append(errs, line.New(f.env.Theme, inner).Add(themes.InputError, " "+f.env.Glyphs.Cross+" "+f.twin(part)).Fill(themes.Text))
		}
		errs = errs[:min(len(errs), 3)]
	}
	room := max(bh-2-1-formRest-len(errs), 0)
	lines := []string{f.text(fieldFuncs, "functions", inner)}
	list := f.list.View(inner, room)
	if len(list) == 0 && room > 0 {
		list = append(list, line.New(f.env.Theme, inner).Add(themes.TextDim, "  "+f.none()).Fill(themes.Text))
	}
	for len(list) < room {
		list = append(list, strings.Repeat(" ", inner))
	}
	lines = append(lines, list...)
	lines = append(lines, f.text(fieldFilter, "filter", inner), f.limits(inner), f.switches(inner))
	lines = append(lines, errs...)
	for len(lines) > max(bh-2, 1) { // hardly any room: the field with the keyboard matters
		lines = append(lines[:1:1], lines[2:]...)
	}
	title := "new trace"
	if f.waiting {
		title = "new trace: starting"
	}
	return box.Box{X: x, Y: y, W: bw, Lines: box.Frame(f.env, bw, title, f.count(), "", lines)}
}

func (f *form) none() string {
	if f.pick() == "" {
		return "presets and functions come with the next snapshot"
	}
	return "nothing known by that name; enter asks for it as typed"
}

// text draws a field that takes the whole line.
func (f *form) text(field int, label string, w int) string {
	b := line.New(f.env.Theme, w).Add(f.label(field), f.mark(field == f.at)+format.Pad(label, formLabel-1))
	return b.Join(f.input(field, max(w-formLabel-3, 1))).Fill(themes.Text)
}

func (f *form) label(field int) themes.Token {
	if field == f.at {
		return themes.TextStrong
	}
	return themes.TextDim
}

// mark is the twin of a label's style: the line that has the keyboard.
func (f *form) mark(on bool) string {
	if on {
		return f.env.Glyphs.Cursor
	}
	return " "
}

// input draws the text of a field between brackets, w+2 cells in all, or what an empty one means.
func (f *form) input(field, w int) (string, int) {
	b := line.New(f.env.Theme, w)
	if f.texts[field].Value() == "" && f.at != field {
		b.Add(themes.TextDim, blank(field))
	} else {
		text, _ := f.texts[field].View(&themes.Theme{}, themes.Text, w)
		b.Add(themes.Input, f.twin(text))
	}
	edge := line.New(f.env.Theme, w+2).Add(f.label(field), "[").Join(b.Fill(themes.Input), w).Add(f.label(field), "]")
	return edge.String(), w + 2
}

// blank says what an empty field means.
func blank(field int) string {
	switch field {
	case fieldFuncs:
		return "none"
	case fieldFilter:
		return "all"
	}
	return "default"
}

const numberWidth = 7

// numbers are the words around the limits, longer where there is room.
func numbers(w int) []string {
	if w < 76 {
		return []string{"pk ", "s ", "/s"}
	}
	return []string{" packets  ", " seconds  ", " events/s a CPU"}
}

// start begins a line of several fields; where there is little room it has no label.
func (f *form) start(label string, w int, on bool) *line.Builder {
	b := line.New(f.env.Theme, w).Add(themes.TextDim, f.mark(on))
	if w >= formShort {
		b.Add(themes.TextDim, format.Pad(label, formLabel-1))
	}
	return b
}

func (f *form) limits(w int) string {
	b := f.start("limits", w, f.at >= fieldPackets && f.at <= fieldRate)
	for i, unit := range numbers(w) {
		field := fieldPackets + i
		b.Join(f.input(field, numberWidth)).Add(f.label(field), unit)
	}
	return b.Fill(themes.Text)
}

func (f *form) switches(w int) string {
	b := f.start("with", w, f.at >= numTexts)
	words := []string{"stack", "return values", "latency"}
	if w < formShort {
		words[1] = "returns"
	}
	for i, word := range words {
		field := fieldStack + i
		sign := "[ ] "
		if f.on[field] {
			sign = "[x] "
		}
		tok := themes.Text
		if field == f.at {
			tok = themes.RowCursor
		}
		b.Add(tok, sign+word).Pad(themes.Text, 2)
	}
	return b.Fill(themes.Text)
}

// place is where the real cursor stands in a body of w by h.
func (f *form) place(w, h int) *tea.Cursor {
	if w <= formLabel {
		return nil
	}
	bw, bh, x, y := f.frame(w, h)
	below := y + max(bh, 3) - 1 // the lower edge
	if f.err != "" && bh >= 10 {
		below -= min(len(detail.Wrap(f.err, max(bw-2-4, 8))), 3)
	}
	at := func(field, width int) int {
		_, n := f.texts[field].View(f.env.Theme, themes.Input, width)
		return n
	}
	inner := bw - 2
	switch {
	case f.at == fieldFuncs:
		return tea.NewCursor(x+2+formLabel+at(fieldFuncs, max(inner-formLabel-3, 1)), y+1)
	case f.at == fieldFilter:
		return tea.NewCursor(x+2+formLabel+at(fieldFilter, max(inner-formLabel-3, 1)), below-3)
	case f.at >= numTexts:
		return tea.NewCursor(x+1, below-1)
	}
	from := formLabel
	if inner < formShort {
		from = 1
	}
	for i, unit := range numbers(inner) {
		if fieldPackets+i == f.at {
			break
		}
		from += numberWidth + 2 + len(unit)
	}
	return tea.NewCursor(x+2+from+at(f.at, numberWidth), below-2)
}

// message is the line below: what is wrong, else what the field takes.
func (f *form) message(w int) string {
	tok, text := themes.HintText, " "+f.help()
	switch {
	case f.err != "":
		tok, text = themes.InputError, " "+f.env.Glyphs.Cross+" "+f.err
	case f.waiting:
		text = " starting; esc closes the form"
	}
	return line.New(f.env.Theme, w).Add(tok, string(format.AppendEnd(nil, f.twin(text), w))).String()
}

func (f *form) help() string {
	switch f.at {
	case fieldFuncs:
		return "@preset, or functions: ip_rcv,tcp_*   skb: takes a packet   tp: tracepoint"
	case fieldFilter:
		return "tcp port 443 dev eth0, or host 10.0.0.1, or tcp flow 10.0.0.1:5 > 10.0.0.2:443"
	case fieldPackets, fieldSeconds:
		return "the trace stops by itself, at whichever comes first"
	case fieldRate:
		return "what is above crosses not, and is counted as lost"
	case fieldStack:
		return "the kernel stack of each event; costs some microseconds each"
	case fieldRet:
		return "return values, where this kernel can attach to returns"
	}
	return "time in each function; return values come with it"
}

func (f *form) twin(s string) string { return f.env.Twin(s) }
