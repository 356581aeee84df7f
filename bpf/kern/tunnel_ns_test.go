// SPDX-License-Identifier: Apache-2.0

package kern_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl/compile"
	"hooktop/netcfg/policy"
	"hooktop/probes/ktest"
)

// Tunnels made by the kernel's own devices, unwrapped on a real hook: what comes out reaches plain sockets of the host. Replies go back
// without a tunnel.

const (
	tunnelHere  = "192.0.2.1"
	tunnelThere = "192.0.2.7"
	innerHere   = "10.50.0.1"
	innerThere  = "10.50.0.2"
	innerHere6  = "2001:db8:50::1"
	innerThere6 = "2001:db8:50::2"
)

// overlay is a lab whose far end sends through a tunnel device.
type overlay struct {
	*lab
	gen   uint32
	lines int
}

func newOverlay(t *testing.T, text string, h kern.Hook) *overlay {
	t.Helper()
	o := &overlay{lab: newLab(t)}
	o.here.Addr(t, "h0", tunnelHere+"/24")
	o.there.Addr(t, "p0", tunnelThere+"/24")
	o.here.Addr(t, "lo", innerHere+"/32")
	o.here.Addr(t, "lo", innerHere6+"/128")
	o.here.Route(t, innerThere+"/32", tunnelThere)
	o.here.Addr(t, "h0", "2001:db8:2::1/64")
	o.there.Addr(t, "p0", "2001:db8:2::7/64")
	o.here.Route(t, innerThere6+"/128", "2001:db8:2::7")
	// Replies wait for nobody: the kernel drops them where neighbour discovery takes a second try.
	mac := o.there.MAC(t, "p0")
	o.here.Neighbour(t, "h0", tunnelThere, mac)
	o.here.Neighbour(t, "h0", "2001:db8:2::7", mac)
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	a := f.ACL()
	img, err := compile.Compile(&a, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if o.gen, err = o.p.WritePolicy(img); err != nil {
		t.Fatal(err)
	}
	own := []netip.Addr{netip.MustParseAddr(tunnelHere), netip.MustParseAddr(innerHere), netip.MustParseAddr(innerHere6)}
	if err := errors.Join(o.p.SetOwn(own), o.p.TryPolicy(o.gen, nil, time.Minute)); err != nil {
		t.Fatal(err)
	}
	o.attach(t, h)
	return o
}

// device adds a tunnel device at the far end and gives it the inner addresses; the host's are its neighbours.
func (o *overlay) device(t *testing.T, l netlink.Link) {
	t.Helper()
	if err := o.there.NL.LinkAdd(l); err != nil {
		t.Fatalf("add %s device: %v", l.Type(), err)
	}
	name := l.Attrs().Name
	o.there.Up(t, name)
	o.there.Addr(t, name, innerThere+"/24")
	o.there.Addr(t, name, innerThere6+"/64")
	if l.Type() == "gre" || l.Type() == "ipip" {
		return // no frames inside, no neighbours
	}
	mac := [6]byte{2, 0, 0, 9, 9, 9} // of nobody: the outer header is what leads to the host
	o.there.Neighbour(t, name, innerHere, mac)
	o.there.Neighbour(t, name, innerHere6, mac)
}

func vxlanDevice(vni int, remote string) netlink.Link {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = fmt.Sprintf("vx%d", vni)
	return &netlink.Vxlan{LinkAttrs: attrs, VxlanId: vni, Group: net.ParseIP(remote), SrcAddr: net.ParseIP(tunnelThere), Port: 4789}
}

const vxlanPolicy = "tunnel vxlan vni 100 to 192.0.2.1 peers 192.0.2.0/28 inner 10.50.0.0/16,2001:db8:50::/64 strip\n"

// tunnel finds the row of a VNI.
func (o *overlay) tunnel(t *testing.T, vni uint32) kern.Tunnel {
	t.Helper()
	rows, err := o.p.Tunnels()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.VNI == vni {
			return row
		}
	}
	return kern.Tunnel{}
}

// bulk sends random bytes over TCP from the far end's inner address and compares what arrived.
func (o *overlay) bulk(t *testing.T, from, to string, size int64) {
	t.Helper()
	l := o.here.ListenTCP(t, net.JoinHostPort(to, "0"))
	sums := make(chan []byte, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			sums <- nil
			return
		}
		defer c.Close()
		h := sha256.New()
		if _, err := io.Copy(h, c); err != nil {
			t.Errorf("receive: %v", err)
		}
		sums <- h.Sum(nil)
	}()
	c := o.there.DialTCP(t, net.JoinHostPort(from, "0"), l.Addr().String())
	h := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(c, h), &pattern{}, size); err != nil {
		t.Fatalf("send: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-sums; string(got) != string(h.Sum(nil)) {
		t.Errorf("%d bytes from %s to %s arrived as something else", size, from, to)
	}
}

// pattern is bytes that do not repeat in step with anything.
type pattern struct{ x uint32 }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		p.x = p.x*1664525 + 1013904223
		b[i] = byte(p.x >> 24)
	}
	return len(b), nil
}

// echo sends datagrams one by one from the inner address; each comes back.
func (o *overlay) echo(t *testing.T, from, to string, count int) {
	t.Helper()
	server := o.here.UDPSocket(t, net.JoinHostPort(to, "0"))
	client := o.there.UDPSocket(t, net.JoinHostPort(from, "0"))
	go func() {
		b := make([]byte, 2048)
		for {
			n, peer, err := server.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			if _, err := server.WriteToUDPAddrPort(b[:n], peer); err != nil {
				return
			}
		}
	}()
	dst := server.LocalAddr().(*net.UDPAddr).AddrPort()
	b := make([]byte, 2048)
	for i := range count {
		if err := client.SetReadDeadline(time.Now().Add(ktest.Patience)); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("datagram %d", i)
		if _, err := client.WriteToUDPAddrPort([]byte(text), dst); err != nil {
			t.Fatalf("send: %v", err)
		}
		n, _, err := client.ReadFromUDPAddrPort(b)
		if err != nil || string(b[:n]) != text {
			t.Fatalf("datagram %d came back as %q: %v; %+v", i, b[:n], err, o.tunnel(t, 100))
		}
	}
}

var tunnelHooks = []kern.Hook{kern.TCIngress, kern.XDPGeneric, kern.XDPNative}

// Traffic of the kernel's vxlan device reaches plain local sockets, on each hook, with offloads as they are.
func TestVXLANDeviceIsUnwrapped(t *testing.T) {
	size := int64(100 << 20)
	if testing.Short() {
		size = 4 << 20
	}
	datagrams := size / 10
	if ktest.Full() {
		datagrams = size
	}
	for _, h := range tunnelHooks {
		t.Run(string(h), func(t *testing.T) {
			o := newOverlay(t, vxlanPolicy, h)
			o.device(t, vxlanDevice(100, tunnelHere))
			o.echo(t, innerThere, innerHere, 50)
			o.bulk(t, innerThere, innerHere, size)
			o.datagrams(t, innerThere, innerHere, datagrams)
			least := uint64(52)
			if h != kern.TCIngress || mixesFamilies(t) {
				o.echo(t, innerThere6, innerHere6, 20)
				o.bulk(t, innerThere6, innerHere6, size/10)
				least += 22
			}
			o.there.Del(t, "vx100")
			o.passed(t)
			row := o.tunnel(t, 100)
			t.Logf("%s: %d packets, %d bytes, %d unwrapped", h, row.Packets, row.Bytes, row.Stripped)
			for i, n := range row.Errors { // the far end also asks for neighbours and routers
				if name := kern.TunnelError(i); n > 0 && name != "not IP inside" && name != "inner source not allowed" {
					t.Errorf("%d packets: %s", n, name)
				}
			}
			if row.Stripped < least {
				t.Errorf("row: %+v", row)
			}
			c, err := o.p.PolicyCounts(o.gen)
			if err != nil || c.Tunnels[0].Limited != row.Stripped || c.Tunnels[0].Packets != row.Packets {
				t.Errorf("the line's counters are %+v (%v), the row's %d and %d", c.Tunnels, err, row.Packets, row.Stripped)
			}
		})
	}
}

// mixesFamilies reports whether this kernel's tc takes a header off a packet of the other family (6.3).
func mixesFamilies(t *testing.T) bool {
	t.Helper()
	var u unix.Utsname
	var major, minor int
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	return major > 6 || major == 6 && minor >= 3
}

// What the line does not allow does not get in, and each packet counts under its reason.
func TestVXLANThatIsNotAllowedStaysOutside(t *testing.T) {
	const count = 200
	for _, h := range tunnelHooks {
		t.Run(string(h), func(t *testing.T) {
			o := newOverlay(t, vxlanPolicy, h)
			o.here.Addr(t, "h0", "192.0.2.3/24")
			o.there.Addr(t, "p0", "192.0.2.99/24")
			server := o.here.UDPSocket(t, net.JoinHostPort(innerHere, "0"))
			to := server.LocalAddr().(*net.UDPAddr).AddrPort().Port()
			inside := func(src string) []byte { return ktest.IP(src, innerHere, 17, ktest.UDP(9, to, []byte("in"))) }
			frame := func(src, dst string, vni uint32, packet []byte) []byte {
				vx := ktest.VXLANHeader(vni, ktest.Ether([6]byte{2, 9}, [6]byte{2, 8}, nil, packet))
				return ktest.Ether(o.here.MAC(t, "h0"), o.there.MAC(t, "p0"), nil, ktest.IP(src, dst, 17, ktest.UDP(50000, 4789, vx)))
			}
			for _, c := range []struct {
				why   string
				vni   uint32
				frame []byte
			}{
				{"VNI not allowed", 101, frame(tunnelThere, tunnelHere, 101, inside(innerThere))},
				{"peer not allowed", 100, frame("192.0.2.99", tunnelHere, 100, inside(innerThere))},
				{"not ours", 100, frame(tunnelThere, "192.0.2.3", 100, inside(innerThere))},
				{"inner source not allowed", 100, frame(tunnelThere, tunnelHere, 100, inside("10.51.0.2"))},
				{"inner source forged", 100, frame(tunnelThere, tunnelHere, 100, inside(innerHere))},
			} {
				frames := make([][]byte, count)
				for i := range frames {
					frames[i] = c.frame
				}
				before := o.errors(t, c.why)
				o.there.SendFrames(t, "p0", frames...)
				o.passed(t)
				if n := o.errors(t, c.why) - before; n != count {
					t.Errorf("%s: %d of %d packets are counted under it", c.why, n, count)
				}
			}
			if rows, err := o.p.Tunnels(); err != nil || len(rows) == 0 {
				t.Errorf("%d rows: %v", len(rows), err)
			} else {
				for _, row := range rows {
					if row.Stripped > 0 {
						t.Errorf("unwrapped: %+v", row)
					}
				}
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

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// errors adds up a reason over all rows.
func (o *overlay) errors(t *testing.T, why string) (n uint64) {
	t.Helper()
	rows, err := o.p.Tunnels()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for i := range row.Errors {
			if kern.TunnelError(i) == why {
				n += row.Errors[i]
			}
		}
	}
	return n
}

// passed waits until what was sent before has been through the programs: a datagram that follows has arrived.
func (o *overlay) passed(t *testing.T) {
	t.Helper()
	server := o.here.UDPSocket(t, net.JoinHostPort(tunnelHere, "0"))
	o.there.SendUDP(t, tunnelThere+":0", server.LocalAddr().String(), []byte("end"), 1)
	if err := server.SetReadDeadline(time.Now().Add(ktest.Patience)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := server.ReadFromUDPAddrPort(make([]byte, 9)); err != nil {
		t.Fatalf("the last datagram: %v", err)
	}
}
