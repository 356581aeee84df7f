// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
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
	t    *testing.T
	dir  string
	port int
	bin  string
}

// startSSHD makes keys and starts a real sshd on the loopback.
func startSSHD(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir()}
	var err error
	if s.bin, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil { // for /run/sshd, gone with the test
		t.Fatalf("mount /run: %v", err)
	}
	if err := os.Mkdir("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(s.dir, key)).CombinedOutput(); err != nil {
			t.Fatalf("make %s key: %v\n%s", key, err, out)
		}
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0") // a free port; nobody else is in this namespace
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	config := fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/user.pub\nStrictModes no\nUsePAM no\n"+
		"PermitRootLogin yes\nPidFile none\nUseDNS no\nPrintMotd no\n", s.port, s.dir, s.dir)
	if err := os.WriteFile(filepath.Join(s.dir, "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(s.dir, "config"))
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start sshd (apt-get install openssh-server): %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // killed: its exit status says so
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("sshd does not listen: %v %s", err, line)
		}
		if strings.Contains(line, "Server listening") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // ends with sshd
	return s
}

// ssh makes a client that runs a command there.
func (s *server) ssh(tty bool, command string) *exec.Cmd {
	args := []string{"-F", "none", "-i", filepath.Join(s.dir, "user"), "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-p", fmt.Sprint(s.port)}
	if tty {
		args = append(args, "-tt")
	}
	return exec.Command("ssh", append(args, "root@127.0.0.1", command)...)
}

// run runs a command to its end and returns its output.
func (s *server) run(command string) []byte {
	s.t.Helper()
	out, err := s.ssh(false, command).CombinedOutput()
	if err != nil {
		s.t.Fatalf("ssh %q: %v\n%s", command, err, out)
	}
	return out
}

// hold opens a session that lasts until the test ends: somebody else's.
func (s *server) hold() {
	s.t.Helper()
	cmd := s.ssh(false, "echo ready; cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		s.t.Fatalf("hold a session: %v %q", err, line)
	}
	s.t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			s.t.Errorf("the held session: %v", err)
		}
	})
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
	if own := w.Own[0]; int(own.Local.Port()) != s.port || own.Local.Addr().String() != "127.0.0.1" {
		s.t.Errorf("%s: own session is %v", name, own)
	}
	if len(w.Listeners) != 1 || int(w.Listeners[0].Port()) != s.port || len(w.Peers) != 1 {
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
	clean := "env -i TERM=xterm LANG=C.UTF-8 PATH=$PATH TMUX_TMPDIR=" + s.dir + " tmux -f /dev/null "
	s.run(clean + "new-session -d -s work cat")
	result := filepath.Join(s.dir, "result")
	inside := fmt.Sprintf("%s=1 %s > %s 2>&1; tmux kill-server", childEnv, s.bin, result)
	cmd := s.ssh(true, clean+"attach -t work ';' new-window '"+inside+"'")
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
