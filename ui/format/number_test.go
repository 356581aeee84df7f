// SPDX-License-Identifier: Apache-2.0

package format

import (
	"math"
	"testing"
	"time"
	"unicode/utf8"
)

func TestSI(t *testing.T) {
	for _, c := range []struct {
		v    float64
		w    int
		want string
	}{
		{0, 6, "0"}, {-3, 6, "0"}, {math.NaN(), 6, "0"}, {math.Inf(1), 6, ">999E"},
		{0.04, 6, "0.1"}, {0.4, 6, "0.4"}, {1, 6, "1"}, {9.94, 6, "9.9"}, {9.96, 6, "10"}, {12, 6, "12"}, {990, 6, "990"}, {999.4, 6, "999"},
		{999.6, 6, "1.00k"}, {1330, 6, "1.33k"}, {9990, 6, "9.99k"}, {9999, 6, "10.0k"}, {96000, 6, "96.0k"}, {212400, 6, "212.4k"},
		{999940, 6, "999.9k"}, {999960, 6, "1.00M"}, {1.91e9, 6, "1.91G"}, {802.1e6, 6, "802.1M"}, {1e18, 6, "1.00E"}, {9.9e20, 6, "990.0E"}, {1e21, 6, ">999E"},
		{212400, 5, "212k"}, {212400, 4, "212k"}, {1330, 4, "1.3k"}, {96000, 4, "96k"}, {212400, 3, "0M"},
	} {
		if got := string(AppendSI(nil, c.v, c.w)); got != c.want {
			t.Errorf("AppendSI(%v, %d) = %q, want %q", c.v, c.w, got, c.want)
		}
	}
}

func TestNumbersKeepTheirWidth(t *testing.T) {
	buf := make([]byte, 0, 64)
	for e := -3.0; e < 22; e += 0.0013 {
		v := math.Pow(10, e)
		for w := 4; w <= 8; w++ {
			if buf = AppendSI(buf[:0], v, w); len(buf) > w && string(buf) != ">999E" {
				t.Fatalf("AppendSI(%g, %d) = %q", v, w, buf)
			}
		}
		if d := time.Duration(min(v, math.MaxInt64/2)); true {
			if buf = AppendDuration(buf[:0], d); len(buf) > 6 {
				t.Fatalf("AppendDuration(%v) = %q", d, buf)
			}
			if buf = AppendLatency(buf[:0], d); len(buf) > 6 {
				t.Fatalf("AppendLatency(%v) = %q", d, buf)
			}
			if buf = AppendNanos(buf[:0], d); utf8.RuneCount(buf) > 6 {
				t.Fatalf("AppendNanos(%v) = %q", d, buf)
			}
		}
		if buf = AppendPercent(buf[:0], v); len(buf) > 5 {
			t.Fatalf("AppendPercent(%g) = %q", v, buf)
		}
		if n := testing.AllocsPerRun(1, func() { AppendSI(buf[:0], v, 6) }); n != 0 {
			t.Fatalf("AppendSI(%g) allocates", v)
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Duration(400 * time.Millisecond), "now"}, {Duration(-time.Second), "now"}, {Duration(3 * time.Second), "3s"}, {Duration(4 * time.Minute), "4m"},
		{Duration(5*time.Hour + 7*time.Minute), "5h07m"}, {Duration(76 * time.Hour), "3d04h"}, {Duration(2900 * time.Hour), "120d"},
		{Span(221 * time.Second), "3m41s"}, {Span(7 * time.Second), "7s"}, {Span(76 * time.Hour), "3d04h"},
		{Nanos(0), "0ns"}, {Nanos(118), "118ns"}, {Nanos(1180), "1.18µs"}, {Nanos(11800), "11.8µs"}, {Nanos(118 * time.Microsecond), "118µs"},
		{Nanos(999700), "1.00ms"}, {Nanos(1240 * time.Microsecond), "1.24ms"}, {Nanos(12 * time.Second), "12.0s"},
		{Plural(1, "packet"), "1 packet"}, {Plural(1204, "packet"), "1 204 packets"}, {Plural(0, "hop"), "0 hops"},
		{Latency(0), "0"}, {Latency(85 * time.Microsecond), "0.09ms"}, {Latency(1240 * time.Microsecond), "1.24ms"}, {Latency(14200 * time.Microsecond), "14.2ms"},
		{Latency(212 * time.Millisecond), "212ms"}, {Latency(3 * time.Second), "3000ms"}, {Latency(12 * time.Second), "12s"},
		{Percent(0), "0%"}, {Percent(0.00002), "<.01%"}, {Percent(0.0002), ".02%"}, {Percent(0.082), "8.2%"}, {Percent(0.918), "91.8%"}, {Percent(1), "100%"},
		{Count(0), "0"}, {Count(999), "999"}, {Count(38212), "38 212"}, {Count(1000000), "1 000 000"},
		{Pad("a", 3) + "|" + PadLeft("a", 3) + PadLeft("long", 2), "a  |  along"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
