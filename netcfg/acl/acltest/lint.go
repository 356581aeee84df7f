// SPDX-License-Identifier: Apache-2.0

package acltest

import "hooktop/netcfg/acl"

// Unreached are the lines of which the linter is certain that nothing reaches them, and why. That a rule stands twice says so of
// those that decide; of two that count both do.
func Unreached(p *acl.Policy) map[int]acl.Kind {
	counts := map[int]bool{}
	for i := range p.Rules {
		counts[p.Rules[i].Line] = !p.Rules[i].Action.Final()
	}
	out := map[int]acl.Kind{}
	for _, f := range acl.Lint(p, acl.Circumstances{}) {
		switch f.Kind {
		case acl.Duplicate:
			if !counts[f.Line] {
				out[f.Line] = f.Kind
			}
		case acl.Shadowed, acl.Never, acl.Guarded:
			out[f.Line] = f.Kind
		}
	}
	return out
}

// Asked is the packet that k answers.
func Asked(k acl.Packet) acl.Packet {
	out := k
	out.Src, out.Dst, out.SPort, out.DPort = k.Dst, k.Src, k.DPort, k.SPort
	for _, pair := range [][3]uint8{{acl.ICMP, 8, 0}, {acl.ICMP, 13, 14}, {acl.ICMPv6, 128, 129}} {
		switch {
		case k.Proto == pair[0] && k.Type == pair[1]:
			out.Type = pair[2]
		case k.Proto == pair[0] && k.Type == pair[2]:
			out.Type = pair[1]
		}
	}
	return out
}
