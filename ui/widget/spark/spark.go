// SPDX-License-Identifier: Apache-2.0

// Package spark draws values over time as one line of bars. Values come one a second from the engine, so that a line steps
// at most once a second whatever the refresh rate is.
package spark

import (
	"math"

	"hooktop/themes"
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
		top = max(Max(vals), math.SmallestNonzeroFloat32)
	}
	for i := len(vals); i < w; i++ {
		dst = append(dst, ' ')
	}
	steps := len(g.Spark)
	for _, v := range vals {
		i := 0
		if at := v / top * float32(steps); v >= top {
			i = steps - 1
		} else if at >= 1 { // false for what is not a number
			i = min(int(at), steps-1)
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
		if v > m { // not max: one value that is no number would hide the others
			m = v
		}
	}
	return m
}
