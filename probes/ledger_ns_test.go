// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"hooktop/probes/snap"
)

// refused is the port that netfilter refuses, full one whose socket nobody reads, closed one that nobody opened.
const (
	refused = 4444
	full    = 4445
	closed  = 4446
)

// wrong says which checksum of a frame does not fit.
type wrong struct{ ip, l4 bool }

// frame is one from the rig's peer. l4 is *layers.UDP or *layers.TCP.
func (r *rig) frame(src, dst string, l4 gopacket.SerializableLayer, w wrong) []byte {
	r.t.Helper()
	here, there := r.ns.MAC(r.t, "v0"), r.peer.MAC(r.t, "v0")
	ip := &layers.IPv4{Version: 4, TTL: 64, SrcIP: net.ParseIP(src), DstIP: net.ParseIP(dst), Protocol: layers.IPProtocolUDP}
	eth := &layers.Ethernet{SrcMAC: there[:], DstMAC: here[:], EthernetType: layers.EthernetTypeIPv4}
	at := 14 + 20 + 6 // of the checksum in the datagram
	var err error
	switch l := l4.(type) {
	case *layers.UDP:
		err = l.SetNetworkLayerForChecksum(ip)
	case *layers.TCP:
		ip.Protocol = layers.IPProtocolTCP
		at = 14 + 20 + 16
		err = l.SetNetworkLayerForChecksum(ip)
	}
	b := gopacket.NewSerializeBuffer()
	err = errors.Join(err, gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		eth, ip, l4, gopacket.Payload("dead")))
	if err != nil {
		r.t.Fatal(err)
	}
	f := b.Bytes()
	if w.ip {
		f[14+10] ^= 0x55
	}
	if w.l4 {
		f[at] ^= 0x55
	}
	return f
}

func datagram(port layers.UDPPort) *layers.UDP { return &layers.UDP{SrcPort: 5000, DstPort: port} }

func syn(port layers.TCPPort) *layers.TCP {
	return &layers.TCP{SrcPort: 5000, DstPort: port, SYN: true, Window: 1000}
}

// die lets packets die in the rig's namespace for many reasons and returns which counters have to move by how much.
func (r *rig) die() map[string]uint64 {
	r.t.Helper()
	stranger := r.frame(there, here, datagram(closed), wrong{})
	stranger[12], stranger[13] = 0x88, 0xb5 // IEEE 802 local experimental: no protocol takes it
	for _, f := range []struct {
		n     int
		bytes []byte
	}{
		{11, r.frame(there, here, datagram(closed), wrong{})},
		{7, r.frame(there, here, datagram(closed), wrong{ip: true})},
		{5, r.frame(there, here, datagram(closed), wrong{l4: true})},
		{4, r.frame(there, here, syn(closed), wrong{l4: true})},
		{3, r.frame(there, here, syn(closed), wrong{})},
		{6, r.frame(there, "203.0.113.9", datagram(closed), wrong{})},
		{8, r.frame("172.16.0.1", here, datagram(closed), wrong{})},
		{9, r.frame(there, here, datagram(refused), wrong{})},
		{10, stranger},
	} {
		r.peer.SendFrames(r.t, "v0", slices.Repeat([][]byte{f.bytes}, f.n)...)
	}
	return map[string]uint64{
		"udp NoPorts ": 11, "ip InCsumErrors ": 7, "ip InHdrErrors ": 7, "udp InCsumErrors ": 5,
		"tcp InCsumErrors ": 4, "tcp InErrs ": 4, "tcp OutRsts ": 3, "routing InNoRoutes ": 6,
		"routing IPReversePathFilter ": 8, "netfilter inet away pre drop #N ": 9, "driver rx_dropped v0": 10,
	}
}

// moved are the namespace's own counters that moved since the engine looks. Those of CPUs are the machine's.
func moved(f *snap.Frame) map[string]uint64 {
	all := map[string]uint64{}
	for _, row := range f.Ledger.Rows {
		if row.Since == 0 || row.Stage == "softnet" || row.Stage == "neighbour" {
			continue
		}
		name := row.Name
		if row.Stage == "netfilter" {
			name = name[:len("inet away pre drop #")] + "N" // the kernel's choice
		}
		all[fmt.Sprintf("%s %s %s", row.Stage, name, row.Dev)] += row.Since
	}
	return all
}

// ledgerFrame is one whose ledger was read now.
func (r *rig) ledgerFrame() *snap.Frame {
	r.t.Helper()
	f, err := r.engine.Snapshot(r.t.Context(), snap.Query{Tab: snap.TraceTab})
	if err != nil {
		r.t.Fatal(err)
	}
	return f
}

func TestTheLedgerShowsWherePacketsDie(t *testing.T) {
	r := newGround(t)
	r.ns.Sysctl(t, "ipv4/ip_forward", "1")
	r.ns.Sysctl(t, "ipv4/conf/v0/rp_filter", "1")
	if _, err := r.host.RefuseUDP("away", "pre", refused); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.host.Forgive("away"); err != nil {
			t.Error(err)
		}
	})
	unread := r.ns.UDPSocket(t, fmt.Sprintf("%s:%d", here, full))
	if err := unread.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	r.start(Config{})
	if got := moved(r.ledgerFrame()); len(got) > 0 {
		t.Errorf("before anything died: %v", got)
	}
	const flood = 200
	want := r.die()
	r.peer.SendUDP(t, there+":0", fmt.Sprintf("%s:%d", here, full), make([]byte, 100), flood)
	var got map[string]uint64
	r.until("all deaths", func(*snap.Frame) bool {
		got = moved(r.ledgerFrame())
		for k, n := range want {
			if got[k] < n {
				return false
			}
		}
		return packets(r.all(), full, false, "v0") == flood
	})
	want["socket RcvbufErrors "] = flood - drain(t, unread)
	if got = moved(r.ledgerFrame()); !maps.Equal(got, want) {
		t.Errorf("moved %v\nwant  %v", got, want)
	}
	for _, row := range r.ledgerFrame().Ledger.Rows {
		if row.Since > 0 {
			t.Logf("%+v", row)
		}
	}
	if errs := r.ledgerFrame().Ledger.Errs; len(errs) > 0 {
		t.Errorf("errors: %v", errs)
	}
}

// drain counts what waits in a socket.
func drain(t *testing.T, c *net.UDPConn) (n uint64) {
	t.Helper()
	buf := make([]byte, 1000)
	for {
		// All that will come is there already: the deadline is where reading would wait for ever.
		if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		_, err := c.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
}

func TestTheLedgerIsReadForTheTraceTabOnly(t *testing.T) {
	r := newGround(t)
	r.start(Config{})
	if f := r.all(); f.Ledger.Rows != nil || f.Ledger.Errs != nil {
		t.Errorf("on another tab: %+v", f.Ledger)
	}
	if f := r.ledgerFrame(); len(f.Ledger.Rows) == 0 {
		t.Error("nothing on the Trace tab")
	}
	// Frames come ten times a second, the ledger once.
	r.engine.Ask(snap.Query{Focus: true, Hz: maxHz, Tab: snap.TraceTab})
	looks, frames := map[*snap.LedgerRow]bool{}, 0
	var seq uint64
	began := time.Now()
	for frames < 25 {
		f, err := r.engine.Next(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if seq = f.Seq; len(f.Ledger.Rows) > 0 {
			looks[&f.Ledger.Rows[0]] = true
			frames++
		}
	}
	if most := int(time.Since(began)/ledgerEvery) + 2; len(looks) > most {
		t.Errorf("%d looks for %d frames in %s, at most %d", len(looks), frames, time.Since(began), most)
	}
}
