// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hooktop/probes/guard"
	"hooktop/probes/ktest"
)

// Bad input and poor places: one clear line, the right exit code, nothing left behind.
func TestBadInputIsOneClearLine(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	dir := t.TempDir()
	garbage := filepath.Join(dir, "theme.toml")
	if err := os.WriteFile(garbage, []byte("\x00\x1b[2J not a theme"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, args string
		code       int
		words      string
	}{
		{"unknown interface", "--once -i eth77", 1, `interface "eth77": no such device: `},
		{"unknown interface of check", "check -i eth77", 1, "no such device"},
		{"missing theme", "--once --theme " + dir + "/none.toml", 1, "none.toml"},
		{"a folder as theme", "--once --theme " + dir + "/", 1, "theme"},
		{"garbage as theme", "--once --theme " + garbage, 1, "theme.toml"},
		{"missing config", "--once --config " + dir + "/none.toml", 1, "no such file"},
		{"unknown flag", "--nosuch", 2, "unknown flag: --nosuch"},
		{"unknown command", "labs", 2, `unknown command "labs": did you mean hooktop lab?`},
		{"bad mode", "--once --mode fast", 2, "unknown mode"},
		{"bad time", "--once --for soon", 2, "--for"},
		{"missing file", "pcap " + dir + "/none.pcap", 1, "no such file or directory"},
		{"not a capture", "pcap " + garbage, 1, "pcap"},
		{"empty interface", "--once --interface=", 2, "--interface is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := execute(t, ns, nil, append(strings.Fields(c.args), noConfig(c.args)...)...)
			if got.code != c.code || !strings.Contains(got.err, c.words) {
				t.Errorf("exit code %d, stderr %q; want %d and %q", got.code, got.err, c.code, c.words)
			}
			if !strings.HasPrefix(got.err, "hooktop: ") || strings.Count(got.err, "\n") != 1 || strings.ContainsRune(got.err, '\x1b') {
				t.Errorf("stderr is not one clean line: %q", got.err)
			}
			if got.out != "" {
				t.Errorf("stdout of a failure: %q", got.out)
			}
		})
	}
	noProcesses(t)
}

func noConfig(args string) []string {
	if strings.HasPrefix(args, "--once") && !strings.Contains(args, "--config") {
		return []string{"--no-config"}
	}
	return nil
}

func nobody(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, Groups: []uint32{}}}
	cmd.Dir = "/"
	cmd.Env = append(cmd.Env, "HOME=/root") // as su and setpriv leave it
}

// Without any privilege there is a read-only view and the reason, or one line.
func TestWithoutPrivilege(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	if err := os.MkdirAll(guard.Dir, 0o700); err != nil { // as another hooktop leaves it: what root keeps there is no reason to fail
		t.Fatal(err)
	}
	got := execute(t, ns, nobody, "--once", "--for", "300ms", "--json")
	if got.code != 3 || !strings.Contains(got.err, "nothing could attach") || !has(got.err, "CAP_") {
		t.Errorf("--once: exit code %d, stderr %q", got.code, got.err)
	}
	if s := parse(t, got.out); len(s.Programs) > 0 && s.Programs[0].State == "attached" {
		t.Errorf("programs %+v without privilege", s.Programs)
	}
	got = execute(t, ns, nobody, "lab", "--once", "--json")
	if got.code != 1 || strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, "root") {
		t.Errorf("lab: exit code %d, stderr %q", got.code, got.err)
	}
	if got = execute(t, ns, nobody, "check", "--json"); got.code != 3 || !strings.Contains(got.out, "CAP_") {
		t.Errorf("check: exit code %d, stdout %q, stderr %q", got.code, got.out, got.err)
	}
	s := open(t, ns, 80, 24, nil, "--no-config", "-i", "up0")
	s.shows("1 Flows", "LIVE") // as root, for comparison: the same place works
	s.keys("q")
	s.end()
	noProcesses(t)
}

// Where no screen can be drawn there is a table, and stderr says why.
func TestPlacesWithoutAScreen(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	got := execute(t, ns, nil, "--for=300ms", "--once", "--no-config", "-i", "up0")
	if got.code != 0 || !has(got.out, "DEVICE", "up0") || got.err != "" {
		t.Errorf("--once: exit code %d, stdout %q, stderr %q", got.code, got.out, got.err)
	}
	got = execute(t, ns, nil, "--no-config", "-i", "up0")
	if got.code != 0 || !has(got.out, "DEVICE", "up0") || !has(got.err, "not a terminal", "--once") {
		t.Errorf("no terminal: exit code %d, stdout %q, stderr %q", got.code, got.out, got.err)
	}
	s := open(t, ns, 80, 24, []string{"TERM=dumb"}, "--no-config", "-i", "up0")
	if code := s.end(); code != 0 {
		t.Errorf("TERM=dumb: exit code %d", code)
	}
	s.shows("TERM=dumb", "--once", "up0")
	if strings.Contains(strings.ReplaceAll(string(s.raw), endMark, ""), "\x1b") {
		t.Errorf("TERM=dumb: escape sequences in %q", s.raw)
	}
	s.restored()
	noProcesses(t)
}

func TestATinyTerminalIsUsable(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	s := open(t, ns, 20, 5, nil, "--no-config", "-i", "up0")
	s.until("words on 20x5", func(text string) bool { return strings.TrimSpace(text) != "" && s.modesOn() })
	s.keys("q")
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d; the screen:\n%s", code, s.text())
	}
	s.restored()
	noProcesses(t)
}

// modesOn says whether the program has taken the screen. The lock is held by until.
func (s *screen) modesOn() bool { return s.emu.IsAltScreen() }
