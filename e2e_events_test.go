// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hooktop/probes/ktest"
)

// The binary alone tells of packets that a rule with log met: in its snapshot, and in the file of --events.
func TestEventsOfTheBinary(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	events := filepath.Join(t.TempDir(), "events.jsonl")
	policy := write(t, "policy", "deny out udp to any port 99 log \"mine\"\n")
	from := ns.UDPSocket(t, "192.0.2.1:0")
	to := &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 99}
	done := make(chan struct{})
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, _ = from.WriteToUDP([]byte("x"), to) // a denied packet may be an error to who sends it
			case <-done:
				return
			}
		}
	}()
	r := execute(t, ns, nil, "--once", "--for", "1s", "--json", "--no-config", "-i", "up0", "--policy", policy, "--events", events)
	close(done)
	<-sent
	var shot struct {
		Events []struct {
			Kind, From, Label, Src, Dst, Dir, Dev string
			Line, Repeat                          int
			DPort                                 uint16
		}
		ACL struct {
			Rules []struct {
				Packets       int
				LogSuppressed int `json:"log_suppressed"`
			}
		}
	}
	if err := json.Unmarshal([]byte(r.out), &shot); r.code != 0 || err != nil || len(shot.ACL.Rules) != 1 {
		t.Fatalf("exit code %d, %v: %s %s", r.code, err, r.out, r.err)
	}
	repeat := 0
	for _, e := range shot.Events {
		if e.Kind == "deny" && e.From == "acl" && e.Label == "mine" && e.Line == 1 && e.Src == "192.0.2.1" && e.Dst == "192.0.2.2" && e.DPort == 99 && e.Dir == "out" && e.Dev == "up0" {
			repeat = e.Repeat
		}
	}
	if a := shot.ACL.Rules[0]; repeat == 0 || a.LogSuppressed == 0 || a.Packets < repeat {
		t.Errorf("told of %d packets, the rule counts %+v: %+v", repeat, a, shot.Events)
	}
	text, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var e struct{ Schema, Kind, What string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		kinds[e.Schema+" "+e.Kind+e.What]++
	}
	if kinds["hooktop.event/1 deny"] < repeat || kinds["hooktop.audit/1 commit"] != 1 || kinds["hooktop.audit/1 restore"] != 1 || len(kinds) != 3 {
		t.Errorf("%v in\n%s", kinds, text)
	}
}
