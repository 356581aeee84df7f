// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"os"
	"strings"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// checks reads the settings that chains depend on. None is ever changed.
func (s *Steer) checks(chains []acl.Chain) []snap.Check {
	out := s.unread()
	seen := map[string]bool{}
	for i := range chains {
		c := &chains[i]
		if c.Off {
			continue
		}
		for _, l := range c.Legs() {
			if seen[l.From] {
				continue
			}
			seen[l.From] = true
			out = append(out, s.forwarding(c, l.From))
			if c.Service.Via.Is4() {
				out = append(out, s.reverse(c, l)...)
			}
		}
	}
	return out
}

func (s *Steer) setting(key string) string {
	value, err := s.read("/proc/sys/net/" + key)
	if err != nil {
		return "unknown"
	}
	return value
}

// read reads a file as the namespace has it.
func (s *Steer) read(path string) (value string, err error) {
	err = s.host.Do(func() error {
		b, err := os.ReadFile(path)
		value = strings.TrimSpace(string(b))
		return err
	})
	return value, err
}

// unread says whose rules may set marks and are not read.
func (s *Steer) unread() []snap.Check {
	var out []snap.Check
	if why := s.marks().why; why != "" {
		out = append(out, snap.Check{Name: "marks of netfilter", Have: "unknown", Why: format.Clean(why), Fix: "nft list ruleset shows who sets marks"})
	}
	if _, err := routing(s.host); err != nil {
		out = append(out, snap.Check{Name: "marks of ip rules", Have: "unknown", Why: format.Clean(err.Error()), Fix: "ip rule show tells who asks for marks"})
	}
	for _, name := range []string{"ip", "ip6"} {
		// The file lists the tables that somebody has touched, and is there only with the module of the legacy tools.
		tables, err := s.read("/proc/thread-self/net/" + name + "_tables_names")
		if err != nil || tables == "" {
			continue
		}
		out = append(out, snap.Check{Name: name + "tables-legacy", Have: format.Clean(strings.Join(strings.Fields(tables), " ")) + ", not read", OK: true,
			Why: "marks that its rules set are not known here", Fix: name + "tables-legacy-save shows them"})
	}
	return out
}

func (s *Steer) forwarding(c *acl.Chain, dev string) snap.Check {
	family := "ipv4"
	if c.Service.Via.Is6() {
		family = "ipv6"
	}
	have := s.setting(family + "/conf/" + dev + "/forwarding")
	out := snap.Check{Name: "forwarding " + format.Clean(dev), Have: have, OK: have == "1", Why: "packets that arrive there are sent on"}
	if !out.OK {
		out.Why = "packets that arrive there go nowhere: the kernel does not forward them"
		out.Fix = "sysctl -w net." + family + ".conf." + format.Clean(dev) + ".forwarding=1"
	}
	return out
}

// reverse looks at the reverse path filter (net/ipv4/fib_frontend.c, fib_validate_source): on the service's devices packets arrive
// whose sources are reached by others. Marks do not help it there: the rules of chains ask for the device as well.
func (s *Steer) reverse(c *acl.Chain, l acl.Leg) []snap.Check {
	own, all := s.setting("ipv4/conf/"+l.From+"/rp_filter"), s.setting("ipv4/conf/all/rp_filter")
	have := max(own, all) // the kernel takes the larger one
	dev := format.Clean(l.From)
	through := l.Kind == acl.ToUpstream || l.Kind == acl.ReplyBack
	out := snap.Check{Name: "rp_filter " + dev, Have: have, OK: have != "1" || !through, Why: "packets arrive there from where they are routed to"}
	switch {
	case !out.OK:
		out.Why = "strict: what comes back from the service has sources that are routed elsewhere, and is dropped"
		out.Fix = "sysctl -w net.ipv4.conf." + dev + ".rp_filter=2"
		if all == "1" {
			out.Fix += " (the larger of it and net.ipv4.conf.all.rp_filter decides)"
		}
	case through && have == "2":
		out.Why = "loose: a source must be routed somewhere"
	case through:
		out.Why = "off: what comes back from the service passes"
	}
	valid := snap.Check{Name: "src_valid_mark " + dev, Have: s.setting("ipv4/conf/" + l.From + "/src_valid_mark"), OK: true,
		Why: "whether the reverse path is looked up with the mark: rules of chains ask for the device too and match neither way"}
	return []snap.Check{out, valid}
}
