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

// Steps draws seconds in w bars, each the mean of as many seconds as it takes for `span` to fit. Bars begin at multiples of
// that in the count of seconds that ended with the newest value: a bar that is full never changes, and the line moves on
// only when a new one begins, which is most of what a screen full of them costs.
func Steps(dst []byte, g *themes.Glyphs, vals []float32, w, span int, ended int64) []byte {
	var buf [128]float32
	if w < 1 || span < 1 {
		return dst
	}
	w = min(w, len(buf))
	step := int64((span + w - 1) / w)
	out := buf[:w]
	last, used := ended/step, 0
	for i := len(vals) - 1; i >= 0; {
		bar := (ended - int64(len(vals)-1-i)) / step
		at := w - 1 - int(last-bar)
		if at < 0 {
			break
		}
		var sum float32
		n := 0
		for ; i >= 0 && (ended-int64(len(vals)-1-i))/step == bar; i-- {
			sum += vals[i]
			n++
		}
		out[at] = sum / float32(n)
		used = w - at
	}
	return Append(dst, g, out[w-used:], w, 0)
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
