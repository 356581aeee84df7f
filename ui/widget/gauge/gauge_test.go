// SPDX-License-Identifier: Apache-2.0

package gauge_test

import (
	"math"
	"testing"
	"unicode/utf8"

	"hooktop/themes"
	"hooktop/ui/widget/gauge"
)

func TestBar(t *testing.T) {
	for _, c := range []struct {
		share float64
		w     int
		want  string
	}{
		{0, 6, "▕    ▏"}, {1, 6, "▕████▏"}, {2, 6, "▕████▏"}, {-1, 6, "▕    ▏"}, {0.5, 6, "▕██  ▏"}, {0.0001, 6, "▕▏   ▏"}, {0.375, 6, "▕█▌  ▏"},
		{0.5, 2, "  "}, {0.5, 0, ""},
	} {
		if got := gauge.Bar(themes.Unicode(), c.share, c.w); got != c.want {
			t.Errorf("%v in %d: %q, want %q", c.share, c.w, got, c.want)
		}
	}
	for _, g := range []*themes.Glyphs{themes.Unicode(), themes.ASCII()} {
		for _, share := range []float64{math.NaN(), math.Inf(1), 0.999, 0.001, 0.42} {
			for w := 0; w < 20; w++ {
				if got := gauge.Bar(g, share, w); utf8.RuneCountInString(got) != w {
					t.Errorf("%v in %d: %q", share, w, got)
				}
			}
		}
	}
}
