// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"math/bits"
	"slices"
	"strings"
)

// Nearest lists the names that can be traced and differ least from one that cannot be found, at most n; none when all are far.
// Where no function can be traced it lists functions all the same: who has mistyped one wants to know that, too.
func (c *Catalog) Nearest(name string, n int) []string {
	want := strings.ToLower(name)
	type near struct {
		at, far int
	}
	var best []near
	limit := min(max(len(want)/3, 1), maxTypos)
	set := letters(want)
	for i := range c.entries {
		e := &c.entries[i]
		if e.can != canTrace && e.can != canNotAnything {
			continue
		}
		have, group := c.fold(e), -1
		if e.event && !strings.Contains(want, ":") {
			group = strings.IndexByte(have, ':') // who typed no group is not told that he lacks one
		}
		// One typo changes the set of letters by two at most.
		if have = have[group+1:]; group < 0 && bits.OnesCount64(c.masks[i]^set) > 2*limit {
			continue
		}
		far := distance(want, have, limit)
		if far > limit {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, far, func(b near, far int) int {
			if b.far <= far {
				return -1
			}
			return 1
		})
		if best = slices.Insert(best, at, near{i, far}); len(best) > n {
			best = best[:n]
			limit = best[n-1].far
		}
	}
	out := make([]string, len(best))
	for i, b := range best {
		out[i] = c.name(&c.entries[b.at])
	}
	return out
}

// maxTypos is how far a name may be to be meant, and maxTypo how long.
const (
	maxTypos = 4
	maxTypo  = 64
)

// distance is how many letters must be put in, taken out, changed or swapped with their neighbour to make a into b
// (optimal string alignment); limit+1 when it is more than limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(a) > maxTypo || len(b) > maxTypo+maxTypos {
		return limit + 1
	}
	var rows [3][maxTypo + maxTypos + 1]uint8
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = uint8(j)
	}
	for i := 1; i <= len(a); i++ {
		row[0] = uint8(i)
		least := row[0]
		for j := 1; j <= len(b); j++ {
			d := last[j-1]
			if a[i-1] != b[j-1] {
				d = min(d, last[j], row[j-1]) + 1
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			least = min(least, d)
		}
		if int(least) > limit+1 {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return min(int(last[len(b)]), limit+1)
}
