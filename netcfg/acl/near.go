// SPDX-License-Identifier: Apache-2.0

package acl

import "strings"

// nearest gives the known word that a typing error made of, "" when none is near.
func nearest(word string, known []string) string {
	const longest = 24
	if len(word) < 2 || len(word) > longest {
		return ""
	}
	best, at := "", 1+len(word)/3
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < at || d == at && best == "" {
			best, at = k, d
		}
	}
	return best
}

// distance counts the insertions, deletions, substitutions and swaps of neighbours between two short words.
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		two, one, now := rows[(i+2)%3], rows[i%3], rows[(i+1)%3]
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(one[j]+1, now[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], two[j-2]+1)
			}
		}
	}
	return rows[(len(a)+1)%3][len(b)]
}
