// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
	"hooktop/probes/procfs"
)

// childEnv tells the test binary to look for its ways in, to print them as JSON, and to end.
const childEnv = "HOOKTOP_TEST_WAYIN"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	f := New(Options{Sockets: procfs.NewReader("").NetSockets})
	if err := f.Refresh(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(report{f.Now(), os.Getenv("SSH_CONNECTION") != ""}); err != nil {
		os.Exit(1)
	}
}

// report is what the child prints.
type report struct {
	Way   *WayIn
	Knows bool // its own environment has SSH_CONNECTION
}

// server is an sshd inside the test's namespaces.
type server struct {
	*ktest.SSHD
	t   *testing.T
	bin string
}

// startSSHD starts a real sshd on the loopback.
func startSSHD(t *testing.T) *server {
	t.Helper()
	bin, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil { // for sshd's folder, gone with the test
		t.Fatalf("mount /run: %v", err)
	}
	return &server{SSHD: ktest.StartSSHD(t, nil, "127.0.0.1"), t: t, bin: bin}
}

// run runs a command to its end and returns its output.
func (s *server) run(command string) []byte {
	s.t.Helper()
	out, err := s.Command(false, command).CombinedOutput()
	if err != nil {
		s.t.Fatalf("ssh %q: %v\n%s", command, err, out)
	}
	return out
}

// hold opens a session that lasts until the test ends: somebody else's.
func (s *server) hold() {
	s.t.Helper()
	s.Hold(s.t, nil)
}

// one checks that exactly one of the sessions there was proven to be the process's own.
func (s *server) one(name string, out []byte, sessions int, knows bool, why string) {
	s.t.Helper()
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
	w := r.Way
	s.t.Logf("%s: %s", name, strings.Join(w.Lines(), "\n\t"))
	if !w.Proven || len(w.Own) != 1 || len(w.Established) != sessions || w.NoRemote || r.Knows != knows || !strings.Contains(w.Why, why) {
		s.t.Errorf("%s: proven %v, own %v of %v, SSH_CONNECTION known %v, because %q; want one of %d, because of %q",
			name, w.Proven, w.Own, w.Established, r.Knows, w.Why, sessions, why)
		return
	}
	if own := w.Own[0]; own.Local.Port() != s.Addr.Port() || own.Local.Addr().String() != "127.0.0.1" {
		s.t.Errorf("%s: own session is %v", name, own)
	}
	if len(w.Listeners) != 1 || w.Listeners[0].Port() != s.Addr.Port() || len(w.Peers) != 1 {
		s.t.Errorf("%s: listeners %v, peers %v", name, w.Listeners, w.Peers)
	}
}

// The own session behind a real sshd, among others, however much of the environment is lost.
func TestRealSSHD(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	// Before there is anything: nothing to protect.
	f := New(Options{Sockets: procfs.NewReader("").NetSockets})
	if err := f.Refresh(); err != nil {
		t.Fatal(err)
	}
	if !f.Now().NoRemote {
		t.Errorf("without sshd: %v", f.Now().Lines())
	}
	s := startSSHD(t)
	s.hold()
	s.one("plain", s.run(childEnv+"=1 "+s.bin), 2, true, "SSH_CONNECTION of ")
	// sudo and su clear the environment; the shell in between is there, as it is with them.
	s.one("cleared", s.run("env -i sh -c 'env -i "+childEnv+"=1 "+s.bin+"; true'"), 2, false, "a parent of this process")
	// A process of ours that sshd is no parent of: all sessions count, and that is said.
	if err := f.Refresh(); err != nil {
		t.Fatal(err)
	}
	if w := f.Now(); w.Proven || len(w.Own) != 1 || !strings.Contains(w.Why, "PID namespace") {
		t.Errorf("outside of sessions: %v", w.Lines())
	}
}

// tmux started in one session, attached from another: its server is nobody's child, and its environment is the old one.
func TestRealTmux(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	s := startSSHD(t)
	s.hold()
	clean := "env -i TERM=xterm LANG=C.UTF-8 PATH=$PATH TMUX_TMPDIR=" + s.Dir + " tmux -f /dev/null "
	s.run(clean + "new-session -d -s work cat")
	result := filepath.Join(s.Dir, "result")
	inside := fmt.Sprintf("%s=1 %s > %s 2>&1; tmux kill-server", childEnv, s.bin, result)
	cmd := s.Command(true, clean+"attach -t work ';' new-window '"+inside+"'")
	in, err := cmd.StdinPipe() // open, so that the terminal stays
	if err != nil {
		t.Fatal(err)
	}
	var screen bytes.Buffer
	cmd.Stdout, cmd.Stderr = &screen, &screen
	if err := cmd.Run(); err != nil {
		t.Logf("tmux's client was told: %v", err) // its server was killed
	}
	in.Close()
	out, err := os.ReadFile(result)
	if err != nil {
		t.Fatalf("%v\n%q", err, screen.String())
	}
	s.one("tmux", out, 2, false, "a parent of the tmux client")
}
