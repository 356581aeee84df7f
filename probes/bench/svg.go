// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// A picture has its own ground, so that its colours hold on any page; a viewer who asks for a dark scheme gets the darker one.
const (
	svgWidth, svgHeight = 760, 420
	svgLeft, svgRight   = 74, 190 // the right margin holds the lines' names
	svgTop, svgBottom   = 46, 54
	svgNameStep         = 15 // between names that would touch
	svgStyle            = `<style>
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.title { font-size: 15px; font-weight: 600; }
.ground { fill: #ffffff; stroke: #d0d7de; }
.grid { stroke: #d8dee4; } .fine { stroke: #eff2f5; } .axis { stroke: #57606a; }
.line { fill: none; stroke-width: 1.6; } .own { stroke-width: 3; } .reach { stroke-width: 1; opacity: 0.6; }
.c0 { stroke: #0550ae; } .c1 { stroke: #bc4c00; } .c2 { stroke: #116329; } .c3 { stroke: #8250df; } .c4 { stroke: #bf3989; } .c5 { stroke: #6e7781; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .ground { fill: #0d1117; stroke: #30363d; } .grid { stroke: #2a313a; } .fine { stroke: #1a2029; } .axis { stroke: #8d96a0; }
.c0 { stroke: #58a6ff; } .c1 { stroke: #f0883e; } .c2 { stroke: #56d364; } .c3 { stroke: #bc8cff; } .c4 { stroke: #f778ba; } .c5 { stroke: #8b949e; }
}
</style>
`
	svgColours = 6
)

// scale maps values of an axis to places in the picture, by their logarithm.
type scale struct{ low, high, from, to float64 }

func newScale(values []float64, whole bool, from, to float64) scale {
	low, high := math.Log10(slices.Min(values)), math.Log10(slices.Max(values))
	if whole {
		low, high = math.Floor(low), math.Ceil(high)
	}
	if high-low < 0.1 {
		low, high = low-0.5, high+0.5
	}
	return scale{low, high, from, to}
}

func (s scale) at(v float64) float64 {
	return s.from + (math.Log10(v)-s.low)/(s.high-s.low)*(s.to-s.from)
}

// SVG draws the curve with logarithmic axes. Points at or below zero have no place on them and are left out.
func (c Curve) SVG(w io.Writer) error {
	c = c.positive()
	var xs, ys []float64
	for _, l := range c.Lines {
		for _, p := range l.Points {
			xs, ys = append(xs, p.X), append(ys, p.Min, p.Max)
		}
	}
	if len(xs) == 0 {
		return fmt.Errorf("draw %s: no point is above zero", c.Name)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>%s</title>\n%s", svgWidth, svgHeight, escape(c.Title), svgStyle)
	fmt.Fprintf(&b, "<rect class=\"ground\" x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n", svgWidth-1, svgHeight-1)
	x := newScale(xs, false, svgLeft+14, svgWidth-svgRight-14)
	y := newScale(ys, true, svgHeight-svgBottom, svgTop)
	c.axes(&b, x, y, xs)
	for i, l := range c.Lines {
		l.draw(&b, x, y, i)
	}
	c.names(&b, x, y)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// positive is the curve without what a logarithm can't show.
func (c Curve) positive() Curve {
	out := c
	out.Lines = nil
	for _, l := range c.Lines {
		var kept []Point
		for _, p := range l.Points {
			if p.X > 0 && p.Y > 0 {
				p.Min, p.Max = min(max(p.Min, p.Y/10), p.Y), max(p.Max, p.Y)
				kept = append(kept, p)
			}
		}
		if len(kept) > 0 {
			out.Lines = append(out.Lines, Line{l.Name, kept})
		}
	}
	return out
}

// axes draws the grid: across, every decade with its number and 2 and 5 between; upwards, the sizes that were measured.
func (c Curve) axes(b *strings.Builder, x, y scale, sizes []float64) {
	text := func(px, py float64, anchor, class, what string) {
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", px, py, anchor, class, escape(what))
	}
	right, low := float64(svgWidth-svgRight), float64(svgHeight-svgBottom)
	for decade := y.low; decade <= y.high; decade++ {
		for _, step := range []float64{1, 2, 5} {
			v := step * math.Pow(10, decade)
			if math.Log10(v) > y.high+1e-9 {
				break
			}
			class := "fine"
			if step == 1 || y.high-y.low < 2 {
				text(svgLeft-8, y.at(v)+4, "end", "", short(v))
			}
			if step == 1 {
				class = "grid"
			}
			fmt.Fprintf(b, "<path class=\"%s\" d=\"M%d %.1fH%.1f\"/>\n", class, svgLeft, y.at(v), right)
		}
	}
	slices.Sort(sizes)
	for _, v := range slices.Compact(sizes) {
		fmt.Fprintf(b, "<path class=\"grid\" d=\"M%.1f %dV%.1f\"/>\n", x.at(v), svgTop, low)
		text(x.at(v), low+18, "middle", "", short(v))
	}
	fmt.Fprintf(b, "<path class=\"axis\" fill=\"none\" d=\"M%d %dV%.1fH%.1f\"/>\n", svgLeft, svgTop, low, right)
	text(svgLeft, 26, "start", " class=\"title\"", c.Title)
	text((svgLeft+right)/2, svgHeight-14, "middle", "", c.X)
	middle := (svgTop + low) / 2
	text(18, middle, "middle", fmt.Sprintf(" transform=\"rotate(-90 18 %.1f)\"", middle), c.Y)
}

// draw shows the medians as a line, and how far rounds reached as strokes through its points.
func (l Line) draw(b *strings.Builder, x, y scale, i int) {
	var way strings.Builder
	for n, p := range l.Points {
		step := "L"
		if n == 0 {
			step = "M"
		}
		fmt.Fprintf(&way, "%s%.1f %.1f", step, x.at(p.X), y.at(p.Y))
	}
	fmt.Fprintf(b, "<path class=\"line %s\" %s d=\"%s\"/>\n", colour(i), dashes(i), way.String())
	for _, p := range l.Points {
		fmt.Fprintf(b, "<path class=\"reach %s\" d=\"M%.1f %.1fV%.1f\"/>\n", colour(i), x.at(p.X), y.at(p.Min), y.at(p.Max))
		fmt.Fprintf(b, "<circle class=\"ground %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", colour(i), x.at(p.X), y.at(p.Y))
	}
}

func colour(i int) string {
	if i == 0 {
		return "c0 own"
	}
	return fmt.Sprintf("c%d", i%svgColours)
}

// dashes tells lines apart without their colours.
func dashes(i int) string {
	if d := []string{"", "7 3", "2 3", "9 3 2 3", "4 4", "1 4"}[i%svgColours]; d != "" {
		return fmt.Sprintf("stroke-dasharray=\"%s\"", d)
	}
	return ""
}

// names stand beside the ends of their lines, pushed apart where they would touch.
func (c Curve) names(b *strings.Builder, x, y scale) {
	order := make([]int, len(c.Lines))
	for i := range order {
		order[i] = i
	}
	end := func(i int) Point { return c.Lines[i].Points[len(c.Lines[i].Points)-1] }
	slices.SortStableFunc(order, func(i, j int) int { return int(1000 * (y.at(end(i).Y) - y.at(end(j).Y))) })
	places := make([]float64, len(order))
	for n, i := range order {
		places[n] = y.at(end(i).Y)
		if n > 0 {
			places[n] = max(places[n], places[n-1]+svgNameStep)
		}
	}
	// The lowest may have been pushed out of the picture: back up from there.
	for n := len(places) - 1; n >= 0; n-- {
		floor := float64(svgHeight-svgBottom) - float64(len(places)-1-n)*svgNameStep
		places[n] = min(places[n], floor)
	}
	at := float64(svgWidth - svgRight + 8)
	for n, i := range order {
		fmt.Fprintf(b, "<path class=\"line %s\" %s d=\"M%.1f %.1fL%.1f %.1fH%.1f\"/>\n", colour(i), dashes(i), x.at(end(i).X)+4, y.at(end(i).Y), at, places[n], at+18)
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", at+23, places[n]+4, escape(c.Lines[i].Name))
	}
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// short writes 65536 as 64k and 1048576 as 1M, as sizes are called.
func short(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1 << 20, "Mi"}, {1 << 10, "ki"}} {
		if v >= unit.size && math.Mod(v, unit.size) == 0 {
			return fmt.Sprintf("%g%s", v/unit.size, unit.name)
		}
	}
	for _, unit := range []struct {
		size float64
		name string
	}{{1e6, "M"}, {1e3, "k"}} {
		if v >= unit.size {
			return fmt.Sprintf("%.3g%s", v/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%.3g", v)
}
