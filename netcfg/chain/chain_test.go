// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"net/netip"
	"strings"
	"testing"

	"hooktop/netcfg/acl"
)

const line = "chain fw in lan0 match tcp to any port 443 service via 10.9.0.2 dev fw0 return fw1 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail closed"

func chains(t *testing.T, lines ...string) []acl.Chain {
	t.Helper()
	var out []acl.Chain
	for i, text := range lines {
		e, errs := acl.ParseEntry(text)
		if errs != nil {
			t.Fatalf("%s: %v", text, errs)
		}
		c := *e.Chain
		c.Line = i + 1
		out = append(out, c)
	}
	return out
}

// nets is a host whose fw1 has one network.
func nets(prefix string) Networks {
	return func(dev string) []netip.Prefix {
		if dev != "fw1" || prefix == "" {
			return nil
		}
		return []netip.Prefix{netip.MustParsePrefix("fe80::1/64"), netip.MustParsePrefix(prefix)}
	}
}

func TestWaysAreRulesAndRoutes(t *testing.T) {
	ways, err := Ways(chains(t, line), nil, nets("10.9.1.1/30"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for n := range ways {
		w := &ways[n]
		got = append(got, w.Kind.String(), w.Rule(n).String(), w.Route(n).String())
		if g, ok := w.Guard(n); ok {
			got = append(got, g.String())
		}
		if !w.Rule(n).Own() || !w.Route(n).Own() {
			t.Errorf("way %d is not ours", n)
		}
	}
	want := `to service
7400: from all fwmark 0x10/0xf0 iif lan0 lookup 267400 proto 199
default via 10.9.0.2 dev fw0 table 267400 proto 199
unreachable default table 267400 proto 199 metric 4000000000
upstream
7401: from all fwmark 0x10/0xf0 iif fw1 lookup 267401 proto 199
default via 10.0.0.1 dev wan0 table 267401 proto 199
unreachable default table 267401 proto 199 metric 4000000000
reply to service
7402: from all fwmark 0x10/0xf0 iif wan0 lookup 267402 proto 199
default via 10.9.1.2 dev fw1 table 267402 proto 199
unreachable default table 267402 proto 199 metric 4000000000`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("\n%s\nwant\n%s", text, want)
	}
}

func TestTheServiceOnTheReturnDevice(t *testing.T) {
	for prefix, want := range map[string]string{
		"10.9.1.1/30": "10.9.1.2", "10.9.1.2/30": "10.9.1.1", "10.9.1.4/31": "10.9.1.5", "10.9.1.5/31": "10.9.1.4",
		"10.9.1.1/24": "", "10.9.1.1/32": "", "2001:db8::1/126": "", "": "",
	} {
		ways, err := Ways(chains(t, line), nil, nets(prefix))
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), "line 1: chain fw: the network of fw1 does not tell the service's address there: write return fw1 via ADDR") {
				t.Errorf("%s: %v, %v", prefix, ways, err)
			}
			continue
		}
		if err != nil || ways[2].Hop.Via.String() != want {
			t.Errorf("%s: %v, %v", prefix, ways, err)
		}
	}
	if _, err := Ways(chains(t, line+" oneway"), nil, nets("")); err != nil {
		t.Errorf("oneway: %v", err)
	}
	if _, err := Ways(chains(t, strings.Replace(line, "return fw1", "return fw1 via 10.9.1.9", 1)), nil, nets("")); err != nil {
		t.Errorf("said: %v", err)
	}
}

// Ways of the kept policy and of the trial stand beside each other; what only the mark could tell apart is refused with a mark that
// is free.
func TestKeptAndTrial(t *testing.T) {
	n := nets("10.9.1.1/30")
	kept := chains(t, line)
	edit := func(old, new string) []acl.Chain { return chains(t, strings.Replace(line, old, new, 1)) }
	for what, c := range map[string]struct {
		trial []acl.Chain
		ways  int
		err   string
	}{
		"the same":          {kept, 3, ""},
		"another match":     {edit("port 443", "port 8443"), 3, ""},
		"another failure":   {edit("fail closed", "fail open"), 3, ""},
		"another mark":      {edit("0x10/", "0x20/"), 6, ""},
		"another device in": {edit("in lan0", "in lan1"), 4, ""},
		"another next hop":  {edit("10.9.0.2", "10.9.0.3"), 0, "write another mark, such as 0x20/0xf0"},
		"off":               {edit("chain", "off chain"), 3, ""},
		"none":              {nil, 3, ""},
	} {
		ways, err := Ways(kept, c.trial, n)
		switch {
		case c.err == "" && (err != nil || len(ways) != c.ways):
			t.Errorf("%s: %d ways, want %d; %v", what, len(ways), c.ways, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v", what, err)
		case c.err == "" && ways[0].Open:
			t.Errorf("%s: the trial decides how what is kept fails", what)
		}
	}
}

func TestOwnersOfBits(t *testing.T) {
	rules := []Rule{
		{Priority: 0, Table: 255}, {Priority: 7400, Table: 267400, Mark: 0x10, Mask: 0xf0, From: "lan0", Protocol: Protocol},
		{Priority: 5210, Table: 52, Mark: 0x80000, Mask: 0xff0000}, {Six: true, Priority: 5210, Table: 52, Mark: 0x80000, Mask: 0xff0000},
		{Priority: 32764, Table: 51820, Mark: 0xca6c, Mask: 0xffffffff, Rest: "more"},
	}
	owners := Owners(rules, []string{"lo", "cali12", "tailscale0"})
	var got []string
	for _, o := range owners {
		got = append(got, o.Who+" by "+o.From)
	}
	want := "table 52 by ip rule 5210, table 51820 by ip rule 32764, kube-proxy by device cali12, Calico by device cali12, Tailscale by device tailscale0"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("%s\nwant %s", text, want)
	}
	owners = append(owners, Owner{Mask: everyBit, Who: "table ip wg", From: "netfilter chain premangle", Sets: true},
		Owner{Mark: 0x100, Mask: 0x100, Who: "table ip mangle", From: "netfilter chain PREROUTING", Sets: true})
	if whole := &owners[len(owners)-2]; !whole.Clashes(0x10, 0xf0) || whole.Forbids(0x10, 0xf0) {
		t.Error("who writes the whole word is to be shown, and to be lived with")
	}
	for mark, words := range map[string]string{
		"0x10/0xf0":       "",
		"0x300/0xf00":     "bits 0x100 of its mark are used by table ip mangle (netfilter chain PREROUTING)",
		"0x4000/0x4000":   "bits 0x4000 of its mark are used by table 51820 (ip rule 32764)",
		"0x10000/0xf0000": "bits 0xf0000 of its mark are used by table 52 (ip rule 5210)",
		"0xc/0xf":         "bits 0xf of its mark are used by table 51820 (ip rule 32764)", // a WireGuard socket's packets would be taken
	} {
		err := Clash(chains(t, strings.Replace(line, "0x10/0xf0", mark, 1)), owners)
		if (err == nil) != (words == "") || err != nil && !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", mark, err)
		}
	}
}

func TestAgentsOfNetfilter(t *testing.T) {
	for chain, want := range map[string]string{"KUBE-MARK-MASQ": "kube-proxy", "cali-PREROUTING": "Calico", "ts-forward": "Tailscale", "CILIUM_PRE_mangle": "Cilium", "PREROUTING": ""} {
		if got := AgentOfTable("mangle", chain); got != want {
			t.Errorf("%s: %q", chain, got)
		}
	}
	if got := AgentOfTable("kube-proxy", "mark-for-masquerade"); got != "kube-proxy" {
		t.Errorf("its own table: %q", got)
	}
}
