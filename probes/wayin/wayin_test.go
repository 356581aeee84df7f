// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hooktop/probes/snap"
)

// ssh makes an sshd with a listener and two sessions, whose shells are 120 and 220.
func ssh(h *host) {
	listener := h.socket(6, "0.0.0.0:22", "")
	one := h.socket(6, "10.0.0.1:22", "10.0.0.8:50122")
	two := h.socket(6, "10.0.0.1:22", "10.0.0.9:40922")
	forward := h.socket(6, "10.0.0.1:51000", "10.0.0.77:5432") // ssh -L of the first session
	h.process(fixture{pid: 1, comm: "systemd"})
	h.process(fixture{pid: 90, ppid: 1, comm: "sshd", inodes: []uint64{listener}})
	h.process(fixture{pid: 100, ppid: 90, comm: "sshd", inodes: []uint64{one}})
	h.process(fixture{pid: 110, ppid: 100, comm: "sshd", uid: 1000, inodes: []uint64{one, forward}})
	h.process(fixture{pid: 120, ppid: 110, comm: "bash", uid: 1000, tty: pts})
	h.process(fixture{pid: 200, ppid: 90, comm: "sshd-session", inodes: []uint64{two}})
	h.process(fixture{pid: 220, ppid: 200, comm: "bash", tty: pts + 1})
}

func TestParentHoldsTheSession(t *testing.T) {
	h := newHost(t)
	ssh(h)
	h.process(fixture{pid: 130, ppid: 120, comm: "sudo", tty: pts})
	h.process(fixture{pid: 140, ppid: 130, comm: "hooktop", tty: pts + 5, environ: []string{"SUDO_USER=op"}})
	f := h.look(140)
	w := f.Now()
	if !w.Proven || w.NoRemote || len(w.Own) != 1 || len(w.Established) != 3 {
		t.Fatalf("%+v", w)
	}
	expect(t, f, 6, "10.0.0.1:22", "10.0.0.8:50122", snap.OwnSession)
	expect(t, f, 6, "10.0.0.1:22", "10.0.0.9:40922", snap.AccessFlow)
	expect(t, f, 6, "10.0.0.1:51000", "10.0.0.77:5432", snap.AccessFlow)
	expect(t, f, 6, "10.0.0.1:22", "10.0.0.9:40923", snap.NoWayIn)
	expect(t, f, 17, "10.0.0.1:22", "10.0.0.8:50122", snap.NoWayIn)
	if want := []netip.Addr{netip.MustParseAddr("10.0.0.8"), netip.MustParseAddr("10.0.0.9")}; !slices.Equal(w.Peers, want) {
		t.Errorf("peers %v", w.Peers)
	}
	if want := []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:22")}; !slices.Equal(w.Listeners, want) {
		t.Errorf("listeners %v", w.Listeners)
	}
	if got, want := w.Lines()[0], "sshd 10.0.0.8:50122 → :22 (own session: its sshd, pid 110, is a parent of this process)"; got != want {
		t.Errorf("says %q, want %q", got, want)
	}
	// The session is the same one seen on a VLAN's parent, on another device, or inside a tunnel.
	k := *both(6, "10.0.0.1:22", "10.0.0.8:50122")[0]
	k.VLAN, k.Dev = 7, 9
	if f.WayIn(&k) != snap.OwnSession {
		t.Error("not recognised below a VLAN device")
	}
	k.Frag = snap.FragLater
	if f.WayIn(&k) != snap.NoWayIn {
		t.Error("a later fragment has no ports to go by")
	}
}

func TestEnvironmentNamesTheSession(t *testing.T) {
	h := newHost(t)
	ssh(h)
	h.process(fixture{pid: 300, ppid: 1, comm: "bash", tty: pts, environ: []string{"SSH_CONNECTION=10.0.0.9 40922 10.0.0.1 22"}}) // reparented
	h.process(fixture{pid: 310, ppid: 300, comm: "hooktop", tty: pts})
	f := h.look(310)
	expect(t, f, 6, "10.0.0.1:22", "10.0.0.9:40922", snap.OwnSession)
	expect(t, f, 6, "10.0.0.1:22", "10.0.0.8:50122", snap.AccessFlow)
	contains(t, f, "own session: SSH_CONNECTION of bash, pid 300")

	// The variable outlives its session: then it proves nothing.
	h.process(fixture{pid: 300, ppid: 1, comm: "bash", tty: pts, environ: []string{"SSH_CONNECTION=10.0.0.9 11111 10.0.0.1 22"}})
	if w := h.look(310).Now(); w.Proven {
		t.Errorf("a session that is gone is proof: %+v", w)
	}
	// A server that is not visible here (hidepid, another PID namespace) still has its socket here.
	h.sockets = append(h.sockets, snap.Socket{Proto: 6, Local: snap.AddrFrom(netip.MustParseAddr("10.0.0.1")), LPort: 22,
		Peer: snap.AddrFrom(netip.MustParseAddr("10.0.0.9")), PPort: 11111, State: 1, Inode: 9})
	f = h.look(310)
	expect(t, f, 6, "10.0.0.1:22", "10.0.0.9:11111", snap.OwnSession)
	contains(t, f, "its server is not visible here")
}

func TestMultiplexer(t *testing.T) {
	for _, m := range []struct{ server, client string }{{"tmux: server", "tmux: client"}, {"tmux", "tmux"}, {"screen", "screen"}, {"SCREEN", "screen"}} {
		h := newHost(t)
		ssh(h)
		stale := []string{"SSH_CONNECTION=10.0.0.3 3333 10.0.0.1 22"} // of the session that started the server
		h.process(fixture{pid: 400, ppid: 1, comm: m.server, uid: 1000, environ: stale})
		h.process(fixture{pid: 410, ppid: 400, comm: "bash", uid: 1000, tty: pts + 7, environ: stale})
		h.process(fixture{pid: 420, ppid: 410, comm: "hooktop", tty: pts + 7})
		f := h.look(420)
		if w := f.Now(); w.Proven || len(w.Own) != 3 {
			t.Errorf("%s without a client: %+v", m.server, w)
		}
		contains(t, f, "to which no client is attached")
		h.process(fixture{pid: 430, ppid: 220, comm: m.client, uid: 1000, tty: pts + 1})
		h.process(fixture{pid: 440, ppid: 1, comm: m.client, uid: 2000, tty: pts + 2}) // another user's
		f = h.look(420)
		expect(t, f, 6, "10.0.0.1:22", "10.0.0.9:40922", snap.OwnSession)
		expect(t, f, 6, "10.0.0.1:22", "10.0.0.8:50122", snap.AccessFlow)
		contains(t, f, "client, pid 430")
		h.process(fixture{pid: 431, ppid: 120, comm: m.client, uid: 1000, tty: pts}) // a second one: both are looking
		f = h.look(420)
		expect(t, f, 6, "10.0.0.1:22", "10.0.0.9:40922", snap.OwnSession)
		expect(t, f, 6, "10.0.0.1:22", "10.0.0.8:50122", snap.OwnSession)
	}
}

func TestMosh(t *testing.T) {
	h := newHost(t)
	ssh(h)
	udp := h.socket(17, "10.0.0.1:60001", "")
	wild := h.socket(17, "0.0.0.0:60002", "")
	h.process(fixture{pid: 500, ppid: 1, comm: "mosh-server", uid: 1000, inodes: []uint64{udp}, environ: []string{"SSH_CONNECTION=10.0.0.3 3 10.0.0.1 22"}})
	h.process(fixture{pid: 510, ppid: 500, comm: "bash", uid: 1000, tty: pts + 3})
	h.process(fixture{pid: 520, ppid: 510, comm: "hooktop", tty: pts + 3})
	h.process(fixture{pid: 600, ppid: 1, comm: "mosh-server", uid: 1000, inodes: []uint64{wild}})
	f := h.look(520)
	expect(t, f, 17, "10.0.0.1:60001", "192.0.2.44:7777", snap.OwnSession)
	expect(t, f, 17, "10.0.0.1:60001", "192.0.2.45:8888", snap.OwnSession) // it roams
	expect(t, f, 17, "10.0.0.1:60002", "192.0.2.45:8888", snap.AccessFlow)
	expect(t, f, 17, "10.0.0.99:60002", "192.0.2.45:8888", snap.NoWayIn) // passes through
	expect(t, f, 6, "10.0.0.1:22", "10.0.0.8:50122", snap.AccessFlow)
	contains(t, f, "mosh-server any peer → :60001/udp (own session")
}

func TestConfiguredAgent(t *testing.T) {
	h := newHost(t)
	in := h.socket(6, "10.0.0.1:3022", "10.0.0.8:1000")
	h.process(fixture{pid: 1, comm: "systemd"})
	h.process(fixture{pid: 700, ppid: 1, comm: "a-very-long-nam", inodes: []uint64{in}})
	h.process(fixture{pid: 710, ppid: 700, comm: "hooktop"})
	expect(t, h.look(710), 6, "10.0.0.1:3022", "10.0.0.8:1000", snap.NoWayIn)
	expect(t, h.look(710, "a-very-long-name"), 6, "10.0.0.1:3022", "10.0.0.8:1000", snap.OwnSession)
}

// Anybody may call a process sshd. That must not open a way past the policies to come.
func TestImpostor(t *testing.T) {
	h := newHost(t)
	ssh(h)
	fake := h.socket(6, "10.0.0.1:6666", "10.0.0.66:6666")
	h.process(fixture{pid: 800, ppid: 1, comm: "sshd", exe: "/home/eve/sshd", owner: 1001, uid: 1001, inodes: []uint64{fake}})
	script := h.socket(6, "10.0.0.1:6667", "10.0.0.66:6667")
	h.process(fixture{pid: 801, ppid: 1, comm: "sshd", exe: "/usr/bin/python3", uid: 1001, inodes: []uint64{script}})
	f := h.look(120)
	expect(t, f, 6, "10.0.0.1:6666", "10.0.0.66:6666", snap.NoWayIn)
	expect(t, f, 6, "10.0.0.1:6667", "10.0.0.66:6667", snap.NoWayIn)
	contains(t, f, "pid 800 calls itself sshd but runs")
	h.process(fixture{pid: 802, ppid: 1, comm: "sshd", owner: 100000, uid: 100000, netns: 7}) // a rootless container's
	if all := strings.Join(h.look(120).Now().Lines(), "\n"); strings.Contains(all, "pid 802 ") {
		t.Errorf("another network's sshd is talked about:\n%s", all)
	}
}

func TestConsoleAndNothing(t *testing.T) {
	h := newHost(t)
	h.process(fixture{pid: 1, comm: "systemd"})
	h.process(fixture{pid: 50, ppid: 1, comm: "bash", tty: tty1})
	h.process(fixture{pid: 60, ppid: 50, comm: "hooktop", tty: tty1})
	w := h.look(60).Now()
	if !w.NoRemote || w.Proven || !strings.Contains(w.Why, "console") {
		t.Errorf("%+v", w)
	}
	// Somebody else's sessions are ways in, but not this console's.
	ssh(h)
	f := h.look(60)
	if w := f.Now(); w.NoRemote || len(w.Own) != 0 {
		t.Errorf("%+v", w)
	}
	expect(t, f, 6, "10.0.0.1:22", "10.0.0.8:50122", snap.AccessFlow)
}

func TestUnprovenCountsAll(t *testing.T) {
	h := newHost(t)
	ssh(h)
	h.process(fixture{pid: 60, ppid: 1, comm: "hooktop", tty: pts + 9})
	f := h.look(60)
	expect(t, f, 6, "10.0.0.1:22", "10.0.0.8:50122", snap.OwnSession)
	expect(t, f, 6, "10.0.0.1:22", "10.0.0.9:40922", snap.OwnSession)
	contains(t, f, "could not be tied to one of 3 sessions")
	contains(t, f, "counts as own session")
}

func TestSessionOfAnotherNamespace(t *testing.T) {
	h := newHost(t)
	h.process(fixture{pid: 1, comm: "systemd"})
	h.process(fixture{pid: 90, ppid: 1, comm: "sshd", inodes: []uint64{4242}})
	h.process(fixture{pid: 100, ppid: 90, comm: "hooktop", netns: 7, tty: pts})
	f := h.look(100)
	if !f.Now().NoRemote {
		t.Errorf("%+v", f.Now())
	}
	contains(t, f, "its sshd, pid 90, is in another network namespace")
}

func TestSocketActivated(t *testing.T) {
	h := newHost(t)
	listener := h.socket(6, "[::]:22", "")
	one := h.socket(6, "10.0.0.1:22", "10.0.0.8:50122")
	forward := h.socket(6, "10.0.0.1:51000", "10.0.0.77:5432")
	h.process(fixture{pid: 1, comm: "systemd", inodes: []uint64{listener}})
	h.process(fixture{pid: 100, ppid: 1, comm: "sshd", inodes: []uint64{one, forward}})
	h.process(fixture{pid: 120, ppid: 100, comm: "hooktop", tty: pts})
	f := h.look(120)
	if w := f.Now(); len(w.Listeners) != 1 || len(w.Own) != 1 || len(w.Peers) != 1 {
		t.Errorf("%+v", w)
	}
	expect(t, f, 6, "10.0.0.1:22", "10.0.0.8:50122", snap.OwnSession)
	expect(t, f, 6, "10.0.0.1:51000", "10.0.0.77:5432", snap.AccessFlow)
}

func TestFollowsTunnels(t *testing.T) {
	h := newHost(t)
	ssh(h)
	h.link(5, "wg0", "wireguard", "10.99.0.1/24")
	h.link(6, "vx0", "vxlan", "10.98.0.1/24")
	h.link(7, "tun0", "tun", "10.97.0.1/24")
	var in []uint64
	for _, local := range []string{"10.99.0.1:22", "10.98.0.1:22", "10.97.0.1:22"} {
		in = append(in, h.socket(6, local, "10.90.0.2:700"))
	}
	wg, vx := h.socket(17, "0.0.0.0:51820", ""), h.socket(17, "0.0.0.0:4789", "")
	h.socket(17, "0.0.0.0:53", "") // a process holds it
	h.unheld[wg], h.unheld[vx] = true, true
	h.process(fixture{pid: 900, ppid: 90, comm: "sshd", inodes: in[:1]})
	h.process(fixture{pid: 901, ppid: 900, comm: "hooktop", tty: pts})
	h.process(fixture{pid: 910, ppid: 90, comm: "sshd", inodes: in[1:]})
	f := h.look(901)
	expect(t, f, 17, "10.0.0.1:51820", "192.0.2.1:51820", snap.OwnSession)
	expect(t, f, 17, "10.0.0.5:51820", "192.0.2.1:51820", snap.NoWayIn) // passes through
	expect(t, f, 17, "10.0.0.1:53", "192.0.2.1:53", snap.NoWayIn)
	for _, k := range []*snap.FlowKey{both(17, "10.0.0.1:4789", "192.0.2.1:33333")[0], both(17, "10.0.0.1:44444", "192.0.2.1:4789")[1]} {
		if got := f.WayIn(k); got != snap.AccessFlow {
			t.Errorf("VXLAN %+v counts as %d", *k, got)
		}
	}
	contains(t, f, "UDP port 51820 carries wg0")
	contains(t, f, "tun0 (tun), and what carries that is not followed")
	// Two ports that may be WireGuard's: none is proven.
	second := h.socket(17, "0.0.0.0:51821", "")
	h.unheld[second] = true
	f = h.look(901)
	expect(t, f, 17, "10.0.0.1:51820", "192.0.2.1:51820", snap.AccessFlow)
	contains(t, f, "2 UDP ports that may carry it")
}

func TestManySessionsStayReadable(t *testing.T) {
	w := &WayIn{Proven: true, Notes: make([]string, 10)}
	for i := range uint16(100) {
		w.Established = append(w.Established, Session{Proto: 6, Agent: "sshd", Local: netip.MustParseAddrPort("10.0.0.1:22"),
			Peer: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.8"), 1000+i)})
	}
	w.Own = w.Established[99:]
	lines := w.Lines()
	if len(lines) != 16+1+6+1 || !strings.Contains(lines[0], "10.0.0.8:1099 → :22 (own session") || lines[16] != "and 84 more" || lines[23] != "and 4 more notes" {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
}

func TestSSHOverLoopback(t *testing.T) {
	h := newHost(t)
	in := h.socket(6, "127.0.0.1:22", "127.0.0.1:40000")
	h.process(fixture{pid: 90, comm: "sshd", inodes: []uint64{in}})
	h.process(fixture{pid: 100, ppid: 90, comm: "hooktop"})
	f := h.look(100)
	expect(t, f, 6, "127.0.0.1:22", "127.0.0.1:40000", snap.OwnSession)
	expect(t, f, 6, "127.0.0.1:40000", "127.0.0.1:22", snap.OwnSession) // the client's end
}

func TestParseConnection(t *testing.T) {
	for v, want := range map[string]string{
		"10.0.0.8 50122 10.0.0.1 22":         "10.0.0.8:50122 10.0.0.1:22",
		"fe80::1%eth0 50122 fe80::2%eth0 22": "[fe80::1]:50122 [fe80::2]:22",
		"::ffff:10.0.0.8 1 10.0.0.1 22":      "10.0.0.8:1 10.0.0.1:22",
	} {
		peer, local, ok := ParseConnection(v)
		if got := peer.String() + " " + local.String(); !ok || got != want {
			t.Errorf("%q: %s, %v", v, got, ok)
		}
	}
	for _, v := range []string{"", "a b c d", "10.0.0.8 50122 10.0.0.1", "10.0.0.8 0 10.0.0.1 22", "10.0.0.8 70000 10.0.0.1 22", "10.0.0.8 1 10.0.0.1 22 x", "UNKNOWN 65535 UNKNOWN 65535"} {
		if _, _, ok := ParseConnection(v); ok {
			t.Errorf("%q was taken", v)
		}
	}
}

func TestFailureKeepsWhatWasFound(t *testing.T) {
	h := newHost(t)
	ssh(h)
	f := h.look(120)
	f.opt.Sockets = func() ([]snap.Socket, error) { return nil, errors.New("no sock_diag") }
	if err := f.Refresh(); err == nil || err.Error() != "find ways in: no sock_diag" {
		t.Errorf("got %v", err)
	}
	expect(t, f, 6, "10.0.0.1:22", "10.0.0.8:50122", snap.OwnSession)
	if err := os.RemoveAll(h.root); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		if err := f.Run(ctx); err != nil {
			t.Error(err)
		}
		if lost := f.Lost(); len(lost) != 1 || lost[0].N != 3 {
			t.Errorf("lost %v, want 3 failed looks in 12 s", lost)
		}
	})
}

func FuzzParseConnection(f *testing.F) {
	f.Add("10.0.0.8 50122 10.0.0.1 22")
	f.Add("fe80::1%\x1b[0m 1 ::1 2")
	f.Fuzz(func(t *testing.T, v string) {
		if peer, local, ok := ParseConnection(v); ok && (!peer.IsValid() || !local.IsValid() || peer.Addr().Zone() != "" || local.Port() == 0) {
			t.Errorf("%q gives %v %v", v, peer, local)
		}
	})
}

func FuzzWayIn(f *testing.F) {
	w := publish(&WayIn{Established: []Session{{Proto: 6, Local: netip.MustParseAddrPort("10.0.0.1:22"), Peer: netip.MustParseAddrPort("10.0.0.8:50122")}}},
		[]Addr{{netip.MustParsePrefix("10.0.0.1/24"), 1}})
	x := &Finder{}
	x.found.Store(w)
	f.Add([]byte("0123456789abcdef"), []byte("0123456789abcdef"), uint16(22), uint16(50122), uint8(6), true)
	f.Fuzz(func(t *testing.T, src, dst []byte, sport, dport uint16, proto uint8, egress bool) {
		k := &snap.FlowKey{SPort: sport, DPort: dport, Proto: proto, Egress: egress}
		copy(k.Src[:], src)
		copy(k.Dst[:], dst)
		back := &snap.FlowKey{Src: k.Dst, Dst: k.Src, SPort: dport, DPort: sport, Proto: proto, Egress: !egress}
		if x.WayIn(k) != x.WayIn(back) {
			t.Errorf("%+v and its answers count as different things", *k)
		}
	})
}
