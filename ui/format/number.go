// SPDX-License-Identifier: Apache-2.0

package format

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const units = " kMGTPE"

// AppendSI writes v in at most w cells with decimal units: 990, 9.10k, 96.0k, 212.4k, 1.91G. Below 1000 whole numbers
// carry no decimals; rates below 10 carry one. Decimals go first when the width is short, then the number moves to the
// next unit (0.21M). Negative and not-a-number count as 0. w should be 4 or more.
func AppendSI(b []byte, v float64, w int) []byte {
	if !(v > 0) {
		return append(b, '0')
	}
	if math.IsInf(v, 1) || v >= 999.95e18 {
		return append(b, ">999E"...)
	}
	if v < 999.5 {
		if v < 9.95 && v != math.Trunc(v) && w >= 3 {
			return strconv.AppendFloat(b, max(v, 0.1), 'f', 1, 64)
		}
		if w >= 3 || v < math.Pow10(w)-0.5 {
			return strconv.AppendFloat(b, v, 'f', 0, 64)
		}
	}
	u := 0
	for v >= 999.95 || u == 0 {
		v /= 1000
		u++
	}
	for {
		for dec := decimals(v); dec >= 0; dec-- {
			n := len(b)
			b = strconv.AppendFloat(b, v, 'f', dec, 64)
			b = append(b, units[u])
			if len(b)-n <= w || (dec == 0 && (v < 9.5 || u == len(units)-1)) {
				return b
			}
			b = b[:n]
		}
		v /= 1000
		u++
	}
}

// decimals keeps three significant digits, and one decimal above 100 so that the point stands still between 10 and 1000.
func decimals(v float64) int {
	if v < 9.995 {
		return 2
	}
	return 1
}

// SI is AppendSI as a string of at most 6 cells.
func SI(v float64) string { return string(AppendSI(nil, v, 6)) }

// AppendCount writes n in groups of three: 38 212.
func AppendCount(b []byte, n uint64) []byte {
	var d [20]byte
	s := strconv.AppendUint(d[:0], n, 10)
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b = append(b, ' ')
		}
		b = append(b, c)
	}
	return b
}

// Count is AppendCount as a string.
func Count(n uint64) string { return string(AppendCount(nil, n)) }

// Plural is a count with its noun: 1 packet, 1 204 packets.
func Plural(n uint64, what string) string {
	if n != 1 {
		what += "s"
	}
	return Count(n) + " " + what
}

// AppendPercent writes a share of 1 in at most 5 cells: 0%, .02%, 8.2%, 91.8%, 100%.
func AppendPercent(b []byte, share float64) []byte {
	p := share * 100
	switch {
	case !(p > 0):
		return append(b, "0%"...)
	case p < 0.01:
		return append(b, "<.01%"...)
	case p < 0.995:
		n := len(b)
		b = strconv.AppendFloat(b, p, 'f', 2, 64)
		b = append(b[:n], b[n+1:]...) // .02, as a column of noughts says nothing
	case p < 99.95:
		b = strconv.AppendFloat(b, p, 'f', 1, 64)
	default:
		b = strconv.AppendFloat(b, min(p, 9999), 'f', 0, 64)
	}
	return append(b, '%')
}

// Percent is AppendPercent as a string.
func Percent(share float64) string { return string(AppendPercent(nil, share)) }

// AppendDuration writes how long ago or how long, in at most 6 cells: now 3s 4m 5h07m 3d04h 120d.
func AppendDuration(b []byte, d time.Duration) []byte {
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return append(b, "now"...)
	case d < time.Minute:
		return append(strconv.AppendInt(b, int64(d/time.Second), 10), 's')
	case d < time.Hour:
		return append(strconv.AppendInt(b, int64(d/time.Minute), 10), 'm')
	case d < day:
		b = append(strconv.AppendInt(b, int64(d/time.Hour), 10), 'h')
		return append(two(b, int64(d%time.Hour/time.Minute)), 'm')
	case d < 100*day:
		b = append(strconv.AppendInt(b, int64(d/day), 10), 'd')
		return append(two(b, int64(d%day/time.Hour)), 'h')
	}
	return append(strconv.AppendInt(b, min(int64(d/day), 99999), 10), 'd')
}

// Duration is AppendDuration as a string.
func Duration(d time.Duration) string { return string(AppendDuration(nil, d)) }

// Span is a duration with its second unit, for panes: 3m41s.
func Span(d time.Duration) string {
	if d < time.Minute || d >= time.Hour {
		return Duration(d)
	}
	b := append(strconv.AppendInt(nil, int64(d/time.Minute), 10), 'm')
	return string(append(two(b, int64(d%time.Minute/time.Second)), 's'))
}

func two(b []byte, v int64) []byte { return append(b, byte('0'+v/10%10), byte('0'+v%10)) }

// AppendLatency writes a time on the network in at most 6 cells, always in milliseconds below 10 s so that a column can be
// compared at a glance: 0.08ms, 1.24ms, 14.2ms, 212ms, 12.0s.
func AppendLatency(b []byte, d time.Duration) []byte {
	ms := float64(d) / 1e6
	switch {
	case d <= 0:
		return append(b, '0')
	case ms < 9.995:
		b = strconv.AppendFloat(b, max(ms, 0.01), 'f', 2, 64)
	case ms < 99.95:
		b = strconv.AppendFloat(b, ms, 'f', 1, 64)
	case ms < 9999.5:
		b = strconv.AppendFloat(b, ms, 'f', 0, 64)
	default:
		return append(strconv.AppendFloat(b, min(ms/1000, 9999), 'f', 0, 64), 's')
	}
	return append(b, "ms"...)
}

// Latency is AppendLatency as a string.
func Latency(d time.Duration) string { return string(AppendLatency(nil, d)) }

// AppendNanos writes a short time in at most 6 cells with three digits: 118ns, 1.18µs, 11.8µs, 118µs, 1.18ms, 1.18s.
func AppendNanos(b []byte, d time.Duration) []byte {
	if d < 1000 {
		return append(strconv.AppendInt(b, int64(max(d, 0)), 10), "ns"...)
	}
	v, unit := float64(d)/1e3, "µs"
	for _, next := range []string{"ms", "s"} {
		if v >= 999.5 {
			v, unit = v/1e3, next
		}
	}
	switch {
	case v < 9.995:
		b = strconv.AppendFloat(b, v, 'f', 2, 64)
	case v < 99.95:
		b = strconv.AppendFloat(b, v, 'f', 1, 64)
	default:
		b = strconv.AppendFloat(b, min(v, 99999), 'f', 0, 64)
	}
	return append(b, unit...)
}

// Nanos is AppendNanos as a string.
func Nanos(d time.Duration) string { return string(AppendNanos(nil, d)) }

// Pad fills ASCII text with blanks on the right to w cells; PadLeft on the left. Longer text is left alone.
func Pad(s string, w int) string     { return s + blanks(w-len(s)) }
func PadLeft(s string, w int) string { return blanks(w-len(s)) + s }

func blanks(n int) string { return strings.Repeat(" ", max(n, 0)) }
