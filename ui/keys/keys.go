// SPDX-License-Identifier: Apache-2.0

// Package keys works on bindings as data: how a key is shown, which keys nobody may bind, which bindings collide, and the
// user's own choices from keys.toml.
package keys

import (
	"fmt"
	"slices"
	"strings"

	"hooktop/ui/core"
)

// Show prints keys for people, in the order in which the binding lists them.
func Show(ks []string) string { return strings.Join(ks, " ") }

// Forbidden says who owns a key that must not be bound, "" when it is free.
func Forbidden(key string) string {
	switch key {
	case "ctrl+b":
		return "tmux's prefix"
	case "ctrl+a":
		return "screen's prefix"
	case "ctrl+space", "ctrl+@":
		return "a common tmux prefix and input method key"
	case "ctrl+\\":
		return "the tty's quit key"
	case "ctrl+s", "ctrl+q":
		return "the tty's flow control"
	case "ctrl+o":
		return "the tty's discard key"
	case "ctrl+t":
		return "the terminal's new tab and the tty's status key"
	}
	return ""
}

// secondOnly reports keys that may stand beside another way but never alone: terminals and multiplexers swallow them.
func secondOnly(key string) bool {
	base := key[strings.LastIndex(key, "+")+1:]
	switch {
	case strings.HasPrefix(key, "alt+"), strings.Contains(key, "+alt+"):
		return true
	case strings.HasPrefix(key, "shift+"):
		return base == "up" || base == "down" || base == "left" || base == "right"
	}
	return len(base) > 1 && base[0] == 'f' && base[1] >= '1' && base[1] <= '9'
}

// Check returns what is wrong with the bindings that hold in one place: the shell's and one tab's.
func Check(bs []core.Binding) []error {
	var errs []error
	owner := map[string]string{}
	for _, b := range bs {
		if b.Name == "" || b.Help == "" || b.Section == "" {
			errs = append(errs, fmt.Errorf("binding %q %v: name, help and section must be set", b.Name, b.Keys))
		}
		if len(b.Keys) == 0 {
			errs = append(errs, fmt.Errorf("%s: no key", b.Name))
		}
		second := 0
		for _, k := range b.Keys {
			if who := Forbidden(k); who != "" {
				errs = append(errs, fmt.Errorf("%s: %s is %s", b.Name, k, who))
			}
			if secondOnly(k) {
				second++
			}
			if other, taken := owner[k]; taken {
				errs = append(errs, fmt.Errorf("%s: %s is %s's", b.Name, k, other))
			}
			owner[k] = b.Name
		}
		if second == len(b.Keys) && second > 0 {
			errs = append(errs, fmt.Errorf("%s: %v alone is no way to reach it", b.Name, b.Keys))
		}
	}
	return errs
}

// Find returns the binding of a key, or nil.
func Find(bs []core.Binding, key string) *core.Binding {
	for i := range bs {
		if slices.Contains(bs[i].Keys, key) {
			return &bs[i]
		}
	}
	return nil
}

// Hints orders what the footer shows: at most n bindings with a hint, by rank.
func Hints(bs []core.Binding, n int) []core.Binding {
	var out []core.Binding
	for _, b := range bs {
		if b.Hint > 0 && len(b.Keys) > 0 {
			out = append(out, b)
		}
	}
	slices.SortStableFunc(out, func(a, b core.Binding) int { return a.Hint - b.Hint })
	return out[:min(len(out), n)]
}
