// SPDX-License-Identifier: Apache-2.0

package policy

import "hooktop/netcfg/acl"

// Succeed is Inherit for a text that was edited line by line: where as many rules changed between two that stayed as there
// were, each takes the identity of the one in whose place it stands. Counters so survive an edit in place even when only
// texts went from hand to hand.
func (f File) Succeed(old File) File {
	out := f.Inherit(old)
	was, is := rulesOf(old), rulesOf(out)
	stays := map[acl.ID]int{}
	for i, r := range was {
		stays[r.ID] = i
	}
	heirs := map[acl.ID]acl.ID{}
	from, to := 0, 0 // behind the last anchor
	settle := func(oldEnd, newEnd int) {
		gone := was[from:oldEnd]
		if len(gone) == newEnd-to {
			for i, r := range is[to:newEnd] {
				if _, stayed := stays[r.ID]; !stayed {
					heirs[r.ID] = gone[i].ID
				}
			}
		}
	}
	for j, r := range is {
		i, stayed := stays[r.ID]
		if !stayed || i < from {
			continue
		}
		settle(i, j)
		from, to = i+1, j+1
	}
	settle(len(was), len(is))
	taken := map[acl.ID]bool{}
	for _, r := range is {
		taken[r.ID] = true
	}
	for i, l := range out.lines {
		if l.Kind != Rule {
			continue
		}
		if id, ok := heirs[l.Rule.ID]; ok && !taken[id] {
			r := *l.Rule
			r.ID = id
			out.lines[i].Rule = &r
		}
	}
	return out
}

func rulesOf(f File) []*acl.Rule {
	var out []*acl.Rule
	for _, l := range f.lines {
		if l.Kind == Rule {
			out = append(out, l.Rule)
		}
	}
	return out
}
