// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/nl"
	"hooktop/probes"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// childEnv makes the test binary a hooktop without a screen: its value is the folder that it writes to.
const childEnv = "HOOKTOP_TEST_ENFORCE"

func TestMain(m *testing.M) {
	dir := os.Getenv(childEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := dashboard(dir); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// cutLease is the shortest lease that leaves time to stop the process and to look.
const cutLease = 2 * time.Second

// dashboard attaches, commits what standard input says, a line, and goes on until that ends.
func dashboard(dir string) error {
	host, err := nl.Open()
	if err != nil {
		return err
	}
	s, err := New(Options{NoGuard: true, Audit: filepath.Join(dir, "audit"), Draft: filepath.Join(dir, "draft"), Door: filepath.Join(dir, "door")})
	if err != nil {
		return err
	}
	ctx := context.Background()
	e := probes.New(probes.Config{Interfaces: []string{"v0"}, NoTrace: true, Hz: 10, Policy: OnKern{s}}, host)
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	f, err := e.Started(ctx)
	if err != nil {
		return err
	}
	<-s.Looked()
	fmt.Println("ready", strings.Join(f.State.WaysIn, ", "))
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		text := in.Text() + "\n"
		a := e.Do(ctx, snap.Intent{Kind: snap.StagePolicy, Policy: snap.PolicyWish{Seq: 1, Text: text}})
		if a.Err == "" {
			a = e.Do(ctx, snap.Intent{Kind: snap.CommitPolicy, Policy: snap.PolicyWish{Seq: 1, Lease: cutLease}})
			fmt.Println("without the name:", a.Err)
			a = e.Do(ctx, snap.Intent{Kind: snap.CommitPolicy, Policy: snap.PolicyWish{Seq: 1, Lease: cutLease, Host: s.opt.Host}})
		}
		fmt.Println("committed", a.Err)
	}
	e.Close()
	return errors.Join(<-done, host.Close())
}

// gate is a host with a real sshd and a hooktop, desk is where the operator sits.
type gate struct {
	t    *testing.T
	dir  string
	desk *ktest.NS
}

const (
	gateAddr = "10.9.0.1"
	sshPort  = "2222"
)

func newGate(t *testing.T) *gate {
	g := &gate{t: t, dir: t.TempDir(), desk: ktest.NewNS(t)}
	here := ktest.OpenNS(t, "/proc/self/ns/net")
	ktest.Veth(t, here, "v0", g.desk, "v0")
	here.Addr(t, "v0", gateAddr+"/24")
	g.desk.Addr(t, "v0", "10.9.0.2/24")
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil { // for /run/sshd, gone with the test
		t.Fatal(err)
	}
	if err := os.Mkdir("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(g.dir, key)).CombinedOutput(); err != nil {
			t.Fatalf("make %s key: %v\n%s", key, err, out)
		}
	}
	config := filepath.Join(g.dir, "config")
	text := fmt.Sprintf("Port %s\nListenAddress %s\nHostKey %s/host\nAuthorizedKeysFile %s/user.pub\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"+
		"PidFile none\nUseDNS no\nPrintMotd no\n", sshPort, gateAddr, g.dir, g.dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", config)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start sshd (apt-get install openssh-server): %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // killed: its exit status says so
	lines := bufio.NewReader(log)
	g.await(lines, "Server listening")
	go func() { _, _ = io.Copy(io.Discard, lines) }() // ends with sshd
	return g
}

// await reads up to a line that holds words.
func (g *gate) await(r *bufio.Reader, words string) string {
	g.t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			g.t.Fatalf("no line with %q: %v %s", words, err, line)
		}
		if strings.Contains(line, words) {
			return line
		}
	}
}

// process is a program that talks by lines.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (g *gate) start(cmd *exec.Cmd, run func() error) *process {
	g.t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		g.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		g.t.Fatal(err)
	}
	if err := run(); err != nil {
		g.t.Fatal(err)
	}
	return &process{cmd, in, bufio.NewReader(out)}
}

func (g *gate) ssh(command string) *exec.Cmd {
	return exec.Command("ssh", "-F", "none", "-i", filepath.Join(g.dir, "user"), "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-p", sshPort, "root@"+gateAddr, command)
}

// dial tries to get in from the desk, and waits so long.
func (g *gate) dial(wait time.Duration) error {
	return g.desk.Run(func() error {
		c, err := net.DialTimeout("tcp4", net.JoinHostPort(gateAddr, sshPort), wait)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// A commit that cuts the operator's way in, with the guard off and the process stopped at once: the kernel ends the lease,
// new sessions get in and the old one goes on.
func TestLeaseSavesTheSession(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	g := newGate(t)
	old := g.ssh("echo ready; cat")
	session := g.start(old, func() error { return g.desk.Run(old.Start) })
	g.await(session.out, "ready")

	child := exec.Command("/proc/self/exe")
	child.Env = append(os.Environ(), childEnv+"="+g.dir)
	child.Stderr = os.Stderr
	hooktop := g.start(child, child.Start)
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() }) // it has ended, unless the test failed
	t.Log(g.await(hooktop.out, "ready"))
	fmt.Fprintf(hooktop.in, "deny in tcp to any port %s\n", sshPort)
	if line := g.await(hooktop.out, "without the name"); !strings.Contains(line, "cuts a way in") {
		t.Fatalf("a cut was not refused: %s", line)
	}
	if line := g.await(hooktop.out, "committed"); strings.TrimSpace(line) != "committed" {
		t.Fatal(line)
	}
	if err := child.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := g.dial(300 * time.Millisecond); err == nil {
		t.Fatal("the commit did not cut the way in: nothing is shown")
	}
	fmt.Fprintln(session.in, "still there")
	for tries := 1; ; tries++ {
		if err := g.dial(100 * time.Millisecond); err == nil {
			t.Logf("a new connection gets in %s after the commit with a lease of %s, at try %d", time.Since(began).Round(time.Millisecond), cutLease, tries)
			break
		}
		if time.Since(began) > cutLease+10*time.Second {
			t.Fatal("nobody gets in any more")
		}
	}
	fresh := g.ssh("echo in")
	var out []byte
	g.desk.Do(t, func() (err error) { out, err = fresh.Output(); return err })
	t.Logf("a new session says %q %s after the commit", out, time.Since(began).Round(time.Millisecond))
	g.await(session.out, "still there")
	t.Logf("the old session goes on %s after the commit", time.Since(began).Round(time.Millisecond))

	if err := child.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	hooktop.in.Close()
	if err := child.Wait(); err != nil {
		t.Fatalf("hooktop: %v", err)
	}
	session.in.Close()
	if err := old.Wait(); err != nil {
		t.Errorf("the old session: %v", err)
	}
	if audit := readFile(t, filepath.Join(g.dir, "audit")); !strings.Contains(audit, `"what":"commit"`) || !strings.Contains(audit, "lease over") && !strings.Contains(audit, `"restore"`) {
		t.Errorf("audit: %s", audit)
	}
}
