// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"slices"
	"strings"

	"hooktop/ui/core"
)

// KeyTable lists what the shell and the tabs bind, in the order of the help overlay, each binding once: README's table. What only
// some tabs have in a section that all share is said to be theirs.
func KeyTable(env *core.Env, tabs []func(*core.Env) core.Tab) []core.Binding {
	m := newModel(context.Background(), Options{Tabs: tabs}, env, look{}, nil, hostActions{})
	var all []core.Binding
	var of [][]string // names of the tabs that have it
	add := func(list []core.Binding, tab string) {
		for _, b := range list {
			i := slices.IndexFunc(all, func(o core.Binding) bool {
				return slices.Equal(o.Keys, b.Keys) && o.Help == b.Help && o.Section == b.Section
			})
			if i < 0 {
				i = len(all)
				all, of = append(all, b), append(of, nil)
			}
			of[i] = append(of[i], tab)
		}
	}
	shared := map[string]map[string]bool{} // tabs by section
	for _, tab := range m.tabs {
		add(tab.Bindings(), tab.Name())
		for _, b := range tab.Bindings() {
			if shared[b.Section] == nil {
				shared[b.Section] = map[string]bool{}
			}
			shared[b.Section][tab.Name()] = true
		}
	}
	add(m.global(), "")
	for i, b := range all {
		if n := len(shared[b.Section]); n > 1 && len(of[i]) <= n/2 && of[i][0] != "" {
			all[i].Help += " (" + strings.Join(of[i], ", ") + ")"
		}
	}
	first := func(b core.Binding) int {
		return slices.IndexFunc(all, func(o core.Binding) bool { return o.Section == b.Section })
	}
	return slices.SortedStableFunc(slices.Values(all), func(a, b core.Binding) int { return first(a) - first(b) })
}
