// SPDX-License-Identifier: Apache-2.0

package kern_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hooktop/bpf/kern"
	"hooktop/probes/ktest"
)

const (
	datagramSize = 1400 // fits the inner MTU
	ackEvery     = 32   // datagrams on their way at once: less than a socket's buffer
)

// datagrams sends that many bytes over UDP from the far end's inner address, as fast as they are taken, and compares what arrived:
// each once, in order.
func (o *overlay) datagrams(t *testing.T, from, to string, size int64) {
	t.Helper()
	server := o.here.UDPSocket(t, net.JoinHostPort(to, "0"))
	client := o.there.UDPSocket(t, net.JoinHostPort(from, "0"))
	count := int(size / (datagramSize - 8))
	sums := make(chan []byte, 1)
	go func() { sums <- takeDatagrams(server, count) }()
	dst := server.LocalAddr().(*net.UDPAddr).AddrPort()
	h, p, b, ack := sha256.New(), &pattern{}, make([]byte, datagramSize), make([]byte, 8)
	for n := 1; n <= count; n++ {
		binary.BigEndian.PutUint64(b, uint64(n))
		if _, err := io.ReadFull(p, b[8:]); err != nil {
			t.Fatal(err)
		}
		h.Write(b)
		if _, err := client.WriteToUDPAddrPort(b, dst); err != nil {
			t.Fatalf("send: %v", err)
		}
		if n%ackEvery != 0 && n != count {
			continue
		}
		if err := client.SetReadDeadline(time.Now().Add(ktest.Patience)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := client.ReadFromUDPAddrPort(ack); err != nil || binary.BigEndian.Uint64(ack) != uint64(n) {
			t.Fatalf("after %d of %d datagrams: %d is acknowledged: %v; %+v", n, count, binary.BigEndian.Uint64(ack), err, o.tunnel(t, 100))
		}
	}
	if got := <-sums; !bytes.Equal(got, h.Sum(nil)) {
		t.Errorf("%d datagrams from %s to %s arrived as something else", count, from, to)
	}
}

// takeDatagrams acknowledges every few of so many datagrams, and sums them up; nil where one is missing or twice.
func takeDatagrams(server *net.UDPConn, count int) []byte {
	h, b := sha256.New(), make([]byte, 2048)
	for n := 1; n <= count; n++ {
		size, peer, err := server.ReadFromUDPAddrPort(b)
		if err != nil || size != datagramSize || binary.BigEndian.Uint64(b) != uint64(n) {
			return nil
		}
		h.Write(b[:size])
		if n%ackEvery == 0 || n == count {
			if _, err := server.WriteToUDPAddrPort(b[:8], peer); err != nil {
				return nil
			}
		}
	}
	return h.Sum(nil)
}

// Devices of the kernel's whose VNI, address or endpoint no line allows: nothing gets in, and each packet counts under its reason.
func TestVXLANDevicesThatAreNotAllowedStayOutside(t *testing.T) {
	count := ktest.Rounds(t, 200)
	for i, h := range tunnelHooks {
		for j, c := range []struct {
			why, local, remote string
			vni                int
		}{
			{"VNI not allowed", tunnelThere, tunnelHere, 101},
			{"peer not allowed", "192.0.2.99", tunnelHere, 100},
			{"not ours", tunnelThere, "192.0.2.3", 100},
		} {
			if i != j && testing.Short() { // one a hook
				continue
			}
			t.Run(string(h)+" "+c.why, func(t *testing.T) {
				o := newOverlay(t, vxlanPolicy, h)
				o.here.Addr(t, "h0", "192.0.2.3/24")
				o.there.Addr(t, "p0", "192.0.2.99/24")
				link := vxlanDevice(c.vni, c.remote).(*netlink.Vxlan)
				link.SrcAddr = net.ParseIP(c.local)
				o.device(t, link)
				server := o.here.UDPSocket(t, net.JoinHostPort(innerHere, "0"))
				l := o.here.ListenTCP(t, net.JoinHostPort(innerHere, "0"))
				o.there.SendUDP(t, innerThere+":0", server.LocalAddr().String(), []byte("in"), count)
				o.there.Do(t, func() error {
					c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(innerThere)}, Timeout: 100 * time.Millisecond}).Dial("tcp", l.Addr().String())
					if err == nil {
						c.Close()
						t.Error("a connection was made")
					}
					return nil
				})
				o.there.Del(t, link.Name)
				o.passed(t)
				row := o.tunnel(t, uint32(c.vni))
				if n := o.errors(t, c.why); n != row.Packets || row.Packets <= uint64(count) || row.Stripped != 0 {
					t.Errorf("%d of %d packets are counted under it, %d unwrapped", n, row.Packets, row.Stripped)
				}
				if err := server.SetReadDeadline(time.Now()); err != nil {
					t.Fatal(err)
				}
				if n, _, err := server.ReadFromUDPAddrPort(make([]byte, 99)); !errors.Is(err, unix.EAGAIN) && !isTimeout(err) {
					t.Errorf("%d bytes got in: %v", n, err)
				}
			})
		}
	}
}

// What a host unwraps and forwards. Super-packets, which keep their tunnel's segmentation, stay in the tunnel; native XDP has the far
// end of a veth make none.
func TestWhatIsUnwrappedAndForwarded(t *testing.T) {
	size := int64(20 << 20)
	if testing.Short() {
		size = 1 << 20
	}
	for _, h := range tunnelHooks {
		t.Run(string(h), func(t *testing.T) {
			o := newOverlay(t, vxlanPolicy, h)
			beyond := ktest.NewNS(t)
			ktest.Veth(t, o.here, "h1", beyond, "b0")
			o.here.Addr(t, "h1", "203.0.113.1/24")
			beyond.Addr(t, "b0", "203.0.113.2/24")
			beyond.Route(t, "0.0.0.0/0", "203.0.113.1")
			o.here.Sysctl(t, "ipv4/ip_forward", "1")
			o.device(t, vxlanDevice(100, tunnelHere))
			o.there.Do(t, func() error {
				dev, err := o.there.NL.LinkByName("vx100")
				if err != nil {
					return err
				}
				return o.there.NL.RouteAdd(&netlink.Route{LinkIndex: dev.Attrs().Index, Dst: ipNet("203.0.113.0/24"), Gw: net.ParseIP(innerHere)})
			})
			far := *o
			hop := *o.lab
			hop.here = beyond
			far.lab = &hop
			far.datagrams(t, innerThere, "203.0.113.2", size/10)
			if h == kern.XDPNative {
				far.bulk(t, innerThere, "203.0.113.2", size)
			} else {
				far.stuck(t)
			}
			row, n := o.tunnel(t, 100), o.errors(t, super)
			t.Logf("%s: %d packets, %d unwrapped, %d super-packets", h, row.Packets, row.Stripped, n)
			if n > 0 && h == kern.XDPNative {
				t.Errorf("%d packets stay in the tunnel", n)
			}
		})
	}
}

const super = "super-packet to forward"

// stuck sends more than a packet at once over TCP, which the far end joins, and waits until that is counted.
func (o *overlay) stuck(t *testing.T) {
	t.Helper()
	l := o.here.ListenTCP(t, "203.0.113.2:0")
	c := o.there.DialTCP(t, net.JoinHostPort(innerThere, "0"), l.Addr().String())
	defer c.Close()
	if _, err := c.Write(make([]byte, 64<<10)); err != nil {
		t.Fatalf("send: %v", err)
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	late := time.After(ktest.Patience)
	for o.errors(t, super) == 0 {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("no super-packet is counted: %+v", o.tunnel(t, 100))
		}
	}
}

func ipNet(text string) *net.IPNet {
	p := netip.MustParsePrefix(text)
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
