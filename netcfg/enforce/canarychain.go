// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"
	"slices"
	"strings"

	"hooktop/netcfg/acl"
	"hooktop/ui/format"
)

// wholeChains refuses a canary that has some devices of a changed chain and not all of them: packets would be sent to the service by
// one policy, and not be known when they come back to a device that goes by the other one.
func wholeChains(kept, next []acl.Chain, c *canary) error {
	if len(c.on) == 0 {
		return nil
	}
	for _, ch := range changedChains(kept, next) {
		var rest []string
		for _, dev := range ch.Devices() {
			if !slices.Contains(c.on, dev) {
				rest = append(rest, dev)
			}
		}
		if len(rest) > 0 {
			return fmt.Errorf("canary: chain %s goes by %s too: add them, or commit to all devices: its packets would be lost between two policies",
				format.Clean(ch.Name), strings.Join(cleaned(rest), ", "))
		}
	}
	return nil
}

// changedChains are those that a policy has and the other has not, in the same order: the first that matches has a packet, so that a
// chain that moved is another one.
func changedChains(kept, next []acl.Chain) []acl.Chain {
	kept, next = on(kept), on(next)
	for len(kept) > 0 && len(next) > 0 && kept[0].Same(&next[0]) {
		kept, next = kept[1:], next[1:]
	}
	for len(kept) > 0 && len(next) > 0 && kept[len(kept)-1].Same(&next[len(next)-1]) {
		kept, next = kept[:len(kept)-1], next[:len(next)-1]
	}
	return slices.Concat(next, kept)
}

// on are the chains that are not switched off.
func on(list []acl.Chain) []acl.Chain {
	return slices.DeleteFunc(slices.Clone(list), func(c acl.Chain) bool { return c.Off })
}
