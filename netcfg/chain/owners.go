// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"fmt"
	"slices"
	"strings"

	"hooktop/netcfg/acl"
	"hooktop/ui/format"
)

// Owner is somebody who uses bits of the mark.
type Owner struct {
	Mark, Mask uint32
	Who, From  string
	Sets       bool // it writes the bits; else it chooses packets by them
}

const everyBit = 0xffffffff

// agents are programs that use bits of the mark, and what tells that they run here.
var agents = []struct {
	who     string
	mask    uint32
	devices []string // prefixes
	chains  []string // of netfilter, prefixes
}{
	{"kube-proxy", 0xc000, []string{"kube-ipvs0", "cni0", "cali", "cilium_", "flannel"}, []string{"KUBE-"}},
	{"Cilium", 0xffff0f00, []string{"cilium_"}, []string{"CILIUM_"}},
	{"Calico", 0xffff0000, []string{"cali"}, []string{"cali"}},
	{"Tailscale", 0x00ff0000, []string{"tailscale"}, []string{"ts-"}},
}

// AgentOfTable names the agent whose netfilter table or chain that is, "" for none that is known.
func AgentOfTable(table, name string) string {
	for _, a := range agents {
		for _, prefix := range a.chains {
			if strings.HasPrefix(name, prefix) || strings.EqualFold(table, a.who) {
				return a.who
			}
		}
	}
	return ""
}

// Owners lists who uses bits of the mark, by foreign rules and by agents whose devices are here.
func Owners(rules []Rule, devices []string) []Owner {
	var out []Owner
	for _, r := range rules {
		if r.Own() || r.Mark == 0 && r.Mask == 0 {
			continue
		}
		o := Owner{Mark: r.Mark, Mask: r.Mask, Who: "table " + fmt.Sprint(r.Table), From: fmt.Sprintf("ip rule %d", r.Priority)}
		if !slices.Contains(out, o) { // once for both families
			out = append(out, o)
		}
	}
	for _, a := range agents {
		for _, prefix := range a.devices {
			i := slices.IndexFunc(devices, func(d string) bool { return strings.HasPrefix(d, prefix) })
			if i >= 0 {
				out = append(out, Owner{Mask: a.mask, Who: a.who, From: "device " + devices[i]})
				break
			}
		}
	}
	return out
}

// Clashes reports whether a mark's bits are somebody else's as well. Who asks for the whole word (WireGuard's own packets) has
// one value of it, and takes no other packet; who writes the whole word takes the mark off every packet that it meets.
func (o *Owner) Clashes(mark, mask uint32) bool {
	if o.Mask == everyBit && !o.Sets {
		return (o.Mark^mark)&mask == 0
	}
	return o.Mask&mask != 0
}

// Forbids reports whether the bits are that owner's alone. A rule that writes the whole word may be for other packets than a chain's:
// nobody could have a chain beside it, so that it is only shown.
func (o *Owner) Forbids(mark, mask uint32) bool {
	return o.Clashes(mark, mask) && !(o.Sets && o.Mask == everyBit)
}

// Clash says which bits of which chain somebody else uses; nil when none are.
func Clash(chains []acl.Chain, owners []Owner) error {
	for i := range chains {
		c := &chains[i]
		for j := range owners {
			if o := &owners[j]; !c.Off && o.Forbids(c.Mark, c.Mask) {
				return fmt.Errorf("line %d: chain %s: bits %#x of its mark are used by %s (%s): write a mark under another mask", c.Line, c.Name, o.Mask&c.Mask, format.Clean(o.Who), format.Clean(o.From))
			}
		}
	}
	return nil
}
