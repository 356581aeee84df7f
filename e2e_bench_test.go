// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"hooktop/probes/ktest"
)

type benched struct {
	Schema string
	Policy struct {
		From       string
		Generation uint32
		Trial      bool
		Rules      int
	}
	Rounds, Flows int
	Stages        []struct {
		Hook, Name, Why string
		Same, Flows     *struct {
			Ns  float64
			Min float64 `json:"min_ns"`
			Max float64 `json:"max_ns"`
		}
	}
}

// The real binary measures the policy of a file, attaches nothing and leaves nothing behind.
func TestBenchOfTheBinary(t *testing.T) {
	ktest.HostState(t)
	ns := ground(t)
	ns.NetState(t)
	policy := write(t, "p.acl", "deny in tcp to any port 23\nallow in tcp\n")
	got := execute(t, ns, nil, "bench", "--for", "200ms", "--policy", policy, "--json")
	var o benched
	if err := json.Unmarshal([]byte(got.out), &o); err != nil || got.code != 0 || o.Schema != "hooktop.bench/1" || o.Policy.From != "file" || o.Policy.Rules != 2 || o.Rounds < 3 || o.Flows < 1 || len(o.Stages) != 14 {
		t.Fatalf("%v, code %d, %s%s", err, got.code, got.out, got.err)
	}
	for _, s := range o.Stages {
		if s.Why == "" && s.Same == nil && s.Flows == nil || s.Name == "classification" && (s.Same == nil || s.Same.Ns <= 0 || s.Flows == nil) {
			t.Errorf("%+v", s)
		}
	}
	got = execute(t, ns, nil, "bench", "--for", "1ms")
	if got.code != 0 || !strings.HasPrefix(got.out, "policy    the empty one\n") || !strings.Contains(got.out, "note: classification: there is no policy") {
		t.Errorf("code %d, %s%s", got.code, got.out, got.err)
	}
	// nobody has rights: the reason in one line
	if got = execute(t, ns, nobody, "bench"); got.code != 1 || got.out != "" || strings.Count(got.err, "\n") != 1 || !strings.HasSuffix(got.err, "run it as root\n") {
		t.Errorf("as nobody: code %d, %q, %q", got.code, got.out, got.err)
	}
	noProcesses(t)
}

// Beside a running hooktop, its policy is what is measured.
func TestBenchOfARunningPolicy(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	policy := write(t, "policy", "deny in tcp to any port 23\n")
	s := open(t, ns, 160, 40, []string{"XDG_STATE_HOME=" + t.TempDir()}, "--no-config", "-i", "up0", "--lease", "60s", "--policy", policy)
	s.until("the trial", func(text string) bool { return strings.Contains(text, "TRIAL") })
	var o benched
	got := execute(t, ns, nil, "bench", "--for", "1ms", "--json")
	if err := json.Unmarshal([]byte(got.out), &o); err != nil || got.code != 0 || o.Policy.From != "running" || o.Policy.Generation == 0 || !o.Policy.Trial || o.Policy.Rules != 1 {
		t.Errorf("%v, code %d, %+v, %s", err, got.code, o.Policy, got.err)
	}
	s.keys(ctrlC)
	s.until("the question: nobody kept the trial", func(text string) bool { return strings.Contains(text, "quitting takes it back") })
	s.keys("y")
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d; the screen:\n%s", code, s.text())
	}
	s.restored()
	noProcesses(t)
}

// The review of a draft has it measured on a key, beside what decides now.
func TestTheReviewMeasuresADraft(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	s := open(t, ns, 160, 50, []string{"XDG_STATE_HOME=" + t.TempDir()}, "--no-config", "-i", "up0")
	s.until("the screen", func(text string) bool { return has(text, "1 Flows", "LIVE") })
	s.keys("2")
	s.until("the policy", func(text string) bool { return strings.Contains(text, "[2 ACL]") })
	s.keys("a")
	s.until("the editor", func(text string) bool { return strings.Contains(text, "new line 1") })
	s.keys("deny in tcp to any port 23\r")
	s.until("the staged line", func(text string) bool { return strings.Contains(text, "staged +1 new") })
	s.keys("C")
	s.until("the review", func(text string) bool { return strings.Contains(text, "IMPACT on live flows") })
	s.keys("m")
	s.until("figures of the draft", func(text string) bool {
		return has(text, "ns a packet up to", "xdp  classification        -", "tc   flow hit", "tunnel strip: no line")
	})
	s.keys(ctrlC)
	s.until("the policy again", func(text string) bool { return !strings.Contains(text, "IMPACT on live flows") })
	s.keys(ctrlC)
	s.until("the question: the draft stays", func(text string) bool { return strings.Contains(text, "stay on disk as draft") })
	s.keys("y")
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d; the screen:\n%s", code, s.text())
	}
	s.restored()
	noProcesses(t)
}
