// SPDX-License-Identifier: Apache-2.0

package themes

import "math"

// fixed256 returns colour i (16 to 255) of xterm's fixed palette: a 6x6x6 cube, then 24 greys.
func fixed256(i int) colour {
	if i >= 232 {
		g := uint8(8 + 10*(i-232))
		return colour{rgb, g, g, g}
	}
	i -= 16
	level := func(n int) uint8 {
		if n == 0 {
			return 0
		}
		return uint8(55 + 40*n)
	}
	return colour{rgb, level(i / 36), level(i / 6 % 6), level(i % 6)}
}

// cube holds colours 16 to 255 in CIELAB: built once for all tokens of a theme.
type cube [240]lab

func newCube() *cube {
	var c cube
	for i := range c {
		c[i] = toLab(fixed256(i + 16))
	}
	return &c
}

// nearest picks the fixed colour that looks closest (CIE76). The first sixteen are left out: users redefine them.
func (c *cube) nearest(want colour) int {
	best, at, w := math.Inf(1), 0, toLab(want)
	for i, p := range c {
		if d := deltaE(w, p); d < best {
			best, at = d, i
		}
	}
	return at + 16
}

type lab struct{ l, a, b float64 }

// linear undoes sRGB's transfer curve (IEC 61966-2-1).
func linear(v uint8) float64 {
	f := float64(v) / 255
	if f <= 0.04045 {
		return f / 12.92
	}
	return math.Pow((f+0.055)/1.055, 2.4)
}

// toLab converts to CIELAB with the D65 white.
func toLab(c colour) lab { return labOf(linear(c.r), linear(c.g), linear(c.b)) }

func labOf(r, g, b float64) lab {
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124564*r + 0.3575761*g + 0.1804375*b) / 0.95047)
	y := f(0.2126729*r + 0.7151522*g + 0.0721750*b)
	z := f((0.0193339*r + 0.1191920*g + 0.9503041*b) / 1.08883)
	return lab{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// deltaE is the CIE76 distance.
func deltaE(p, q lab) float64 { return math.Hypot(math.Hypot(p.l-q.l, p.a-q.a), p.b-q.b) }

// contrastRatio is WCAG 2's, from 1 to 21.
func contrastRatio(p, q colour) float64 {
	lum := func(c colour) float64 { return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b) }
	a, b := lum(p), lum(q)
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}
