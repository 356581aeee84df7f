// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

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

// printer writes events, each as it comes. err is why the last one could not be written.
type printer struct {
	w      io.Writer
	json   bool
	headed bool
	err    error
}

func (p *printer) print(e snap.TraceEvent) error {
	if p.err != nil {
		return p.err
	}
	text := ""
	switch {
	case p.json:
		text = export.EventJSON(&e) + "\n"
	case !p.headed:
		text = eventHead() + "\n" + eventRow(&e)
	default:
		text = eventRow(&e)
	}
	p.headed = true
	_, p.err = io.WriteString(p.w, text)
	return p.err
}

// eventColumns are titles and widths: a stream can't wait for its widest cell. What is longer pushes the rest of its line.
func eventColumns() []struct {
	title string
	width int // negative: right-aligned
} {
	return []struct {
		title string
		width int
	}{{"TIME", 15}, {"PKT", -6}, {"FUNCTION", 28}, {"CPU", -3}, {"PROCESS", 22}, {"DELTA", -6}, {"VERDICT", 26}, {"FLOW", 0}}
}

func eventHead() string {
	var cells []string
	for _, c := range eventColumns() {
		cells = append(cells, c.title)
	}
	return aligned(cells)
}

func aligned(cells []string) string {
	var b strings.Builder
	for i, c := range eventColumns() {
		b.WriteString(fmt.Sprintf("%*s  ", -c.width, cells[i]))
	}
	return strings.TrimRight(b.String(), " ")
}

// eventRow is one line, and one more for each frame of the stack.
func eventRow(e *snap.TraceEvent) string {
	packet, delta, flow := "-", "", format.Clean(e.Args)
	if e.Packet > 0 {
		packet = strconv.Itoa(e.Packet)
	}
	if e.Delta > 0 {
		delta = format.Nanos(e.Delta)
	}
	if e.HasKey {
		flow = strings.TrimSpace(fmt.Sprintf("%s > %s %s len %d %s %s", format.Endpoint(&e.Key, false), format.Endpoint(&e.Key, true),
			format.Proto(e.Key.Proto), e.Len, format.Clean(e.Dev), flow))
	}
	if e.Mark != 0 {
		flow += fmt.Sprintf(" mark %#x", e.Mark)
	}
	text := aligned([]string{e.At.Format("15:04:05.000000"), packet, format.Clean(e.Func), strconv.Itoa(e.CPU),
		fmt.Sprintf("%s[%d]", format.Clean(e.Comm), e.PID), delta, export.Verdict(e), flow}) + "\n"
	for _, frame := range export.Stack(e) {
		text += "      " + frame + "\n"
	}
	return text
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
