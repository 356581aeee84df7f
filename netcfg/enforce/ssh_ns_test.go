// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
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

// guardEnv leaves its guard on.
const guardEnv = "HOOKTOP_TEST_GUARD"

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

// dashboard attaches, commits what standard input says, a line with its line ends written as ";", and goes on until that
// ends. It says between which instants a lease began.
func dashboard(dir string) error {
	host, err := nl.Open()
	if err != nil {
		return err
	}
	s, err := New(Options{NoGuard: os.Getenv(guardEnv) == "", Audit: filepath.Join(dir, "audit"), Draft: filepath.Join(dir, "draft"), Door: filepath.Join(dir, "door")})
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
	for _, st := range f.Start {
		if strings.HasPrefix(st.Name, "pipeline") && st.Outcome != snap.Attached {
			return fmt.Errorf("start: %+v", st)
		}
	}
	fmt.Println("ready", strings.Join(f.State.WaysIn, ", "))
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		text := strings.ReplaceAll(in.Text(), ";", "\n") + "\n"
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
		}
		before := monotonic()
		if a.Err != "" {
			a = e.Do(ctx, snap.Intent{Kind: snap.CommitPolicy, Policy: snap.PolicyWish{Seq: 1, Lease: cutLease, Host: s.opt.Host}})
		}
		fmt.Println("committed", int64(before), int64(monotonic()), a.Err)
	}
	e.Close()
	return errors.Join(<-done, host.Close())
}

// monotonic is a clock that all processes share.
func monotonic() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // it is there
	return time.Duration(ts.Nano())
}

// process is a program that talks by lines.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// await reads up to a line that begins with words, and gives what follows them.
func (p *process) await(t *testing.T, words string) string {
	t.Helper()
	for {
		line, err := p.out.ReadString('\n')
		if err != nil {
			t.Fatalf("no line with %q: %v %s", words, err, line)
		}
		if rest, ok := strings.CutPrefix(line, words); ok {
			return strings.TrimSpace(rest)
		}
	}
}

// gate is a host with a real sshd and a hooktop, desk is where the operator sits.
type gate struct {
	t       *testing.T
	dir     string
	guard   bool
	desk    *ktest.NS
	sshd    *ktest.SSHD
	session *ktest.Login
	hooktop *process
}

const (
	gateAddr = "10.9.0.1"
	deskAddr = "10.9.0.2"
)

func newGate(t *testing.T, guard bool) *gate {
	g := &gate{t: t, dir: t.TempDir(), guard: guard, desk: ktest.NewNS(t)}
	here := ktest.OpenNS(t, "/proc/self/ns/net")
	ktest.Veth(t, here, "v0", g.desk, "v0")
	here.Addr(t, "v0", gateAddr+"/24")
	g.desk.Addr(t, "v0", deskAddr+"/24")
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil { // sshd's folder is not that of other tests
		t.Fatal(err)
	}
	g.sshd = ktest.StartSSHD(t, nil, gateAddr)
	g.session = g.sshd.Hold(t, g.desk)
	return g
}

// start starts a hooktop; one that the test leaves is killed at its end.
func (g *gate) start() {
	t := g.t
	t.Helper()
	p := &process{Cmd: exec.Command("/proc/self/exe")}
	p.Env = append(os.Environ(), childEnv+"="+g.dir)
	if g.guard {
		p.Env = append(p.Env, guardEnv+"=on")
	}
	p.Stderr = os.Stderr
	var err error
	if p.in, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() }) // it has ended, unless the test failed
	p.await(t, "ready")
	g.hooktop = p
}

// end ends hooktop as its operator would.
func (g *gate) end() {
	g.t.Helper()
	g.hooktop.in.Close()
	if err := g.hooktop.Wait(); err != nil {
		g.t.Fatalf("hooktop: %v", err)
	}
}

// window is a lease that cuts the way in: it began between two instants.
type window struct{ from, until time.Duration }

// left is how long the lease lasts yet at most; it is over for certain when that is not positive.
func (w window) left() time.Duration { return w.until + cutLease - monotonic() }

// commit commits a text. Whether it was refused without the host's name says that a way in would be cut.
func (g *gate) commit(text string) (w window, warned string) {
	t := g.t
	t.Helper()
	fmt.Fprintln(g.hooktop.in, strings.ReplaceAll(text, "\n", ";"))
	warned = g.hooktop.await(t, "without the name:")
	var failed string
	line := g.hooktop.await(t, "committed")
	if n, err := fmt.Sscan(line, &w.from, &w.until, &failed); n < 2 || failed != "" {
		t.Fatalf("commit %q: %s (%v)", text, line, err)
	}
	return w, warned
}

// signal sends one to hooktop.
func (g *gate) signal(sig unix.Signal) {
	g.t.Helper()
	if err := g.hooktop.Process.Signal(sig); err != nil {
		g.t.Fatal(err)
	}
}
