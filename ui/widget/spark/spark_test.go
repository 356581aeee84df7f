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

func TestFold(t *testing.T) {
	minute := make([]float32, 60)
	for i := range minute {
		minute[i] = float32(i / 30) // half a minute nothing, then something
	}
	if got := string(spark.Fold(nil, themes.Unicode(), minute, 6)); got != "▁▁▁███" {
		t.Errorf("a minute in six: %q", got)
	}
	if got := string(spark.Fold(nil, themes.Unicode(), minute[:3], 6)); got != "   ▁▁▁" {
		t.Errorf("three values in six: %q", got)
	}
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(10, func() { spark.Fold(buf, themes.Unicode(), minute, 8) }); n > 1 { // the glyph set
		t.Errorf("%v allocations", n)
	}
}
