// SPDX-License-Identifier: Apache-2.0

package spark_test

import (
	"math"
	"testing"
	"unicode/utf8"

	"hooktop/themes"
	"hooktop/ui/widget/spark"
)

func TestBars(t *testing.T) {
	for _, c := range []struct {
		vals []float32
		w    int
		want string
	}{
		{nil, 3, "   "}, {[]float32{0, 0}, 2, "▁▁"}, {[]float32{1, 2, 4, 8}, 4, "▂▃▅█"}, {[]float32{8}, 3, "  █"},
		{[]float32{9, 9, 1, 8}, 2, "▂█"}, {[]float32{1}, 0, ""},
	} {
		if got := spark.Line(themes.Unicode(), c.vals, c.w); got != c.want {
			t.Errorf("%v in %d: %q, want %q", c.vals, c.w, got, c.want)
		}
	}
	if got := spark.Line(themes.ASCII(), []float32{0, 1, 2, 4, 8}, 5); got != " .:=#" {
		t.Errorf("ASCII: %q", got)
	}
}

func TestOddValues(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, v := range [][]float32{{nan, 1}, {inf, 1}, {-inf, -1, 0}, {math.MaxFloat32, 1}, {math.SmallestNonzeroFloat32}} {
		for w := 0; w < 5; w++ {
			if got := spark.Line(themes.Unicode(), v, w); utf8.RuneCountInString(got) != w {
				t.Errorf("%v in %d: %q", v, w, got)
			}
		}
	}
}

func TestSteps(t *testing.T) {
	minute := make([]float32, 60)
	for i := range minute {
		minute[i] = float32(i / 30) // half a minute nothing, then something
	}
	steps := func(vals []float32, w int, ended int64) string {
		return string(spark.Steps(nil, themes.Unicode(), vals, w, 60, ended))
	}
	if got := steps(minute, 6, 59); got != "▁▁▁███" {
		t.Errorf("a minute in six: %q", got)
	}
	if got := steps(minute[:3], 6, 2); got != "     ▁" {
		t.Errorf("three values in six: %q", got)
	}
	if got := steps(minute, 60, 59); utf8.RuneCountInString(got) != 60 {
		t.Errorf("a minute in sixty: %q", got)
	}
	buf, glyphs := make([]byte, 0, 256), themes.Unicode()
	if n := testing.AllocsPerRun(10, func() { spark.Steps(buf, glyphs, minute, 8, 60, 7) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Full bars stand still while the newest fills, and all move by one when it is full.
func TestStepsStandStill(t *testing.T) {
	vals := make([]float32, 0, 100)
	for i := range 100 {
		vals = append(vals, float32(i*7919%13)+1)
	}
	draw := func(ended int) []rune {
		from := max(0, ended-59)
		return []rune(string(spark.Steps(nil, themes.Unicode(), vals[from:ended+1], 8, 60, int64(ended))))
	}
	for ended := 60; ended < 99; ended++ {
		was, is := draw(ended), draw(ended+1)
		if (ended+1)%8 == 0 {
			was = append(was[1:], 0)
		}
		// The oldest bar loses seconds, the newest gains them.
		if string(was[1:7]) != string(is[1:7]) && peak(vals, ended) == peak(vals, ended+1) {
			t.Fatalf("second %d: %q became %q", ended, string(was), string(is))
		}
	}
}

// peak is the highest full mean of eight seconds in view: the scale.
func peak(vals []float32, ended int) (m float32) {
	for bar := ended/8 - 7; bar <= ended/8; bar++ {
		var sum, n float32
		for i := max(bar*8, ended-59); i <= min(bar*8+7, ended); i++ {
			sum, n = sum+vals[i], n+1
		}
		m = max(m, sum/n)
	}
	return m
}
