// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
)

// datagrams sends to port 99 through up0, some two hundred a second, until stop or the test's end.
func datagrams(t *testing.T, ns *ktest.NS) (stop func()) {
	t.Helper()
	from := ns.UDPSocket(t, "192.0.2.1:0")
	to := &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 99}
	done, sent := make(chan struct{}), make(chan struct{})
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
	stop = sync.OnceFunc(func() { close(done); <-sent })
	t.Cleanup(stop)
	return stop
}

// The binary alone tells of packets that a rule with log met: in its snapshot, and in the file of --events.
func TestEventsOfTheBinary(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	policy := write(t, "policy", "deny out udp to any port 99 log \"mine\"\n")
	enough(t, func() string { return toldEvents(t, ns, policy) })
}

func toldEvents(t *testing.T, ns *ktest.NS, policy string) (few string) {
	t.Helper()
	events := filepath.Join(t.TempDir(), "events.jsonl")
	stop := datagrams(t, ns)
	r := execute(t, ns, nil, "--once", "--for", "1s", "--json", "--no-config", "-i", "up0", "--lease", "60s", "--policy", policy, "--events", events)
	stop()
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
	told := fmt.Sprintf("told of %d packets, the rule counts %+v: %+v", repeat, shot.ACL.Rules[0], shot.Events)
	// Counters are read once a second, events at once: the last ones may be told of before they are counted.
	if a := shot.ACL.Rules[0]; repeat == 0 || a.LogSuppressed == 0 || a.Packets < repeat {
		return told
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
	return ""
}

// A rule with log that may tell of more than comes suppresses nothing.
func TestLogRateOfTheBinary(t *testing.T) {
	ns := ground(t)
	policy := write(t, "policy", "deny out udp to any port 99 log\n")
	enough(t, func() string { return toldOfAll(t, ns, policy) })
}

func toldOfAll(t *testing.T, ns *ktest.NS, policy string) (few string) {
	t.Helper()
	stop := datagrams(t, ns)
	r := execute(t, ns, nil, "--once", "--for", "1s", "--json", "--no-config", "-i", "up0", "--lease", "60s", "--policy", policy, "--log-rate", "100000")
	stop()
	var shot struct {
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
	if a := shot.ACL.Rules[0]; a.LogSuppressed != 0 {
		t.Errorf("%+v", a)
	} else if a.Packets <= 10 {
		return fmt.Sprintf("%+v", a)
	}
	return ""
}

// On the screen an event leads to its rule, the rule to the headers that it denied, and these to a capture.
func TestAnEventLeadsToItsHeadersOnTheScreen(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	var st unix.Stat_t
	if err := unix.Stat(ns.Path(), &st); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(fmt.Sprintf("/run/hooktop/draft-%d", st.Ino)) }) // what was not kept stays as a draft
	policy := write(t, "policy", "deny out udp to any port 99 log \"mine\"\n")
	capture := filepath.Join(t.TempDir(), "denied.pcapng")
	datagrams(t, ns)
	s := open(t, ns, 100, 30, []string{"XDG_STATE_HOME=" + t.TempDir()}, "--no-config", "-i", "up0", "--lease", "60s", "--policy", policy)
	s.shows("TRIAL", "192.0.2.2:99")
	for _, step := range []struct{ keys, shows string }{
		{"6", "v1 is on trial"},
		{"", `> 192.0.2.2:99 out up0 "mine"`},
		{"g" + enter, "EVENT"},
		{"", "line 1 of v1"},
		{enter, ">+    1 deny  out"},
		{"p", "HEADERS of line 1"},
		{"", "udp        "},
		{"w", "save headers to"},
	} {
		s.keys(step.keys)
		s.shows(step.shows)
	}
	s.keys("\x15" + capture + enter)
	var file, data []byte
	s.until("the capture", func(string) bool { // its message may stand behind another one
		var err error
		if file, err = os.ReadFile(capture); err != nil {
			return false
		}
		r, err := pcapgo.NewNgReader(bytes.NewReader(file), pcapgo.NgReaderOptions{})
		if err != nil {
			return false
		}
		data, _, err = r.ReadPacketData()
		return err == nil
	})
	if len(data) != 43 || data[42] != 'x' || !bytes.Contains(file, []byte(`port 99 log "mine"`)) {
		t.Errorf("% x", data)
	}
	s.keys(escape)
	s.shows("HITS/S")
	s.keys(ctrlC)
	s.shows("quit?")
	s.keys("y")
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d; the screen:\n%s", code, s.text())
	}
	s.restored()
}

// Another user's file is refused before anything is attached: its lines would show that user the policy.
func TestAnotherUsersEventsFileIsRefused(t *testing.T) {
	ktest.HostState(t)
	path := write(t, "events.jsonl", "theirs\n")
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	r := execute(t, nil, nil, "--once", "--for", "1s", "--no-config", "--events", path)
	want := "--events: open " + path + ": it belongs to user 12345: name a file of your own"
	if text, err := os.ReadFile(path); r.code != 1 || !strings.Contains(r.err, want) || strings.Count(r.err, "\n") != 1 || err != nil || string(text) != "theirs\n" {
		t.Errorf("exit code %d, %q, want %q; the file: %q, %v", r.code, r.err, want, text, err)
	}
}
