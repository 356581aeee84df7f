// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// SSHD is a real sshd with keys of its own, which takes root's logins with them. It ends with the test.
type SSHD struct {
	Addr netip.AddrPort // where it listens
	Dir  string         // its keys and configuration; goes with the test
}

// privsepDir is what sshd wants to exist and to be empty. It is a part of the binary.
const privsepDir = "/run/sshd"

// StartSSHD starts an sshd on addr in the namespace, nil: the caller's, and returns when it listens.
func StartSSHD(t testing.TB, n *NS, addr string) *SSHD {
	t.Helper()
	s := &SSHD{Dir: t.TempDir()}
	switch err := os.Mkdir(privsepDir, 0o755); {
	case err == nil:
		t.Cleanup(func() { _ = os.Remove(privsepDir) }) // another sshd may have taken it into use
	case !errors.Is(err, os.ErrExist):
		t.Fatalf("make sshd's folder: %v", err)
	}
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(s.Dir, key)).CombinedOutput(); err != nil {
			t.Fatalf("make %s key: %v\n%s", key, err, out)
		}
	}
	var l net.Listener
	if err := n.run(func() (err error) { l, err = net.Listen("tcp", net.JoinHostPort(addr, "0")); return err }); err != nil {
		t.Fatalf("find a port: %v", err)
	}
	s.Addr = l.Addr().(*net.TCPAddr).AddrPort() // nobody else is in this namespace to take it
	l.Close()
	config := fmt.Sprintf("Port %d\nListenAddress %s\nHostKey %s/host\nAuthorizedKeysFile %[3]s/user.pub\nStrictModes no\nUsePAM no\n"+
		"PermitRootLogin yes\nPidFile none\nUseDNS no\nPrintMotd no\n", s.Addr.Port(), s.Addr.Addr(), s.Dir)
	if err := os.WriteFile(filepath.Join(s.Dir, "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.listen(t, n)
	return s
}

// listen starts the server and waits until it says that it listens.
func (s *SSHD) listen(t testing.TB, n *NS) {
	t.Helper()
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(s.Dir, "config"))
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.run(cmd.Start); err != nil {
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
}

// run is Run, or a plain call without a namespace.
func (n *NS) run(f func() error) error {
	if n == nil {
		return f()
	}
	return n.Run(f)
}

// Command makes a client that runs a command there. To be started where the client is: NS.Run(cmd.Start).
func (s *SSHD) Command(tty bool, command string) *exec.Cmd {
	args := []string{"-F", "none", "-i", filepath.Join(s.Dir, "user"), "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-p", fmt.Sprint(s.Addr.Port())}
	if tty {
		args = append(args, "-tt")
	}
	return exec.Command("ssh", append(args, "root@"+s.Addr.Addr().String(), command)...)
}

// Login is a session that gives back each line that it is sent: it shows whether a connection lives.
type Login struct {
	Heard <-chan string // lines that came back, without their ends; closed with the session
	in    io.WriteCloser
}

// Hold opens a session from a namespace, nil: the caller's, that lasts until the test ends, and fails the test when it does not.
func (s *SSHD) Hold(t testing.TB, from *NS) *Login {
	t.Helper()
	cmd := s.Command(false, "echo ready; cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := from.run(cmd.Start); err != nil {
		t.Fatalf("hold a session: %v", err)
	}
	heard := make(chan string, 64)
	ended := make(chan struct{})
	go func() { // ends with the session
		defer close(ended)
		defer close(heard)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			heard <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		in.Close()
		late := time.AfterFunc(Patience, func() { _ = cmd.Process.Kill() }) // Wait tells
		defer late.Stop()
		for range heard { // what the test did not ask for
		}
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("the held session: %v: %s", err, said.String())
		}
	})
	l := &Login{Heard: heard, in: in}
	l.Expect(t, "ready")
	return l
}

// Say sends a line; a connection that is cut gives it back later.
func (l *Login) Say(t testing.TB, line string) {
	t.Helper()
	if _, err := io.WriteString(l.in, line+"\n"); err != nil {
		t.Fatalf("say %q in a session: %v", line, err)
	}
}

// Expect waits for a line and says when it came.
func (l *Login) Expect(t testing.TB, want string) time.Time {
	t.Helper()
	select {
	case line, ok := <-l.Heard:
		if !ok || line != want {
			t.Fatalf("the session gave back %q (open: %v), want %q", line, ok, want)
		}
	case <-time.After(Patience):
		t.Fatalf("the session did not give back %q within %v", want, Patience)
	}
	return time.Now()
}

// tryFor bounds one try of a new connection: a SYN that is dropped is sent again after a second only, and would hide when
// the way was open.
const tryFor = 50 * time.Millisecond

// Admits tries once whether a new connection from the namespace gets as far as sshd's greeting.
func (s *SSHD) Admits(from *NS) bool {
	return s.connect(from, func(fd int) error {
		limit := unix.NsecToTimeval(time.Second.Nanoseconds()) // sshd forks first
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
			return err
		}
		var hello [4]byte
		if n, err := unix.Read(fd, hello[:]); err != nil || string(hello[:n]) != "SSH-" {
			return errors.Join(err, syscall.EPROTO)
		}
		return nil
	}) == nil
}

// Answers tries once whether the kernel takes a new connection from the namespace: sshd may be as slow as it likes.
func (s *SSHD) Answers(from *NS) bool { return s.connect(from, func(int) error { return nil }) == nil }

// connect calls then with a new connection.
func (s *SSHD) connect(from *NS, then func(fd int) error) error {
	return from.run(func() error {
		family, sa := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(s.Addr.Port()), Addr: s.Addr.Addr().As16()})
		if a := s.Addr.Addr(); a.Is4() {
			family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: int(s.Addr.Port()), Addr: a.As4()}
		}
		// By hand: a dial with a deadline may open its socket on another thread, and so in another namespace.
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		limit := unix.NsecToTimeval(tryFor.Nanoseconds())
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil { // bounds connect, too (socket(7))
			return err
		}
		if err := unix.Connect(fd, sa); err != nil {
			return err
		}
		return then(fd)
	})
}

// Admitted waits until a new connection gets in, and says when it did.
func (s *SSHD) Admitted(t testing.TB, from *NS) time.Time {
	t.Helper()
	late := time.After(Patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !s.Admits(from) {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("no new connection to %s got in within %v", s.Addr, Patience)
		}
	}
	return time.Now()
}
