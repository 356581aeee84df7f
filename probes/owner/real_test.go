// SPDX-License-Identifier: Apache-2.0

package owner

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
	"hooktop/probes/procfs"
	"hooktop/probes/snap"
)

// childEnv tells the test binary to be a child: what it is to do.
const childEnv = "HOOKTOP_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(childEnv); what != "" {
		child(what)
		return
	}
	os.Exit(m.Run())
}

// child opens a socket, says where, takes one connection if it listens, and stays until its input ends.
func child(what string) {
	verb, network, address, peer := "", "", "", ""
	f := append(strings.Fields(what), "")
	verb, network, address, peer = f[0], f[1], f[2], f[3]
	var at net.Addr
	var keep any
	var err error
	switch verb {
	case "listen":
		var l net.Listener
		if l, err = net.Listen(network, address); err == nil {
			at, keep = l.Addr(), l
		}
	case "ask":
		ask(address)
		return
	case "bind":
		var c net.PacketConn
		if c, err = net.ListenPacket(network, address); err == nil {
			at, keep = c.LocalAddr(), c
		}
	case "dial":
		var c net.Conn
		var local net.Addr
		if network[:3] == "tcp" {
			local, err = net.ResolveTCPAddr(network, address)
		} else {
			local, err = net.ResolveUDPAddr(network, address)
		}
		if err == nil {
			if c, err = (&net.Dialer{LocalAddr: local}).Dial(network, peer); err == nil {
				at, keep = c.LocalAddr(), c
			}
		}
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println(at)
	_, _ = io.Copy(io.Discard, os.Stdin)
	if c, ok := keep.(io.Closer); ok {
		c.Close()
	}
}

// ask prints who owns a connection to an address, as seen from a PID namespace of its own.
func ask(address string) {
	fail := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	fail(unix.Mount("proc", "/proc", "proc", 0, ""))
	now := time.Now()
	x := New(Options{Sockets: procfs.NewReader("").NetSockets, Now: func() time.Time { return now }})
	for range 3 {
		now = now.Add(5 * time.Second)
		fail(x.Refresh())
	}
	at, err := netip.ParseAddrPort(address)
	fail(err)
	o := x.Owner(in(6, at.Addr().String(), at.Port(), "127.0.0.1", 9))
	fmt.Printf("pid %d sure %d via %s\n", o.PID, o.Sure, o.Via)
}

// FAULTS 49: a socket of a process that this PID namespace does not have, although it shares the network, is nobody's here.
func TestRealPIDNamespace(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	_, at := start(t, "listen tcp4 127.0.0.1:0")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"=ask tcp4 "+at.String())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	want := fmt.Sprintf("pid 0 sure %d via sock_diag+/proc: no process of this PID namespace holds it\n", snap.SureKernel)
	if err != nil || string(out) != want {
		t.Errorf("got %q, %v; want %q", out, err, want)
	}
}

// start runs a child and waits until its socket is there.
func start(t *testing.T, what string) (pid int, at netip.AddrPort) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"="+what)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("child %q: %v", what, err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("child %q: %v", what, err)
	}
	at, err = netip.ParseAddrPort(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("child %q says %q", what, line)
	}
	return cmd.Process.Pid, at
}

// flows makes both directions of a connection as its one end sees them.
func flows(proto uint8, local, peer netip.AddrPort) (ingress, egress *snap.FlowKey) {
	l, p := local.Addr().Unmap().String(), peer.Addr().Unmap().String()
	return in(proto, l, local.Port(), p, peer.Port()), out(proto, l, local.Port(), p, peer.Port())
}

// Sockets of real processes, in a network that has nothing else.
func TestRealSockets(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	x := New(Options{Sockets: procfs.NewReader("").NetSockets})
	local := netip.MustParseAddr("127.0.0.1")
	server, at := start(t, "listen tcp4 0.0.0.0:0")
	dual, at6 := start(t, "listen tcp :0")
	client, from := start(t, fmt.Sprintf("dial tcp4 127.0.0.1:0 127.0.0.1:%d", at.Port()))
	mapped, from6 := start(t, fmt.Sprintf("dial tcp4 127.0.0.1:0 127.0.0.1:%d", at6.Port()))
	dns, atDNS := start(t, "bind udp4 127.0.0.1:0")
	asker, fromDNS := start(t, fmt.Sprintf("dial udp4 127.0.0.1:0 127.0.0.1:%d", atDNS.Port()))
	if err := x.Refresh(); err != nil {
		t.Fatal(err)
	}
	stranger := netip.MustParseAddrPort("127.0.0.1:9")
	for _, c := range []struct {
		name        string
		proto       uint8
		local, peer netip.AddrPort
		pid         int
		sure        snap.Sure
	}{
		{"connected client", 6, from, netip.AddrPortFrom(local, at.Port()), client, snap.SureExact},
		{"client of a v6 listener", 6, from6, netip.AddrPortFrom(local, at6.Port()), mapped, snap.SureExact},
		// The child never accepts: the connection waits in the listener's queue and has no inode.
		{"server not accepted", 6, netip.AddrPortFrom(local, at.Port()), from, server, snap.SureGuess},
		{"v6 server not accepted", 6, netip.AddrPortFrom(local, at6.Port()), from6, dual, snap.SureGuess},
		{"bound UDP", 17, atDNS, stranger, dns, snap.SureSocket},
		{"connected UDP", 17, fromDNS, atDNS, asker, snap.SureExact},
		{"nobody", 6, stranger, stranger, 0, snap.SureNone},
	} {
		ingress, egress := flows(c.proto, c.local, c.peer)
		for _, k := range []*snap.FlowKey{ingress, egress} {
			o := x.Owner(k)
			if o.PID != c.pid || o.Sure != c.sure {
				t.Errorf("%s, egress %v: %+v, want pid %d, sure %d", c.name, k.Egress, o, c.pid, c.sure)
			}
			if o.PID != 0 && (o.Start == 0 || o.User != "root" || o.Comm == "") {
				t.Errorf("%s: incomplete: %+v", c.name, o)
			}
		}
	}
	ingress, _ := flows(6, from, netip.AddrPortFrom(local, at.Port()))
	if i := x.TCP(ingress); i.State != "ESTABLISHED" {
		t.Errorf("TCP information %+v", i)
	}
}

// FAULTS 49: the same PID given to one process after the other. Every second one holds the socket.
func TestRealPIDReuse(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(l.Addr().String())
	held, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	l.Close() // the file stays
	now := time.Now()
	x := New(Options{Sockets: procfs.NewReader("").NetSockets, Now: func() time.Time { return now }})
	k := in(6, "127.0.0.1", at.Port(), "127.0.0.1", 9)
	const pid = 4711
	r := procfs.NewReader("")
	for round := range 300 {
		holds := round%2 == 0
		var files []*os.File
		if holds {
			files = []*os.File{held}
		}
		end := startAs(t, pid, files)
		p, ok := r.Open(pid)
		if !ok {
			t.Fatal("a running process is not there")
		}
		st, _ := p.Stat()
		p.Close()
		now = now.Add(2 * time.Second)
		if err := x.Refresh(); err != nil {
			t.Fatal(err)
		}
		// This process, PID 1 here, holds the socket all the time: it is named when nobody better is there.
		o := x.Owner(k)
		if holds && (o.PID != pid || o.Start != st.Start) || !holds && o.PID != 1 {
			t.Fatalf("round %d, holds %v: %+v, start %d", round, holds, o, st.Start)
		}
		end()
	}
}

// startAs starts a process under a given PID, which must be free. A thread of this process may take the number first:
// then once more.
func startAs(t *testing.T, pid int, files []*os.File) (end func()) {
	t.Helper()
	for range 50 {
		if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(pid-1)), 0); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("cat")
		cmd.ExtraFiles = files
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		end = func() {
			stdin.Close()
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
		}
		if cmd.Process.Pid == pid {
			return end
		}
		end()
	}
	t.Fatalf("no process got pid %d", pid)
	return nil
}
