// SPDX-License-Identifier: Apache-2.0

package kern_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/bpf/kern"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// What only real packets have: headers outside the linear part of an skb, super-packets, a way through the host.

// sendNonLinear sends a frame of which the kernel keeps `linear` bytes in one piece and the rest in pages
// (net/packet/af_packet.c, packet_alloc_skb: for frames of a page and more, hdr_len is the linear part).
func sendNonLinear(t *testing.T, n *ktest.NS, dev string, frame []byte, linear int) {
	t.Helper()
	const packetVnetHdr = 15 // PACKET_VNET_HDR
	vnet := make([]byte, 10) // struct virtio_net_hdr
	binary.LittleEndian.PutUint16(vnet[2:], uint16(linear))
	index := n.Index(t, dev)
	n.Do(t, func() error {
		s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(s)
		if err := unix.SetsockoptInt(s, unix.SOL_PACKET, packetVnetHdr, 1); err != nil {
			return fmt.Errorf("set PACKET_VNET_HDR: %w", err)
		}
		return unix.Sendto(s, append(vnet, frame...), 0, &unix.SockaddrLinklayer{Ifindex: index, Halen: 6})
	})
}

func TestHeadersOutsideTheLinearPart(t *testing.T) {
	l := newLab(t)
	for ns, dev := range map[*ktest.NS]string{l.here: "h0", l.there: "p0"} {
		if err := ns.NL.LinkSetMTU(ns.Link(t, dev), 9000); err != nil {
			t.Fatal(err)
		}
	}
	l.attach(t, kern.TCIngress)
	l.attach(t, kern.TCEgress)
	payload := make([]byte, 6000)
	frames := [][]byte{
		eth(typeIP4, v4(17, udp(payload))),
		eth(typeIP4, ip4{proto: 6, options: 40, total: -1}.wrap(tcp(0x18, payload))),
		eth(typeIP6, v6(0, ext(60, 100, ext(6, 30, tcp(0x10, payload))))),
		tagged([][2]uint16{{typeQ, 7}, {typeQ, 8}}, typeIP6, v6(17, udp(payload))),
	}
	n := 0
	for _, f := range frames {
		for _, linear := range []int{14, 18, 20, 34, 40, 54, 60} {
			sendNonLinear(t, l.here, "h0", f, linear)
			sendNonLinear(t, l.there, "p0", f, linear)
			n++
		}
	}
	l.send(t, l.here, "h0")
	l.send(t, l.there, "p0")
	got := l.flows()
	for i, f := range frames {
		for _, out := range []bool{false, true} {
			ref := ktest.Parse(ktest.Frame{Data: f, Slot: 1, Egress: out, Tag: -1})
			want := kern.Count{Packets: uint64(n / len(frames)), Bytes: uint64(n / len(frames) * len(f))}
			if got[ref.Key] != want {
				t.Errorf("frame %d, egress %v: %+v, want %+v", i, out, got[ref.Key], want)
			}
		}
	}
	c, err := l.p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if d := c.Devices[1]; d.MalformedIn.Packets+d.MalformedOut.Packets != 0 || c.Stats.PullFailed != 0 {
		t.Errorf("device %+v, stats %+v", d, c.Stats)
	}
}

// A tag that the device took out of the frame, or is to put in, counts like one that is in it, on the key and in bytes.
func TestTags(t *testing.T) {
	l := newLab(t)
	l.attach(t, kern.TCIngress)
	l.attach(t, kern.TCEgress)
	pad := make([]byte, 30)
	frames := [][]byte{
		eth(typeIP4, v4(17, udp(pad))),
		tagged([][2]uint16{{typeQ, 0xe000}}, typeIP4, v4(17, udp(pad))),
		tagged([][2]uint16{{typeQ, 7}}, typeIP4, v4(17, udp(pad))),
		tagged([][2]uint16{{typeQ, 0}, {typeQ, 9}}, typeIP4, v4(17, udp(pad))),
		tagged([][2]uint16{{typeAD, 100}, {typeQ, 200}}, typeIP6, v6(17, udp(pad))),
		tagged([][2]uint16{{typeAD, 1}, {typeAD, 2}, {typeQ, 3}, {typeQ, 4}}, typeIP6, v6(6, tcp(1, pad))),
		tagged([][2]uint16{{typeAD, 1}, {typeAD, 2}, {typeQ, 3}, {typeQ, 4}, {typeQ, 5}}, typeIP6, v6(6, tcp(1, pad))),
	}
	l.send(t, l.here, "h0", frames...)
	l.send(t, l.there, "p0", frames...)
	want := map[snap.FlowKey]kern.Count{}
	for _, f := range frames {
		for _, out := range []bool{false, true} {
			ref := ktest.Parse(ktest.Frame{Data: f, Slot: 1, Egress: out, Tag: -1})
			if n := want[ref.Key]; ref.Why == "" {
				want[ref.Key] = kern.Count{Packets: n.Packets + 1, Bytes: n.Bytes + uint64(ref.Len)}
			}
		}
	}
	if got := l.flows(); !maps.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	c, err := l.p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if d, five := c.Devices[1], (kern.Count{Packets: 1, Bytes: uint64(len(frames[6]))}); d.MalformedIn != five || d.MalformedOut != five {
		t.Errorf("five tags: %+v", d)
	}
}

// Bulk TCP: the hooks see super-packets up to 64 KiB, and all bytes are there.
func TestBulkTCP(t *testing.T) {
	const size = 20 << 20
	for _, ingress := range []kern.Hook{kern.XDPGeneric, kern.TCIngress} {
		t.Run(string(ingress), func(t *testing.T) {
			l := newLab(t)
			l.here.Addr(t, "h0", "192.0.2.1/24")
			l.there.Addr(t, "p0", "192.0.2.2/24")
			l.attach(t, ingress)
			l.attach(t, kern.TCEgress)
			listener := l.here.ListenTCP(t, "192.0.2.1:5001")
			read := make(chan int64)
			go func() {
				c, err := listener.Accept()
				if err != nil {
					close(read)
					return
				}
				defer c.Close()
				n, _ := io.Copy(io.Discard, c)
				read <- n
			}()
			c := l.there.DialTCP(t, "", "192.0.2.1:5001")
			if _, err := c.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if n := <-read; n != size {
				t.Fatalf("%d bytes arrived", n)
			}
			l.checkBulk(t, size)
		})
	}
}

func (l *lab) checkBulk(t *testing.T, size uint64) {
	t.Helper()
	var in, out, largest uint64
	for k, n := range l.flows() {
		switch {
		case k.Proto != 6:
		case k.Egress:
			out += n.Packets
		default:
			in += n.Bytes
			largest = max(largest, n.Bytes/n.Packets)
		}
	}
	c, err := l.p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if in < size || in > size*11/10 || out == 0 {
		t.Errorf("%d bytes in, %d packets out", in, out)
	}
	if d := c.Devices[1]; d.MalformedIn.Packets+d.MalformedOut.Packets != 0 {
		t.Errorf("super-packets are malformed: %+v, %v", d, c.Malformed)
	}
	t.Logf("%d bytes in, %d bytes a packet", in, largest)
}

// A packet that goes through the host is counted on both devices, and marked where it leaves.
func TestForwarded(t *testing.T) {
	l := newLab(t)
	beyond := ktest.NewNS(t)
	ktest.Veth(t, l.here, "h1", beyond, "q0")
	l.here.Sysctl(t, "ipv4/ip_forward", "1")
	l.here.Addr(t, "h0", "192.0.2.1/24")
	l.here.Addr(t, "h1", "198.51.100.1/24")
	l.there.Addr(t, "p0", "192.0.2.2/24")
	l.there.Route(t, "0.0.0.0/0", "192.0.2.1")
	beyond.Addr(t, "q0", "198.51.100.2/24")
	beyond.Route(t, "0.0.0.0/0", "198.51.100.1")
	l.attach(t, kern.XDPGeneric)
	l.dev = kern.Device{Index: l.here.Index(t, "h1"), Name: "h1", Slot: 2}
	l.attach(t, kern.TCEgress)

	receiver := beyond.UDPSocket(t, "198.51.100.2:9000")
	for _, from := range []struct {
		ns   *ktest.NS
		addr string
	}{{l.there, "192.0.2.2:7001"}, {l.here, "198.51.100.1:7002"}} {
		from.ns.SendUDP(t, from.addr, "198.51.100.2:9000", []byte("through"), 5)
	}
	for range 10 {
		if _, _, err := receiver.ReadFrom(make([]byte, 64)); err != nil {
			t.Fatal(err)
		}
	}
	in, forwarded, own := uint64(0), uint64(0), uint64(0)
	l.p.Table().Scan(func(e *kern.Entry) bool {
		k := e.Key()
		switch {
		case k.DPort != 9000:
		case k.Dev == 1 && !k.Egress && !e.Forwarded():
			in += e.Packets()
		case k.Dev == 2 && k.Egress && k.SPort == 7001 && e.Forwarded():
			forwarded += e.Packets()
		case k.Dev == 2 && k.Egress && k.SPort == 7002 && !e.Forwarded():
			own += e.Packets()
		default:
			t.Errorf("%+v, forwarded %v", k, e.Forwarded())
		}
		return true
	})
	if in != 5 || forwarded != 5 || own != 5 {
		t.Errorf("%d in, %d forwarded, %d of our own; want 5 each", in, forwarded, own)
	}
}
