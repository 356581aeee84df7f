// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

func sockets(t *testing.T, h *nl.Host) []snap.Socket {
	t.Helper()
	all, err := h.Sockets()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// procSocket is a line of /proc/net/{tcp,udp}{,6} as the key of what must agree.
type procSocket struct {
	proto       uint8
	local, peer netip.AddrPort
	state       uint8
	uid         uint32
	inode       uint64
}

// procSockets is the second opinion: the kernel's own text.
func procSockets(t *testing.T, n *ktest.NS) map[procSocket]bool {
	t.Helper()
	all := map[procSocket]bool{}
	n.Do(t, func() error {
		for file, proto := range map[string]uint8{"tcp": unix.IPPROTO_TCP, "tcp6": unix.IPPROTO_TCP, "udp": unix.IPPROTO_UDP, "udp6": unix.IPPROTO_UDP} {
			raw, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil {
				return err
			}
			for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n")[1:] {
				f := strings.Fields(line)
				s := procSocket{proto: proto, local: procAddr(t, f[1]), peer: procAddr(t, f[2])}
				state, err := strconv.ParseUint(f[3], 16, 8)
				if err != nil {
					return err
				}
				s.state = uint8(state)
				uid, err := strconv.ParseUint(f[7], 10, 32)
				if err != nil {
					return err
				}
				s.uid = uint32(uid)
				if s.inode, err = strconv.ParseUint(f[9], 10, 64); err != nil {
					return err
				}
				all[s] = true
			}
		}
		return nil
	})
	return all
}

// procAddr reads "0100007F:1F90": words in the CPU's order.
func procAddr(t *testing.T, s string) netip.AddrPort {
	t.Helper()
	host, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(raw); i += 4 {
		raw[i], raw[i+1], raw[i+2], raw[i+3] = raw[i+3], raw[i+2], raw[i+1], raw[i]
	}
	a, _ := netip.AddrFromSlice(raw)
	p, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(a.As16()), uint16(p))
}

func TestSocketsAgreeWithProc(t *testing.T) {
	a, b := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, a, "a0", b, "b0")
	for _, prefix := range []string{"192.0.2.%d/24", "2001:db8::%d/64"} {
		a.Addr(t, "a0", fmt.Sprintf(prefix, 1))
		b.Addr(t, "b0", fmt.Sprintf(prefix, 2))
	}
	a.UDPSocket(t, "192.0.2.1:53")
	a.UDPSocket(t, "[::]:5353")
	a.UDPSocket(t, "[2001:db8::1]:0")
	for _, at := range []string{"192.0.2.1", "[2001:db8::1]"} {
		l := a.ListenTCP(t, at+":80")
		for range 20 {
			b.DialTCP(t, "", at+":80")
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
		}
	}
	both := a.ListenTCP(t, "[::]:81") // an IPv4 peer on an IPv6 socket
	b.DialTCP(t, "", "192.0.2.1:81")
	c, err := both.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	want := procSockets(t, a)
	got := map[procSocket]bool{}
	for _, s := range sockets(t, at(t, a)) {
		got[procSocket{s.Proto, netip.AddrPortFrom(netip.AddrFrom16(s.Local), s.LPort), netip.AddrPortFrom(netip.AddrFrom16(s.Peer), s.PPort), s.State, s.UID, s.Inode}] = true
	}
	for s := range want {
		if !got[s] {
			t.Errorf("not dumped: %+v", s)
		}
	}
	for s := range got {
		if !want[s] {
			t.Errorf("dumped, and not in /proc/net: %+v", s)
		}
	}
	if len(want) < 3+2*21+2 {
		t.Errorf("only %d sockets", len(want))
	}
}

func TestSocketTellsOfTCP(t *testing.T) {
	a, b := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, a, "a0", b, "b0")
	a.Addr(t, "a0", "192.0.2.1/24")
	b.Addr(t, "b0", "192.0.2.2/24")
	l := a.ListenTCP(t, "192.0.2.1:80")
	c := b.DialTCP(t, "", "192.0.2.1:80")
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := c.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	find := func(port uint16) snap.Socket {
		t.Helper()
		for _, s := range sockets(t, at(t, b)) {
			if s.Proto == unix.IPPROTO_TCP && s.PPort == port {
				return s
			}
		}
		t.Fatalf("no socket to port %d", port)
		return snap.Socket{}
	}
	if got := find(80); got.TCP.State != "ESTABLISHED" || got.TCP.RTT <= 0 || got.TCP.RTTVar <= 0 || got.TCP.SynRetrans != 0 {
		t.Errorf("established: %+v", got.TCP)
	}
	// Nobody has the address and the neighbour is known: SYNs leave and are never answered.
	knock(t, b, "192.0.2.77", 81)
	if got := find(81); got.TCP.State != "SYN-SENT" || got.TCP.RTT != 0 {
		t.Errorf("unanswered: %+v", got.TCP)
	}
}

// knock starts to connect and does not wait.
func knock(t *testing.T, n *ktest.NS, to string, port int) {
	t.Helper()
	n.Do(t, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(fd) })
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: netip.MustParseAddr(to).As4()})
		if err == unix.EINPROGRESS {
			return nil
		}
		return err
	})
}

func TestManySockets(t *testing.T) {
	n := ktest.NewNS(t)
	const many = 4000
	open := 0
	n.Do(t, func() error {
		for open < many {
			c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				return err
			}
			t.Cleanup(func() { c.Close() })
			open++
		}
		return nil
	})
	if got := len(sockets(t, at(t, n))); got != many {
		t.Errorf("%d sockets dumped of %d", got, many)
	}
}

func BenchmarkSockets(b *testing.B) {
	h, err := nl.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	var open []*net.UDPConn
	for range 10000 {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	b.ReportMetric(float64(len(open)), "sockets")
	for b.Loop() {
		if _, err := h.Sockets(); err != nil {
			b.Fatal(err)
		}
	}
}
