// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"slices"

	"hooktop/ui/core"
)

// KeyTable lists what the shell and the tabs bind, in the order of the help overlay, each binding once: README's table.
func KeyTable(env *core.Env, tabs []func(*core.Env) core.Tab) []core.Binding {
	m := newModel(context.Background(), Options{Tabs: tabs}, env, look{}, nil, hostActions{})
	var all []core.Binding
	add := func(list []core.Binding) {
		for _, b := range list {
			same := func(o core.Binding) bool {
				return slices.Equal(o.Keys, b.Keys) && o.Help == b.Help && o.Section == b.Section
			}
			if !slices.ContainsFunc(all, same) {
				all = append(all, b)
			}
		}
	}
	for _, tab := range m.tabs {
		add(tab.Bindings())
	}
	add(m.global())
	first := func(b core.Binding) int {
		return slices.IndexFunc(all, func(o core.Binding) bool { return o.Section == b.Section })
	}
	return slices.SortedStableFunc(slices.Values(all), func(a, b core.Binding) int { return first(a) - first(b) })
}
