// SPDX-License-Identifier: Apache-2.0

package policy

import "hooktop/netcfg/acl"

// MaxTunnels is how many tunnel lines a policy may have in force.
const MaxTunnels = 64

// checkTunnels looks between tunnel lines.
func (f File) checkTunnels(bad func(i int, word, hint, msg string, args ...any)) {
	var above []acl.Tunnel
	for i, l := range f.lines {
		if l.Kind != Tunnel || l.Tunnel.Off {
			continue
		}
		t := *l.Tunnel
		t.Line = i + 1
		if len(above) == MaxTunnels {
			bad(i, "tunnel", "join lines, or leave out those that only count well-known ports: they are counted anyway", "tunnel: more than %d lines", MaxTunnels)
			return
		}
		for j := range above {
			if msg, hint := t.Clash(&above[j]); msg != "" {
				bad(i, "tunnel", hint, "tunnel: %s", msg)
				break
			}
		}
		above = append(above, t)
	}
}
