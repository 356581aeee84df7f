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
	here := map[acl.ID]bool{}
	for _, r := range is {
		here[r.ID] = true
	}
	settle := func(oldEnd, newEnd int) {
		var gone, come []acl.ID // what only moved has its counters
		for _, r := range was[from:oldEnd] {
			if !here[r.ID] {
				gone = append(gone, r.ID)
			}
		}
		for _, r := range is[to:newEnd] {
			if _, stayed := stays[r.ID]; !stayed {
				come = append(come, r.ID)
			}
		}
		for i := 0; i < len(come) && len(gone) == len(come); i++ {
			heirs[come[i]] = gone[i]
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
	for i, l := range out.lines {
		if l.Kind != Rule {
			continue
		}
		if id, ok := heirs[l.Rule.ID]; ok {
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
