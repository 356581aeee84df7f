// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

const flowsShown = 50 // rows of the table; JSON has all

// grid prints rows in columns as wide as their widest cell; a title that begins with > is right-aligned.
type grid struct {
	titles []string
	rows   [][]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

func (g *grid) write(w io.Writer) error {
	widths := make([]int, len(g.titles))
	right := make([]bool, len(g.titles))
	head := make([]string, len(g.titles))
	for i, title := range g.titles {
		right[i] = strings.HasPrefix(title, ">")
		head[i] = strings.TrimPrefix(title, ">")
	}
	all := append([][]string{head}, g.rows...)
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], ansi.StringWidth(cell))
		}
	}
	for _, row := range all {
		var text strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-ansi.StringWidth(cell))
			if right[i] {
				text.WriteString(pad + cell)
			} else {
				text.WriteString(cell + pad)
			}
			text.WriteString("  ")
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(text.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// section writes a blank line before and the grid, unless it is empty.
func (g *grid) section(w io.Writer) error {
	if len(g.rows) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return g.write(w)
}

func snapshotTable(w io.Writer, shot Snapshot) error {
	f := shot.Frame
	fmt.Fprintf(w, "%s  %s  kernel %s\n", format.Clean(f.Host), f.At.Format("2006-01-02 15:04:05"), format.Clean(f.State.Kernel))
	if f.State.Fallback != "" {
		fmt.Fprintf(w, "no eBPF here: %s\n", format.Clean(f.State.Fallback))
	}
	for _, way := range f.State.WaysIn {
		fmt.Fprintf(w, "way in: %s\n", format.Clean(way))
	}
	for _, part := range []*grid{interfaceGrid(f), flowGrid(f), tunnelGrid(f.Tunnels.Rows), countGrid("MALFORMED", f.Malformed), dropGrid(f), countGrid("LOST", f.Lost)} {
		if err := part.section(w); err != nil {
			return err
		}
	}
	if more := len(f.Flows.Rows) - flowsShown; more > 0 {
		fmt.Fprintf(w, "\n%d more flows: --json prints all\n", more)
	}
	for _, n := range f.Notices {
		if n.Sev != snap.Info {
			fmt.Fprintf(w, "%s: %s: %s\n", severity(n.Sev), format.Clean(n.From), format.Clean(n.Text))
		}
	}
	return nil
}

// dropGrid has what died since hooktop looks; JSON has what died before too.
func dropGrid(f *snap.Frame) *grid {
	g := &grid{titles: []string{"DIED AT", "COUNTER", "DEVICE", ">PACKETS", ">PPS", "MEANING"}}
	for _, r := range f.Ledger.Rows {
		if r.Since > 0 {
			g.add(format.Clean(r.Stage), format.Clean(r.Name), format.Clean(r.Dev), format.Count(r.Since), format.SI(r.Rate), format.Clean(r.Help))
		}
	}
	return g
}

func interfaceGrid(f *snap.Frame) *grid {
	g := &grid{titles: []string{"DEVICE", "MODE", ">PACKETS", ">BYTES", ">PPS", ">BITS/S", "WHY"}}
	for _, i := range f.Interfaces {
		g.add(format.Clean(i.Name), i.Mode, format.Count(i.Packets), format.Count(i.Bytes), format.SI(i.In.PPS+i.Out.PPS),
			format.SI(i.In.BPS+i.Out.BPS), format.Clean(i.Why))
	}
	return g
}

func flowGrid(f *snap.Frame) *grid {
	g := &grid{titles: []string{"SOURCE", "DESTINATION", "PROTO", "DEVICE", "DIR", ">VLAN", ">PACKETS", ">BYTES", ">PPS", ">BITS/S", ">AGE",
		"PROCESS"}}
	for i := range f.Flows.Rows[:min(len(f.Flows.Rows), flowsShown)] {
		r := &f.Flows.Rows[i]
		g.add(format.Endpoint(&r.Key, false), format.Endpoint(&r.Key, true), protocol(&r.Key), format.Clean(r.Device), direction(&r.Key),
			number0(uint64(r.Key.VLAN)), format.Count(r.Packets), format.Count(r.Bytes), format.SI(r.Rates[0].PPS),
			format.SI(r.Rates[0].BPS), format.Duration(r.Age), process(r))
	}
	return g
}

func protocol(k *snap.FlowKey) string {
	name := format.Proto(k.Proto)
	if format.IsICMP(k.Proto) && k.Frag != snap.FragLater {
		name = format.ICMPShort(k.Proto, uint8(k.SPort>>8), uint8(k.SPort))
	}
	if part := fragment(k.Frag); part != "" {
		name += " " + part + " fragment"
	}
	return name
}

func process(r *snap.Flow) string {
	var parts []string
	if r.Owner.Comm != "" {
		parts = append(parts, fmt.Sprintf("%s[%d]", format.Clean(r.Owner.Comm), r.Owner.PID))
	}
	if r.Owner.Container != "" {
		parts = append(parts, "in "+format.Clean(r.Owner.Container))
	}
	switch r.WayIn {
	case snap.OwnSession:
		parts = append(parts, "own session")
	case snap.AccessFlow:
		parts = append(parts, "access")
	}
	return strings.Join(parts, " ")
}

func countGrid(title string, list []snap.Count) *grid {
	g := &grid{titles: []string{title, ">COUNT"}}
	for _, c := range list {
		g.add(format.Clean(c.Name), strconv.FormatUint(c.N, 10))
	}
	return g
}

func number0(v uint64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatUint(v, 10)
}

func checkTable(w io.Writer, r CheckReport) error {
	would := &grid{titles: []string{"DEVICE", "HOOK", "MODE", "WHY"}}
	for _, a := range r.Attach {
		would.add(format.Clean(a.Dev), a.Hook, a.Mode, format.Clean(a.Why))
	}
	have := &grid{titles: []string{"FEATURE", "HAVE", "WHY", "FIX"}}
	for _, f := range r.Features {
		yes := "yes"
		if !f.Have {
			yes = "no"
		}
		have.add(format.Clean(f.Name), yes, format.Clean(f.Why), format.Clean(f.Fix))
	}
	left := &grid{titles: []string{"LEFT OUT", "WHY"}}
	for _, l := range r.LeftOut {
		left.add(format.Clean(l.Name), format.Clean(l.Why))
	}
	marks := &grid{titles: []string{"MARK", "USED BY", "FROM"}}
	for _, o := range r.Marks {
		marks.add(acl.MarkText(o.Mark, o.Mask), format.Clean(o.Who), format.Clean(o.From))
	}
	fmt.Fprintf(w, "%d programs would attach\n", len(r.Attach))
	for _, g := range []*grid{would, have, left, marks} {
		if err := g.section(w); err != nil {
			return err
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintln(w, format.Clean(note))
	}
	return nil
}

func cleanupTable(w io.Writer, r CleanupReport) error {
	if len(r.Items) == 0 {
		_, err := fmt.Fprintln(w, "nothing was left behind")
		return err
	}
	g := &grid{titles: []string{"KIND", "NAME", "STATE", "WHY"}}
	for _, i := range r.Items {
		g.add(i.Kind, format.Clean(i.Name), i.State, format.Clean(i.Why))
	}
	return g.write(w)
}

func pcapTable(w io.Writer, r PcapReport, s PcapScene) error {
	verdicts := map[string]uint64{}
	for _, v := range r.Verdicts {
		verdicts[v.Verdict]++
	}
	fmt.Fprintf(w, "%d frames\n", r.Packets)
	list := &grid{titles: []string{"VERDICT", ">FRAMES"}}
	for _, name := range sortedKeys(verdicts) {
		list.add(name, strconv.FormatUint(verdicts[name], 10))
	}
	flows := &grid{titles: []string{"SOURCE", "DESTINATION", "PROTO", ">VLAN", ">FRAMES", ">BYTES"}}
	for i := range r.Flows {
		f := &r.Flows[i]
		flows.add(format.Endpoint(&f.Key, false), format.Endpoint(&f.Key, true), protocol(&f.Key), number0(uint64(f.Key.VLAN)),
			strconv.FormatUint(f.Packets, 10), strconv.FormatUint(f.Bytes, 10))
	}
	for _, g := range []*grid{list, pcapRules(pcapPolicy(&r, &s)), pcapLegs(pcapChains(r.Legs, &s.Policy)), flows, tunnelGrid(r.Tunnels), countGrid("MALFORMED", r.Malformed)} {
		if err := g.section(w); err != nil {
			return err
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintln(w, format.Clean(note))
	}
	return nil
}

// pcapRules lists every rule, also those that decided nothing: that is what one wants to see.
func pcapRules(p *pcapACL) *grid {
	g := &grid{titles: []string{">LINE", ">FRAMES", ">BYTES", "RULE"}}
	if p == nil {
		return g
	}
	for _, r := range append(append(slices.Clone(p.Guard), p.Rules...), p.Other) {
		if r.Line == 0 && r.Packets == 0 {
			continue
		}
		g.add(number0(uint64(r.Line)), strconv.FormatUint(r.Packets, 10), strconv.FormatUint(r.Bytes, 10), r.Text)
	}
	return g
}

func sortedKeys(m map[string]uint64) []string { return slices.Sorted(maps.Keys(m)) }
