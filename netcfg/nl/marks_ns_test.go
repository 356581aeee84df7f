// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"hooktop/probes/ktest"
)

// What nft(8) makes of rules with marks is read back as what the rules do to packets.
func TestMarksOfNftables(t *testing.T) {
	ns := ktest.NewNS(t)
	h := at(t, ns)
	if list, err := h.MarkOwners(); err != nil || len(list) > 0 {
		t.Fatalf("without rules: %+v, %v", list, err)
	}
	for rule, want := range map[string]string{
		"meta mark set 0x1":                                    "sets 0x1/0xffffffff",
		"meta mark set meta mark or 0x40":                      "sets 0x40/0x40",
		"meta mark set meta mark and 0xffffff0f":               "sets 0x0/0xf0",
		"meta mark set meta mark and 0xffffff0f xor 0x20":      "sets 0x20/0xf0",
		"meta mark set ct mark":                                "sets 0x0/0xffffffff",
		"meta mark set ct mark and 0xff":                       "sets 0x0/0xffffffff",
		"meta mark set tcp dport map { 80 : 0x1, 443 : 0x2 }":  "sets 0x0/0xffffffff",
		"ct mark set meta mark":                                "",
		"ct mark set 0x1":                                      "",
		"meta mark 0xca6c accept":                              "asks 0xca6c/0xffffffff",
		"meta mark and 0xf0 == 0x10 drop":                      "asks 0x10/0xf0",
		"meta mark and 0xf00 != 0x100 counter":                 "asks 0x100/0xf00",
		"meta mark { 0x1, 0x2 } counter":                       "asks 0x0/0xffffffff",
		"ip saddr 10.0.0.1 tcp dport 443 counter":              "",
		"meta mark 0x7 ip saddr 10.0.0.1 counter":              "asks 0x7/0xffffffff",
		"ip saddr 10.0.0.1 meta mark set meta mark or 0x8":     "sets 0x8/0x8",
		"meta mark and 0x3 == 0x1 meta mark set meta mark | 4": "sets 0x4/0x4, asks 0x1/0x3",
	} {
		script := fmt.Sprintf("flush ruleset\ntable ip t {\n chain pre {\n type filter hook prerouting priority mangle\n %s\n }\n}\n", rule)
		ns.Do(t, func() error {
			cmd := exec.Command("nft", "-f", "-")
			cmd.Stdin = strings.NewReader(script)
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w: %s", rule, err, out)
			}
			return nil
		})
		list, err := h.MarkOwners()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range list {
			word := "asks"
			if o.Sets {
				word = "sets"
			}
			got = append(got, fmt.Sprintf("%s %#x/%#x", word, o.Mark, o.Mask))
			if o.Who != "netfilter ip t" || !strings.HasPrefix(o.From, "chain pre "+word) {
				t.Errorf("%s: %+v", rule, o)
			}
		}
		wanted := strings.Split(want, ", ")
		slices.Sort(got)
		slices.Sort(wanted)
		if strings.Join(got, ", ") != strings.Join(wanted, ", ") {
			t.Errorf("%s: %q, want %q", rule, got, want)
		}
	}
}
