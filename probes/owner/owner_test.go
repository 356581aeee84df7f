// SPDX-License-Identifier: Apache-2.0

package owner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hooktop/probes/snap"
)

// expect checks who owns a flow: "pid comm sure", "-" for nobody known.
func expect(t *testing.T, x *Index, k *snap.FlowKey, want string) {
	t.Helper()
	o := x.Owner(k)
	got := "-"
	if o != (snap.Owner{}) {
		got = strings.TrimSpace(fmt.Sprintf("%d %s %s", o.PID, o.Comm, [...]string{"none", "exact", "socket", "guess", "kernel"}[o.Sure]))
	}
	if got != want {
		t.Errorf("owner of %v:%d > %v:%d egress %v is %q (%s), want %q", k.Src, k.SPort, k.Dst, k.DPort, k.Egress, got, o.Via, want)
	}
}

func TestHowSure(t *testing.T) {
	h := newHost(t)
	h.sockets = []snap.Socket{
		connected("10.0.0.1", 443, "10.9.9.9", 5000, 101),
		listening(6, "0.0.0.0", 443, 100),
		listening(6, "::", 8080, 102),
		listening(17, "10.0.0.1", 53, 103),
		listening(17, "0.0.0.0", 68, 104),
		connected("2001:db8::1", 40000, "2001:db8::2", 443, 105),
		{Proto: 17, Local: addr("10.0.0.1"), LPort: 41000, Peer: addr("10.0.0.53"), PPort: 53, State: 1, Inode: 106},
		listening(17, "::", 5353, 107),
	}
	h.process(80, 1, "nginx", 100, 101)
	h.process(81, 1, "java", 102, 105)
	h.process(82, 1, "named", 103)
	h.process(83, 1, "dhclient", 104)
	h.process(84, 1, "curl", 106)
	h.process(85, 1, "avahi", 107)
	x := h.index()
	expect(t, x, in(6, "10.0.0.1", 443, "10.9.9.9", 5000), "-") // nothing was read yet
	h.refresh(x)
	for _, c := range []struct {
		k    *snap.FlowKey
		want string
	}{
		{in(6, "10.0.0.1", 443, "10.9.9.9", 5000), "80 nginx exact"},
		{out(6, "10.0.0.1", 443, "10.9.9.9", 5000), "80 nginx exact"},
		{in(6, "10.0.0.1", 443, "10.9.9.9", 5001), "80 nginx guess"}, // closed already, or not accepted yet
		{in(6, "10.0.0.1", 8080, "10.9.9.9", 5001), "81 java guess"}, // a v6 wildcard takes IPv4
		{in(6, "2001:db8::1", 8080, "2001:db8::9", 5001), "81 java guess"},
		{in(6, "2001:db8::1", 443, "2001:db8::9", 5001), "-"}, // a v4 wildcard takes no IPv6
		{out(6, "2001:db8::1", 40000, "2001:db8::2", 443), "81 java exact"},
		{in(17, "10.0.0.1", 53, "10.9.9.9", 999), "82 named socket"},
		{out(17, "10.0.0.1", 53, "10.9.9.9", 999), "82 named socket"},
		{in(17, "10.0.0.7", 53, "10.9.9.9", 999), "-"},
		{in(17, "255.255.255.255", 68, "10.0.0.254", 67), "83 dhclient guess"},
		{in(17, "10.0.0.255", 68, "10.0.0.254", 67), "83 dhclient guess"},
		{in(17, "224.0.0.251", 5353, "10.0.0.254", 5353), "85 avahi guess"},
		{in(17, "ff02::fb", 5353, "fe80::2", 5353), "85 avahi guess"},
		{out(17, "224.0.0.251", 5353, "10.0.0.254", 5353), "-"},
		{out(17, "10.0.0.1", 41000, "10.0.0.53", 53), "84 curl exact"},
		{in(6, "10.0.0.9", 443, "10.9.9.9", 5000), "-"},    // forwarded: the address is another host's
		{out(6, "172.17.0.2", 443, "10.9.9.9", 5000), "-"}, // forwarded
		{in(6, "127.0.0.53", 443, "127.0.0.1", 9), "80 nginx guess"},
		{in(1, "10.0.0.1", 443, "10.9.9.9", 5000), "-"}, // ICMP has no ports
	} {
		expect(t, x, c.k, c.want)
	}
	k := in(6, "10.0.0.1", 443, "10.9.9.9", 5000)
	k.VNI = 7
	expect(t, x, k, "80 nginx exact") // out of a tunnel
	k.VNI, k.Frag = 0, snap.FragLater
	expect(t, x, k, "-")
	if i := x.TCP(in(6, "10.0.0.1", 443, "10.9.9.9", 5000)); i.State != "ESTABLISHED" || i.RTT != time.Millisecond {
		t.Errorf("TCP information %+v", i)
	}
	if i := x.TCP(in(6, "10.0.0.1", 443, "10.9.9.9", 5001)); i != (snap.TCPInfo{}) {
		t.Errorf("TCP information without a socket %+v", i)
	}
}

func TestDescription(t *testing.T) {
	h := newHost(t)
	h.sockets = []snap.Socket{connected("10.0.0.1", 443, "10.9.9.9", 5000, 101), connected("10.0.0.1", 444, "10.9.9.9", 5000, 102)}
	h.process(80, 12345, "ev\x1b[2Jil", 101)
	h.process(90, 7, "web", 102)
	h.must(os.WriteFile(filepath.Join(h.root, "90", "cgroup"), []byte("0::/docker/"+strings.Repeat("ab", 32)+"\n"), 0o644))
	x := h.index()
	h.refresh(x)
	want := snap.Owner{PID: 80, Start: 12345, Comm: `ev\x1b[2Jil`, User: "www-data", Sure: snap.SureExact, Via: "sock_diag+/proc"}
	if o := x.Owner(in(6, "10.0.0.1", 443, "10.9.9.9", 5000)); o != want {
		t.Errorf("got %+v, want %+v", o, want)
	}
	// In a container the host's names mean nothing.
	want = snap.Owner{PID: 90, Start: 7, Comm: "web", User: "33", Container: "abababababab", Sure: snap.SureExact, Via: "sock_diag+/proc"}
	if o := x.Owner(in(6, "10.0.0.1", 444, "10.9.9.9", 5000)); o != want {
		t.Errorf("got %+v, want %+v", o, want)
	}
}

func TestSharedSocket(t *testing.T) {
	h := newHost(t)
	h.sockets = []snap.Socket{listening(6, "0.0.0.0", 22, 100), connected("10.0.0.1", 80, "10.9.9.9", 1, 101),
		listening(17, "0.0.0.0", 53, 200), listening(17, "0.0.0.0", 53, 201)}
	h.process(1, 1, "systemd", 100)
	h.process(70, 1, "sshd", 100)
	h.process(62, 1, "worker", 101)
	h.process(60, 1, "master", 101)
	h.process(61, 1, "worker", 101)
	h.process(51, 1, "dns2", 200) // SO_REUSEPORT
	h.process(50, 1, "dns1", 201)
	x := h.index()
	h.refresh(x)
	expect(t, x, in(6, "10.0.0.1", 22, "10.9.9.9", 5), "70 sshd guess")
	expect(t, x, in(6, "10.0.0.1", 80, "10.9.9.9", 1), "60 master exact")
	expect(t, x, in(17, "10.0.0.1", 53, "10.9.9.9", 1), "50 dns1 guess")
	if via := x.Owner(in(6, "10.0.0.1", 80, "10.9.9.9", 1)).Via; via != "sock_diag+/proc, 1 of 3 processes" {
		t.Errorf("found via %q", via)
	}
	h.kill(60)
	h.refresh(x)
	expect(t, x, in(6, "10.0.0.1", 80, "10.9.9.9", 1), "61 worker exact")
}

// A PID that is used again is another process, whatever it is called.
func TestPIDReuse(t *testing.T) {
	h := newHost(t)
	k := in(6, "10.0.0.1", 443, "10.9.9.9", 5000)
	h.sockets = []snap.Socket{connected("10.0.0.1", 443, "10.9.9.9", 5000, 101)}
	h.process(80, 1000, "nginx", 101)
	x := h.index()
	h.refresh(x)
	expect(t, x, k, "80 nginx exact")
	h.process(80, 2000, "evil") // holds nothing
	h.process(95, 2000, "heir", 101)
	h.refresh(x)
	expect(t, x, k, "95 heir exact")
	h.process(95, 3000, "evil2")
	for range 20 {
		h.refresh(x)
		if o := x.Owner(k); o.PID != 0 {
			t.Fatalf("a process that does not hold the socket is its owner: %+v", o)
		}
	}
	expect(t, x, k, "0  kernel")
}

// A parent that hands a connection to its child is its owner only as long as it holds it.
func TestHandedOver(t *testing.T) {
	h := newHost(t)
	k := in(6, "10.0.0.1", 443, "10.9.9.9", 5000)
	h.sockets = []snap.Socket{connected("10.0.0.1", 443, "10.9.9.9", 5000, 101)}
	h.process(80, 1, "inetd", 101)
	x := h.index()
	h.refresh(x)
	expect(t, x, k, "80 inetd exact")
	h.process(81, 1, "ftpd", 101)
	h.letGo(80, 3)
	h.refresh(x)
	expect(t, x, k, "81 ftpd exact")
	h.letGo(81, 3)
	h.hold(81, 9, 101) // dup2
	h.refresh(x)
	expect(t, x, k, "81 ftpd exact")
	h.must(os.WriteFile(filepath.Join(h.root, "81", "stat"), []byte("81 (vsftpd) S 1 1 1 0 -1 1 2 3 4 5 6 7 8 9 10 0 1 0 1 0\n"), 0o644))
	h.refresh(x)
	expect(t, x, k, "81 vsftpd exact") // exec
}

func TestClosedConnections(t *testing.T) {
	h := newHost(t)
	k := in(6, "10.0.0.1", 443, "10.9.9.9", 5000)
	h.process(80, 1, "nginx", 101)
	h.sockets = []snap.Socket{connected("10.0.0.1", 443, "10.9.9.9", 5000, 101)}
	x := h.index()
	h.refresh(x)
	h.sockets[0].State, h.sockets[0].Inode, h.sockets[0].TCP.State = 6, 0, "TIME-WAIT"
	h.letGo(80, 3)
	h.refresh(x)
	expect(t, x, k, "80 nginx exact")
	if o := x.Owner(k); o.Via != "sock_diag+/proc, closed since" {
		t.Errorf("found via %q", o.Via)
	}
	if i := x.TCP(k); i.State != "TIME-WAIT" {
		t.Errorf("TCP information %+v", i)
	}
	h.sockets = nil
	h.refresh(x)
	expect(t, x, k, "80 nginx exact")
	for range lastFor / (2 * time.Second) {
		h.refresh(x)
	}
	expect(t, x, k, "-")
	// The tuple is used again: what was known about it is not true any more.
	h.sockets = []snap.Socket{connected("10.0.0.1", 443, "10.9.9.9", 5000, 102)}
	h.process(90, 1, "other", 102)
	h.refresh(x)
	expect(t, x, k, "90 other exact")
	// One that was never seen open: its listener, else nobody's.
	h.sockets = []snap.Socket{{Proto: 6, Local: addr("10.0.0.1"), LPort: 7, Peer: addr("10.9.9.9"), PPort: 8, State: 6}}
	h.refresh(x)
	expect(t, x, in(6, "10.0.0.1", 7, "10.9.9.9", 8), "0  kernel")
}

func TestKernelSocket(t *testing.T) {
	h := newHost(t)
	h.sockets = []snap.Socket{listening(17, "0.0.0.0", 4789, 300)}
	h.process(80, 1, "nginx")
	x := h.index()
	k := in(17, "10.0.0.1", 4789, "10.9.9.9", 5)
	h.refresh(x)
	expect(t, x, k, "-") // once is chance
	h.refresh(x)
	expect(t, x, k, "0  kernel")
	if !x.Unheld(300) || x.Unheld(301) {
		t.Error("Unheld disagrees")
	}
	h.hold(80, 3, 300) // it was on its way between two processes
	h.process(81, 1, "new")
	for range 40 {
		h.refresh(x)
	}
	expect(t, x, k, "80 nginx guess")
}

func TestStaleAnswersNothing(t *testing.T) {
	h := newHost(t)
	k := in(6, "10.0.0.1", 443, "10.9.9.9", 5000)
	h.sockets = []snap.Socket{connected("10.0.0.1", 443, "10.9.9.9", 5000, 101)}
	h.process(80, 1, "nginx", 101)
	x := h.index()
	h.refresh(x)
	expect(t, x, k, "80 nginx exact")
	h.now = h.now.Add(11 * time.Second)
	expect(t, x, k, "-")
	if i := x.TCP(k); i != (snap.TCPInfo{}) {
		t.Errorf("stale TCP information %+v", i)
	}
}

func TestFailures(t *testing.T) {
	h := newHost(t)
	x := h.index()
	x.opt.Sockets = func() ([]snap.Socket, error) { return nil, errors.New("no sock_diag") }
	if err := x.Refresh(); err == nil || err.Error() != "find owners: no sock_diag" {
		t.Errorf("got %v", err)
	}
	x = h.index()
	x.opt.Addrs = func() ([]netip.Prefix, error) { return nil, errors.New("no addresses") }
	if err := x.Refresh(); err == nil {
		t.Error("no error without addresses")
	}
	x = h.index()
	h.must(os.RemoveAll(h.root))
	if err := x.Refresh(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without /proc: %v", err)
	}
}

// Run reads nothing until somebody asks, and then no more often than it may.
func TestRunOnlyWhenAsked(t *testing.T) {
	h := newHost(t)
	h.sockets = []snap.Socket{connected("10.0.0.1", 443, "10.9.9.9", 5000, 101)}
	h.process(80, 1, "nginx", 101)
	k := in(6, "10.0.0.1", 443, "10.9.9.9", 5000)
	synctest.Test(t, func(t *testing.T) {
		x := h.index()
		x.opt.Now = time.Now
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- x.Run(ctx) }()
		<-time.After(time.Minute)
		if n := h.dumps.Load(); n != 0 {
			t.Errorf("%d dumps without a question", n)
		}
		for range 100 { // 10 s
			x.Owner(k)
			<-time.After(100 * time.Millisecond)
		}
		if n := h.dumps.Load(); n < 4 || n > 6 {
			t.Errorf("%d dumps in 10 s, want one in 2 s", n)
		}
		expect(t, x, k, "80 nginx exact")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
