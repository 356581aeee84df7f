// SPDX-License-Identifier: Apache-2.0

// Package gauge draws a share of a whole as a bar: ▕███▊     ▏.
package gauge

import (
	"math"
	"strings"

	"hooktop/themes"
)

// Bar draws share (0 to 1, clamped) in w cells, two of which are the ends. Anything above 0 shows at least the smallest part.
func Bar(g *themes.Glyphs, share float64, w int) string {
	room := w - 2
	if room < 1 {
		return strings.Repeat(" ", max(w, 0))
	}
	parts := len(g.BarParts)
	if parts == 0 {
		parts = 1
	}
	if !(share > 0) {
		share = 0
	}
	n := int(math.Round(min(share, 1) * float64(room*parts)))
	if share > 0 && n == 0 {
		n = 1
	}
	full, rest := n/parts, n%parts
	var sb strings.Builder
	sb.WriteString(g.BarLeft)
	sb.WriteString(strings.Repeat(g.BarFull, full))
	used := full
	if rest > 0 && used < room {
		sb.WriteString(g.BarParts[rest-1])
		used++
	}
	sb.WriteString(strings.Repeat(" ", room-used))
	sb.WriteString(g.BarRight)
	return sb.String()
}
