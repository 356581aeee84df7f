// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"hooktop/probes/ktest"
)

// gate is a namespace behind up0 that takes datagrams from its neighbour.
type gate struct {
	t  *testing.T
	ns *ktest.NS
	in *net.UDPConn
	to net.Conn
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{t: t, ns: ktest.NewNS(t)}
	there := ktest.NewNS(t)
	ktest.Veth(t, g.ns, "up0", there, "up1")
	g.ns.Addr(t, "up0", "192.0.2.1/24")
	there.Addr(t, "up1", "192.0.2.2/24")
	g.ns.Do(t, func() (err error) {
		g.in, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4000})
		return err
	})
	there.Do(t, func() (err error) { g.to, err = net.Dial("udp4", "192.0.2.1:4000"); return err })
	t.Cleanup(func() { g.in.Close(); g.to.Close() })
	return g
}

// open reports whether a datagram gets in.
func (g *gate) open() bool {
	g.t.Helper()
	if _, err := g.to.Write([]byte("x")); err != nil {
		g.t.Fatal(err)
	}
	if err := g.in.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		g.t.Fatal(err)
	}
	var b [8]byte
	_, err := g.in.Read(b[:])
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		g.t.Fatal(err)
	}
	return err == nil
}

// waitUntilIt waits until datagrams get in, or do not.
func (g *gate) waitUntilIt(opens bool) {
	g.t.Helper()
	late := time.After(patience)
	for g.open() != opens {
		select {
		case <-late:
			g.t.Fatalf("datagrams get in: %v", !opens)
		default:
		}
	}
}

// A policy that drops everything, without a guard, of a hooktop that hangs: the command that its screen names is all that it takes,
// without a home, a configuration or a terminal.
func TestTheCommandOnTheScreenEndsAll(t *testing.T) {
	g := newGate(t)
	ktest.HostState(t)
	g.ns.NetState(t)
	all := write(t, "policy", "default in deny\ndefault out deny\n")
	for i := range ktest.Rounds(t, 2) {
		tcx := []string{"--no-tcx", "--no-config"}[i%2]
		s := open(t, g.ns, 120, 40, nil, "--no-config", tcx, "-i", "up0", "--no-guard", "--lease", "60s", "--policy", all)
		s.shows("1 Flows", "TRIAL")
		g.waitUntilIt(false)
		command := regexp.MustCompile("`hooktop ([^`]*)`")
		s.keys("!") // attached, and warnings
		text := s.until("the command for emergencies", command.MatchString)
		if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		words := strings.Fields(command.FindStringSubmatch(text)[1])
		began := time.Now()
		r := execute(t, g.ns, func(c *exec.Cmd) { c.Env = []string{} }, words...)
		took := time.Since(began)
		if r.code != 0 {
			t.Fatalf("hooktop %v: exit code %d, %s %s", words, r.code, r.out, r.err)
		}
		g.waitUntilIt(true) // ARP, which was dropped too, tries again after a second
		t.Logf("hooktop %s: %s", strings.Join(words, " "), took.Round(time.Millisecond))
		if ktest.Full() && took > time.Second {
			t.Errorf("hooktop %v took %s", words, took)
		}
		s.end()
		s.restored()
		noProcesses(t)
		nothingInRun(t, g.ns, s.cmd.Process.Pid)
		s.close()
	}
}

// A trial that cuts the session whose terminal hooktop draws on: nobody reads what it writes any more. The lease ends all the same, it is
// written down, and the program ends when it is told to.
func TestALeaseEndsWhileTheTerminalIsBlocked(t *testing.T) {
	const lease = 5 * time.Second
	g := newGate(t)
	ktest.HostState(t)
	g.ns.NetState(t)
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatalf("open pty: %v", err)
	}
	defer master.Close()
	defer slave.Close()
	if err := pty.Setsize(master, &pty.Winsize{Cols: 200, Rows: 60}); err != nil {
		t.Fatalf("size pty: %v", err)
	}
	state := t.TempDir()
	cmd := exec.Command(binary(t), "--no-config", "-i", "up0", "--hz", "10", "--no-guard", "--lease", lease.String(), "--policy", write(t, "policy", "default in deny\n"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.Env = environment(t, "XDG_STATE_HOME="+state)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := g.ns.Run(cmd.Start); err != nil {
		t.Fatalf("start: %v", err)
	}
	endsWith(t, cmd)
	type line struct {
		At   time.Time
		What string
	}
	var lines []line
	audited := func() bool {
		text, _ := os.ReadFile(filepath.Join(state, "hooktop", "audit.jsonl")) // written a moment later
		lines = nil
		for _, one := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			var l line
			if json.Unmarshal([]byte(one), &l) == nil {
				lines = append(lines, l)
			}
		}
		return len(lines) == 2
	}
	// Who stood still for as long as the lease sees nothing of it but in the log.
	waitUntil(t, "the policy", func() bool { return !g.open() || audited() })
	g.waitUntilIt(true)
	waitUntil(t, "the end of the lease in the audit log", audited)
	if lines[0].What != "commit" || lines[1].What != "lease over" {
		t.Fatalf("audit: %+v", lines)
	}
	took := lines[1].At.Sub(lines[0].At)
	t.Logf("a lease of %s, over after %s", lease, took)
	if ktest.Full() {
		if late := took - lease; late < -200*time.Millisecond || late > 200*time.Millisecond {
			t.Errorf("the lease was over %s late", late)
		}
		<-time.After(10 * time.Minute) // blocked for long
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(patience, func() { _ = cmd.Process.Signal(syscall.SIGABRT) })
	_ = cmd.Wait() // its code says nothing about a terminal that was given up
	if !kill.Stop() {
		t.Fatal("it hung on the terminal")
	}
	noProcesses(t)
	nothingInRun(t, g.ns, cmd.Process.Pid)
}
