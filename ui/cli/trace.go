// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"hooktop/probes/snap"
	"hooktop/ui/export"
	"hooktop/ui/format"
)

// runTrace prints a trace as it comes.
func runTrace(c *call) error {
	if len(c.args) == 0 {
		return listPresets(c)
	}
	spec := c.spec
	spec.Pattern = strings.TrimSpace(c.args[0])
	spec.Seconds = int((c.opt.For + time.Second - 1) / time.Second)
	switch {
	case spec.Pattern == "":
		return usagef("name functions or a preset: hooktop trace lists presets", "trace: the pattern is empty")
	case spec.Packets < 0:
		return usagef("give a number above 0", "--packets: %d is out of range", spec.Packets)
	case spec.Rate < 0:
		return usagef("give a number above 0", "--rate: %d is out of range", spec.Rate)
	}
	p := printer{w: c.std.Out, json: c.opt.JSON}
	session, err := c.b.Trace(c.ctx, c.opt, spec, p.print)
	switch {
	case errors.Is(p.err, syscall.EPIPE): // the reader has what it wanted (| head)
		return nil
	case p.err != nil:
		return fmt.Errorf("print event: %w", unwrapPath(p.err))
	case err != nil && !(errors.Is(err, context.Canceled) && c.ctx.Err() != nil):
		return err
	case session.State == snap.TraceFailed:
		return errors.New(session.Why)
	}
	if _, err := fmt.Fprintln(c.std.Err, "hooktop: "+export.SessionText(&session)); err != nil {
		return fmt.Errorf("print summary: %w", unwrapPath(err))
	}
	return nil
}

// printer writes events as they come: those that come together at once, since a call for each would cost the traced host more than
// the tracing of it. err is why they could not be written.
type printer struct {
	w      io.Writer
	json   bool
	headed bool
	text   []byte // reused
	err    error
}

func (p *printer) print(events []snap.TraceEvent) error {
	if p.err != nil || len(events) == 0 {
		return p.err
	}
	p.text = p.text[:0]
	if !p.json && !p.headed {
		p.text = append(append(p.text, eventHead()...), '\n')
	}
	p.headed = true
	for i := range events {
		if p.json {
			p.text = append(append(p.text, export.EventJSON(&events[i])...), '\n')
		} else {
			p.text = appendEvent(p.text, &events[i])
		}
	}
	_, p.err = p.w.Write(p.text)
	return p.err
}

// eventColumns are titles and widths: a stream can't wait for its widest cell. What is longer pushes the rest of its line.
func eventColumns() [8]struct {
	title string
	width int // negative: right-aligned
} {
	return [...]struct {
		title string
		width int
	}{{"TIME", 15}, {"PKT", -6}, {"FUNCTION", 28}, {"CPU", -3}, {"PROCESS", 22}, {"DELTA", -6}, {"VERDICT", 26}, {"FLOW", 0}}
}

// row is a line under way. Cells go into b from `from` on, in the order of eventColumns.
type row struct {
	b            []byte
	from, column int
}

// end ends a cell.
func (l *row) end() {
	width := eventColumns()[l.column].width
	blanks := max(width, -width) - utf8.RuneCount(l.b[l.from:])
	for range blanks {
		l.b = append(l.b, ' ')
	}
	if width < 0 && blanks > 0 {
		copy(l.b[l.from+blanks:], l.b[l.from:])
		for i := range blanks {
			l.b[l.from+i] = ' '
		}
	}
	l.b = append(l.b, "  "...)
	l.from, l.column = len(l.b), l.column+1
}

// text is a whole cell.
func (l *row) text(s string) {
	l.b = append(l.b, s...)
	l.end()
}

func eventHead() string {
	l := row{}
	for _, c := range eventColumns() {
		l.text(c.title)
	}
	return string(bytes.TrimRight(l.b, " "))
}

// appendEvent adds one line, and one more for each frame of the stack.
func appendEvent(b []byte, e *snap.TraceEvent) []byte {
	l := row{b: e.At.AppendFormat(b, "15:04:05.000000"), from: len(b)}
	l.end()
	if e.Packet > 0 {
		l.b = strconv.AppendInt(l.b, int64(e.Packet), 10)
	} else {
		l.b = append(l.b, '-')
	}
	l.end()
	l.text(format.Clean(e.Func))
	l.b = strconv.AppendInt(l.b, int64(e.CPU), 10)
	l.end()
	l.b = append(strconv.AppendInt(append(append(l.b, format.Clean(e.Comm)...), '['), int64(e.PID), 10), ']')
	l.end()
	if e.Delta > 0 {
		l.b = format.AppendNanos(l.b, e.Delta)
	}
	l.end()
	l.text(export.Verdict(e))
	b = bytes.TrimRight(appendFlow(l.b, e), " ")
	b = append(b, '\n')
	for _, frame := range export.Stack(e) {
		b = append(append(append(b, "      "...), frame...), '\n')
	}
	return b
}

// appendFlow adds whose packet it is, and the arguments.
func appendFlow(b []byte, e *snap.TraceEvent) []byte {
	args := format.Clean(e.Args)
	if e.HasKey {
		b = append(format.AppendFullEndpoint(b, &e.Key, false), " > "...)
		b = append(append(format.AppendFullEndpoint(b, &e.Key, true), ' '), format.Proto(e.Key.Proto)...)
		b = strconv.AppendInt(append(b, " len "...), int64(e.Len), 10)
		if dev := format.Clean(e.Dev); dev != "" {
			b = append(append(b, ' '), dev...)
		}
		if args != "" {
			b = append(b, ' ')
		}
	}
	b = append(b, args...)
	if e.Mark != 0 {
		b = strconv.AppendUint(append(b, " mark 0x"...), uint64(e.Mark), 16)
	}
	return b
}

type presetsObject struct {
	Schema  string         `json:"schema"`
	Presets []presetObject `json:"presets"`
}

type presetObject struct {
	Name string `json:"name"`
	Help string `json:"help"`
	Why  string `json:"why"` // why this kernel can't run it, or runs less of it
}

func listPresets(c *call) error {
	list, err := c.b.Presets(c.ctx)
	if err != nil {
		return err
	}
	object := presetsObject{Schema: "hooktop.trace-presets/1", Presets: []presetObject{}}
	table := &grid{titles: []string{"PRESET", "TRACES", "BUT HERE"}}
	var whys []string
	for _, p := range list {
		o := presetObject{format.Clean(p.Name), format.Clean(p.Help), format.Clean(p.Why)}
		object.Presets = append(object.Presets, o)
		means, why, _ := strings.Cut(o.Why, ": ") // the same for most: said once, below
		table.add(o.Name, o.Help, means)
		if why != "" && !slices.Contains(whys, why) {
			whys = append(whys, why)
		}
	}
	return c.print(object, func(w io.Writer) error {
		if err := table.write(w); err != nil {
			return err
		}
		for _, why := range whys {
			if _, err := fmt.Fprintln(w, "\n"+why); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintln(w, "\nhooktop trace @PRESET starts one; functions by name or pattern: hooktop trace 'tcp_*,ip_rcv'")
		return err
	})
}

func presetNames(ctx context.Context, b Backends) []string {
	if b.Presets == nil {
		return nil
	}
	list, err := b.Presets(ctx)
	if err != nil {
		return nil // no completion is better than an error in the middle of a line
	}
	var names []string
	for _, p := range list {
		names = append(names, p.Name)
	}
	return names
}
