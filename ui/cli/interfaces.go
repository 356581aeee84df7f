// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strings"
)

const namesShown = 8

// checkInterfaces refuses names that no device has. Globs may match nothing yet: devices that appear are followed.
func checkInterfaces(want []string, list func() ([]string, error)) error {
	if len(want) == 0 || list == nil {
		return nil
	}
	have, err := list()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	for _, name := range want {
		if strings.ContainsAny(name, "*?[") || slices.Contains(have, name) {
			continue
		}
		return &Error{Code: ExitFailed, Err: fmt.Errorf("interface %q: no such device", name), Fix: adviseInterface(name, have)}
	}
	return nil
}

func adviseInterface(name string, have []string) string {
	near, best := "", len(name)/2+1
	for _, h := range have {
		if d := distance(name, h); d < best {
			near, best = h, d
		}
	}
	shown := have
	more := ""
	if len(shown) > namesShown {
		more = fmt.Sprintf(" and %d more", len(shown)-namesShown)
		shown = shown[:namesShown]
	}
	text := "there is " + strings.Join(shown, ", ") + more
	if len(have) == 0 {
		text = "there are no devices in this network namespace"
	}
	if near != "" {
		text = "did you mean " + near + "? " + text
	}
	return text
}

// distance is Levenshtein's, in bytes: interface names are short.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
