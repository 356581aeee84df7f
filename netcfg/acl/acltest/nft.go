// SPDX-License-Identifier: Apache-2.0

package acltest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"hooktop/netcfg/acl"
)

// NFT is a policy's ingress side as nftables has it.
type NFT struct {
	Text   string // for nft -f: table netdev t, chain c on one device
	Owners []int  // index of the policy's rule by rule of the chain, -1: the default
}

// Expressible reports whether nftables can say a rule without state, tags or what only hooktop knows.
func Expressible(r *acl.Rule) bool {
	return !r.Off && r.Action != acl.Limit && !r.Established && r.Dev.Name == "" && r.VLAN.ID == 0 && r.VNI.ID == 0 && r.Expires.Never()
}

// ToNFT translates a policy whose rules are all Expressible. One rule becomes one for each family. When exact, there are more where
// ICMP types or later fragments ask for it, and a packet never matches two of them; otherwise it is what one would write by hand.
func ToNFT(p *acl.Policy, dev string, exact bool) NFT {
	var n NFT
	var b strings.Builder
	fmt.Fprintf(&b, "table netdev t {\nchain c {\ntype filter hook ingress device %q priority 0; policy accept;\n", dev)
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Dir == acl.Out {
			continue
		}
		for _, match := range matches(p, r, exact) {
			fmt.Fprintf(&b, "%s counter%s\n", match, verdict(r.Action))
			n.Owners = append(n.Owners, i)
		}
	}
	fmt.Fprintf(&b, "counter%s\n}\n}\n", verdict(p.In))
	n.Owners, n.Text = append(n.Owners, -1), b.String()
	return n
}

func verdict(a acl.Action) string {
	return map[acl.Action]string{acl.Allow: " accept", acl.Deny: " drop", acl.Count: ""}[a]
}

// family is what differs between the two in nft's words. nftables compares ports and types with whatever a later fragment has in
// their place: whole are the ways of not being one.
type family struct {
	six         bool
	word, later string
	whole       []string
}

func families() []family {
	return []family{{false, "ip", "ip frag-off & 0x1fff != 0", []string{"ip frag-off & 0x1fff == 0"}},
		{true, "ip6", "frag frag-off != 0", []string{"exthdr frag missing", "frag frag-off == 0"}}}
}

func matches(p *acl.Policy, r *acl.Rule, exact bool) (out []string) {
	if !exact && r.From.Any() && r.To.Any() { // of either family
		for _, l4 := range layer4(r) {
			out = append(out, strings.Join(l4, " "))
		}
		return out
	}
	for _, f := range families() {
		from, possible := f.address(p, &r.From, "saddr")
		to, also := f.address(p, &r.To, "daddr")
		if !possible || !also {
			continue
		}
		words := slices.Concat([]string{"meta protocol " + f.word}, from, to)
		asks := exact && len(r.Type.List)+len(r.From.Ports.List)+len(r.To.Ports.List) > 0
		for _, l4 := range layer4(r) {
			if !asks {
				out = append(out, strings.Join(slices.Concat(words, l4), " "))
				continue
			}
			for _, whole := range f.whole {
				out = append(out, strings.Join(slices.Concat(words, []string{whole}, l4), " "))
			}
		}
		// Rules that let packets through take a later fragment for theirs.
		if r.Action == acl.Allow && asks {
			out = append(out, strings.Join(append(slices.Concat(words, protocols(r.Proto)), f.later), " "))
		}
	}
	return out
}

// layer4 gives the ways in which a rule matches by protocol, ports and types: of types, one for each protocol.
func layer4(r *acl.Rule) (out [][]string) {
	if len(r.Type.List) == 0 {
		return [][]string{slices.Concat(protocols(r.Proto), ports(r.From.Ports, "sport"), ports(r.To.Ports, "dport"))}
	}
	for _, proto := range r.Proto.List {
		if list, ok := types(r.Type, proto); ok {
			out = append(out, append(protocols(acl.Protos{List: []uint8{proto}}), list...))
		}
	}
	return out
}

// address gives no words when every address of the family matches, and false when none does.
func (f family) address(p *acl.Policy, e *acl.End, field string) ([]string, bool) {
	if e.Any() {
		return nil, true
	}
	list := p.Sets[e.Set].List
	if e.Set == "" {
		list = []netip.Prefix{e.Prefix}
	}
	var names []string
	for _, prefix := range list {
		if prefix.Addr().Is6() != f.six {
			continue
		}
		if prefix.Bits() == 0 {
			return nil, !e.Not
		}
		names = append(names, prefix.String())
	}
	switch {
	case len(names) == 0:
		return nil, e.Not
	case len(names) == 1: // as one writes it: an anonymous set of one costs more
		return []string{f.word, field, inverted(e.Not) + names[0]}, true
	}
	return []string{f.word, field, inverted(e.Not) + "{ " + strings.Join(names, ", ") + " }"}, true
}

func inverted(not bool) string {
	if not {
		return "!= "
	}
	return ""
}

func protocols(p acl.Protos) []string {
	if len(p.List) == 0 {
		return nil
	}
	return []string{"meta l4proto", inverted(p.Not) + values(p.List)}
}

func values[T any](list []T) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = fmt.Sprint(v)
	}
	if len(words) == 1 {
		return words[0]
	}
	return "{ " + strings.Join(words, ", ") + " }"
}

func ports(p acl.Ports, field string) []string {
	if len(p.List) == 0 {
		return nil
	}
	words := make([]string, len(p.List))
	for i, r := range p.List {
		words[i] = fmt.Sprint(r.Lo)
		if r.Hi != r.Lo {
			words[i] = fmt.Sprintf("%d-%d", r.Lo, r.Hi)
		}
	}
	return []string{"th", field, inverted(p.Not) + values(words)}
}

// types gives the match on the types that a protocol has of a list, and false when the rule holds no packet of it.
func types(t acl.Types, proto uint8) ([]string, bool) {
	var list []int16
	for _, one := range t.List {
		n := one.V4
		if proto == acl.ICMPv6 {
			n = one.V6
		}
		if n >= 0 {
			list = append(list, n)
		}
	}
	if len(list) == 0 {
		return []string{"@th,0,8 0-255"}, t.Not // holds what shows a type
	}
	return []string{"@th,0,8", inverted(t.Not) + values(list)}, true
}
