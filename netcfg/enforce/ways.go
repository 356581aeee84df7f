// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"maps"
	"slices"
	"time"

	"hooktop/netcfg/acl"
)

// onDevices gives the ways in as packets may come by them. Which device a peer's packets arrive on is the network's choice:
// where it is not known, a way in is looked at on each watched device, or a rule with a device would cut it unseen.
func (w World) onDevices() []acl.WayIn {
	devices := slices.Sorted(maps.Keys(w.Devices))
	var out []acl.WayIn
	for _, way := range w.Ways {
		if way.Dev != "" || len(devices) == 0 {
			out = append(out, way)
			continue
		}
		for _, dev := range devices {
			way.Dev = dev
			out = append(out, way)
		}
	}
	return out
}

// either decides as the rules do about a new connection, and about one whose other direction was seen: that it is dropped, when
// it is in one of the cases.
func either(p *acl.Policy, now time.Time) judging {
	return func(list []acl.Packet) ([]acl.Decision, error) {
		out := make([]acl.Decision, len(list))
		for i, k := range list {
			known := acl.NewState(now)
			known.Saw(reverse(k))
			if out[i] = acl.Evaluate(p, k, acl.NewState(now)); out[i].Verdict == acl.Allow {
				out[i] = acl.Evaluate(p, k, known)
			}
		}
		return out, nil
	}
}
