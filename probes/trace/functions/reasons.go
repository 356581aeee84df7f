// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"strings"

	"hooktop/probes/trace/types"
)

// dropReasons reads the kernel's enum skb_drop_reason, the names of its subsystems, and their own enums, whose values have the
// subsystem's number in the upper half (include/net/dropreason.h).
func dropReasons(mods []module) (reasons, subsys map[uint32]string) {
	reasons, subsys = map[uint32]string{}, map[uint32]string{}
	for _, m := range mods {
		if m.types == nil {
			continue
		}
		set := m.types
		set.All(func(id types.ID, kind types.Kind, name string) {
			switch {
			case kind != types.Enum && kind != types.Enum64:
			case name == "skb_drop_reason_subsys":
				set.Values(id, func(name string, value uint64) bool {
					if name = strings.TrimPrefix(name, "SKB_DROP_REASON_SUBSYS_"); name != "NUM" {
						keep(subsys, value, name)
					}
					return true
				})
			case strings.HasSuffix(name, "drop_reason"):
				set.Values(id, func(label string, value uint64) bool {
					if name == "skb_drop_reason" || value>>16 != 0 { // other enums of this name have no place among the codes
						keepReason(reasons, value, label)
					}
					return true
				})
			}
		})
	}
	return reasons, subsys
}

func keepReason(reasons map[uint32]string, value uint64, label string) {
	switch short := strings.TrimPrefix(label, "SKB_DROP_REASON_"); {
	case short == "MAX", short == "SUBSYS_MASK", short == "SKB_NOT_DROPPED_YET", strings.HasPrefix(short, "_"):
	default:
		keep(reasons, value, short)
	}
}

// keep holds on to the first name of a code.
func keep(names map[uint32]string, value uint64, name string) {
	if _, have := names[uint32(value)]; !have && value>>32 == 0 && plain([]byte(name)) {
		names[uint32(value)] = strings.Clone(name)
	}
}
