// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hooktop/probes/ktest"
)

// The real binary builds, judges and routes packets, attaches nothing, and leaves nothing behind.
func TestExplainOfTheBinary(t *testing.T) {
	ktest.HostState(t)
	ns := ground(t)
	ns.NetState(t)
	path := filepath.Join(t.TempDir(), "p.acl")
	if err := os.WriteFile(path, []byte("deny in tcp from 192.0.2.2 to any port 23 dev up0\nallow in tcp from any to any port 22\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Schema, Verdict string
		Rule            struct {
			Line int
			Text string
		}
		Route  *struct{ Kind, Via, Dev, Src string }
		Stages []struct{ Stage, Result string }
	}
	for _, c := range []struct {
		packet      string
		code, line  int
		kind, route string // of the route, and the device that it leaves by
	}{
		{"tcp 192.0.2.2:4242 > 192.0.2.1:23 dev up0", 4, 1, "", ""},
		{"tcp 192.0.2.2:4242 > 192.0.2.1:22 dev up0", 0, 2, "local", ""},
		{"out udp 192.0.2.1:4242 > 192.0.2.2:53", 0, 0, "out", "up0"},
		{"in tcp 192.0.2.2:4242 > 203.0.113.1:22 dev up0", 0, 2, "unreachable", ""},
	} {
		got := execute(t, ns, nil, "explain", c.packet, "--policy", path, "--json")
		if err := json.Unmarshal([]byte(got.out), &answer); err != nil || got.code != c.code || answer.Schema != "hooktop.explain/1" || answer.Rule.Line != c.line {
			t.Errorf("%s: %v, code %d, %s%s", c.packet, err, got.code, got.out, got.err)
			continue
		}
		kind, dev := "", ""
		if answer.Route != nil {
			kind, dev = answer.Route.Kind, answer.Route.Dev
		}
		if kind != c.kind || dev != c.route || len(answer.Stages) != 5 || !strings.HasSuffix(answer.Stages[0].Result, strings.TrimPrefix(c.packet, "in ")) {
			t.Errorf("%s: %+v", c.packet, answer)
		}
	}
	noProcesses(t)
}
