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
	"strconv"
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
		for err == nil && s.View(false).Trial.Gen != 0 { // of the commit before
			f, err = e.Next(ctx, f.Seq)
		}
		if err != nil {
			return err
		}
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

// cutting gives texts that cut a way in.
func cutting(n int) string {
	texts := []string{
		"deny in tcp to any port " + sshPort, "default in deny", "deny out tcp from any port " + sshPort, "deny from 10.9.0.0/24",
		"default out deny", "deny in tcp from 10.9.0.2 to " + gateAddr + " port 1-65535",
	}
	return texts[n%len(texts)]
}

// rounds is how many commits cut the way in: few here, hundreds in make test-faults.
func rounds(t *testing.T) int {
	text := os.Getenv("HOOKTOP_ROUNDS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("HOOKTOP_ROUNDS: %v", err)
	}
	return n
}

// Commits that cut the operator's way in, with the guard off and the process stopped at once: the kernel ends the lease, new
// sessions get in and the old one goes on.
func TestLeaseSavesTheSession(t *testing.T) {
	const batch = 10 // commits of one hooktop
	n := rounds(t)
	for first := 0; first < n; first += batch {
		t.Run(fmt.Sprintf("from%d", first), func(t *testing.T) {
			if ktest.Inside(t) {
				leaseSaves(t, first, min(n, first+batch))
			}
		})
	}
}

func leaseSaves(t *testing.T, first, end int) {
	g := newGate(t)
	old := g.ssh("echo ready; cat")
	session := g.start(old, func() error { return g.desk.Run(old.Start) })
	g.await(session.out, "ready")

	child := exec.Command("/proc/self/exe")
	child.Env = append(os.Environ(), childEnv+"="+g.dir)
	child.Stderr = os.Stderr
	hooktop := g.start(child, child.Start)
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() }) // it has ended, unless the test failed
	g.await(hooktop.out, "ready")
	for i := first; i < end; i++ {
		g.cut(hooktop, session, i)
	}
	hooktop.in.Close()
	if err := child.Wait(); err != nil {
		t.Fatalf("hooktop: %v", err)
	}
	session.in.Close()
	if err := old.Wait(); err != nil {
		t.Errorf("the old session: %v", err)
	}
	audit := readFile(t, filepath.Join(g.dir, "audit"))
	ends := strings.Count(audit, `"what":"lease over"`) + strings.Count(audit, `"what":"restore"`)
	if strings.Count(audit, `"what":"commit"`) != end-first || ends != end-first {
		t.Errorf("%d commits are not in the audit log with their ends: %s", end-first, audit)
	}
}

// cut commits a policy that cuts the way in, stops the process and waits until the desk gets in again.
func (g *gate) cut(hooktop, session *process, i int) {
	t := g.t
	t.Helper()
	fmt.Fprintln(hooktop.in, cutting(i))
	if line := g.await(hooktop.out, "without the name"); !strings.Contains(line, "cuts a way in") {
		t.Fatalf("%s: a cut was not refused: %s", cutting(i), line)
	}
	if line := g.await(hooktop.out, "committed"); strings.TrimSpace(line) != "committed" {
		t.Fatal(line)
	}
	if err := hooktop.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	since := func() time.Duration { return time.Since(began).Round(time.Millisecond) }
	if err := g.dial(300 * time.Millisecond); err == nil {
		t.Fatalf("%s: it did not cut the way in: nothing is shown", cutting(i))
	}
	word := fmt.Sprintf("still there %d", i)
	fmt.Fprintln(session.in, word)
	for g.dial(100*time.Millisecond) != nil {
		if since() > cutLease+10*time.Second {
			t.Fatalf("%s: nobody gets in any more", cutting(i))
		}
	}
	connected := since()
	fresh := g.ssh("echo in")
	g.desk.Do(t, func() error { _, err := fresh.Output(); return err })
	loggedIn := since()
	g.await(session.out, word)
	t.Logf("%-60s a lease of %s: a new connection after %s, a new session after %s, the old one goes on after %s", cutting(i), cutLease, connected, loggedIn, since())
	if err := hooktop.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
}
