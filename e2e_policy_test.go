// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hooktop/probes/ktest"
)

// write makes a file of the test's.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPolicyOfTheLaunch(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	state, events := t.TempDir(), filepath.Join(t.TempDir(), "events.jsonl")
	policy := write(t, "policy", "default in deny\nallow in tcp to any port 22\ncount out udp\n")
	r := execute(t, ns, func(c *exec.Cmd) { c.Env = append(c.Env, "XDG_STATE_HOME="+state) },
		"--once", "--for", "200ms", "--json", "--no-config", "-i", "up0", "--lease", "20s", "--policy", policy, "--events", events)
	if code := regexp.MustCompile(`hooktop keep [a-z0-9]{6}`).FindString(r.out + r.err); code != "" {
		t.Errorf("the code of the trial is told: %s", code)
	}
	var shot struct {
		Interfaces []struct {
			Generation uint32
			LeaseS     float64 `json:"lease_s"`
		}
		ACL struct {
			Default, Why string
			Kept         uint32
			Rules        []struct {
				Line int
				Text string
			}
			Guard []struct{ Text string }
		}
	}
	if err := json.Unmarshal([]byte(r.out), &shot); r.code != 0 || err != nil {
		t.Fatalf("exit code %d, %v: %s %s", r.code, err, r.out, r.err)
	}
	if a := shot.ACL; a.Default != "deny" || a.Kept != 0 || a.Why != "" || len(a.Rules) != 2 || a.Rules[0].Line != 2 || len(a.Guard) == 0 {
		t.Errorf("acl: %+v", a)
	}
	if i := shot.Interfaces; len(i) != 1 || i[0].Generation == 0 || i[0].LeaseS <= 0 || i[0].LeaseS > 20 {
		t.Errorf("interfaces: %+v", i)
	}
	for _, path := range []string{events, filepath.Join(state, "hooktop", "audit.jsonl")} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], `"what":"commit"`) || !strings.Contains(lines[1], `"what":"restore"`) {
			t.Errorf("%s: %s", path, text)
		}
	}
}

func TestBadPolicyCostsNothing(t *testing.T) {
	bad := write(t, "policy", "deny in udp\ndeny in tcp to any port 8000-80\n")
	r := execute(t, nil, nil, "--once", "--no-config", "--policy", bad)
	if r.code != 2 || !strings.Contains(r.err, "line 2, column") || r.out != "" || strings.Count(r.err, "\n") != 1 {
		t.Errorf("exit code %d, %q, %q", r.code, r.out, r.err)
	}
	if r := execute(t, nil, nil, "--once", "--no-config", "--policy", bad+".gone"); r.code != 1 || !strings.Contains(r.err, "no such file") {
		t.Errorf("exit code %d, %q", r.code, r.err)
	}
	if r := execute(t, nil, nil, "--once", "--no-config", "--lease", "2m"); r.code != 2 || !strings.Contains(r.err, "1s to 60s") {
		t.Errorf("exit code %d, %q", r.code, r.err)
	}
}

// The whole way by the binary alone: a launch with a policy, a fresh login that keeps it, an end that leaves nothing.
func TestKeepOfARunningTrial(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	state := t.TempDir()
	policy := write(t, "policy", "deny in tcp to any port 23\n")
	s := open(t, ns, 160, 40, []string{"XDG_STATE_HOME=" + state}, "--no-config", "-i", "up0", "--lease", "60s", "--policy", policy)
	code := regexp.MustCompile(`hooktop keep ([a-z0-9]{6})`)
	text := s.until("the code of the trial", func(text string) bool {
		if code.MatchString(text) {
			return true
		}
		s.keys("!") // attached, and warnings
		return false
	})
	if r := execute(t, ns, nil, "keep", "zzzzzz"); r.code != 1 || !strings.Contains(r.err, "not the code") {
		t.Errorf("a wrong code: %d %q %q", r.code, r.out, r.err)
	}
	r := execute(t, ns, nil, "keep", code.FindStringSubmatch(text)[1])
	if r.code != 0 || !strings.Contains(r.out, "is kept") {
		t.Errorf("keep: %d %q %q", r.code, r.out, r.err)
	}
	if r := execute(t, ns, nil, "keep", code.FindStringSubmatch(text)[1]); r.code != 1 || !strings.Contains(r.err, "no trial is running") {
		t.Errorf("keep again: %d %q %q", r.code, r.out, r.err)
	}
	pid := s.cmd.Process.Pid
	s.until("no trial on the screen", func(text string) bool { return !strings.Contains(text, "TRIAL") })
	s.keys(ctrlC)
	s.until("the question: what is kept ends with hooktop", func(text string) bool { return strings.Contains(text, "quitting ends v1") })
	s.keys("y")
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d; the screen:\n%s", code, s.text())
	}
	s.restored()
	nothingInRun(t, ns, pid)
	audit, err := os.ReadFile(filepath.Join(state, "hooktop", "audit.jsonl"))
	if err != nil || strings.Count(string(audit), "\n") != 2 || !strings.Contains(string(audit), `"what":"keep"`) {
		t.Errorf("audit: %s %v", audit, err)
	}
}

func TestKeepWithoutATrial(t *testing.T) {
	ns := ground(t)
	r := execute(t, ns, nil, "keep", "abcdef")
	if r.code != 1 || !strings.Contains(r.err, "no hooktop") || strings.Count(r.err, "\n") != 1 {
		t.Errorf("exit code %d, %q", r.code, r.err)
	}
	if r := execute(t, ns, nil, "keep"); r.code != 2 {
		t.Errorf("without a code: exit code %d, %q", r.code, r.err)
	}
}
