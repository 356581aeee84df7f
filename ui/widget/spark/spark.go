// SPDX-License-Identifier: Apache-2.0

// Package spark draws values over time as one line of bars. Values come one a second from the engine, so that a line steps
// at most once a second whatever the refresh rate is.
package spark

import (
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/line"
)

// Append writes the newest w values as bars, oldest left, padded with blanks on the left when there are fewer. top is the
// value of a full bar; 0 takes the highest one shown. Zero draws the lowest bar, anything above it at least the same.
func Append(dst []byte, g *themes.Glyphs, vals []float32, w int, top float32) []byte {
	if w <= 0 || len(g.Spark) == 0 {
		return dst
	}
	if len(vals) > w {
		vals = vals[len(vals)-w:]
	}
	if top <= 0 {
		top = Max(vals)
	}
	for i := len(vals); i < w; i++ {
		dst = append(dst, ' ')
	}
	steps := len(g.Spark)
	for _, v := range vals {
		i := 0
		if v > 0 && top > 0 {
			i = min(int(v/top*float32(steps)), steps-1)
		}
		dst = append(dst, g.Spark[i]...)
	}
	return dst
}

// Fold is Append of all values in w bars: each bar is the mean of its share of the time. Fewer values than bars are drawn
// as they are.
func Fold(dst []byte, g *themes.Glyphs, vals []float32, w int) []byte {
	var buf [96]float32
	if len(vals) <= w || w < 1 || w > len(buf) {
		return Append(dst, g, vals, w, 0)
	}
	out := buf[:w]
	for i := range out {
		part := vals[i*len(vals)/w : (i+1)*len(vals)/w]
		for _, v := range part {
			out[i] += v / float32(len(part))
		}
	}
	return Append(dst, g, out, w, 0)
}

// Line is Append as a string.
func Line(g *themes.Glyphs, vals []float32, w int) string {
	return string(Append(make([]byte, 0, 3*max(w, 0)), g, vals, w, 0))
}

// Max is the highest value, 0 of none.
func Max(vals []float32) float32 {
	var m float32
	for _, v := range vals {
		m = max(m, v)
	}
	return m
}

// Band is a labelled line: "PPS     1.24M ▂▃▅▇▆▅ max 1.61M".
func Band(env *core.Env, label string, now float64, vals []float32, w int) string {
	b := line.New(env.Theme, w)
	b.Add(themes.TextDim, format.Pad(label, 6)).Add(themes.TextStrong, format.PadLeft(format.SI(now), 6)).Pad(themes.Text, 1)
	peak := " max " + format.PadLeft(format.SI(float64(Max(vals))), 6)
	room := b.Left() - len(peak)
	if room < 8 {
		return b.Add(themes.Spark, Line(env.Glyphs, vals, b.Left())).String()
	}
	return b.Add(themes.Spark, Line(env.Glyphs, vals, room)).Add(themes.SparkPeak, peak).String()
}
