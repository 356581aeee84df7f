// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"hooktop/probes/snap"
)

type frame struct {
	data []byte
	wire int // 0: len(data)
}

func (f frame) info(iface int) gopacket.CaptureInfo {
	return gopacket.CaptureInfo{Timestamp: time.Unix(1, 0), CaptureLength: len(f.data), Length: max(f.wire, len(f.data)), InterfaceIndex: iface}
}

func writePcap(t *testing.T, linkType layers.LinkType, frames ...frame) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := pcapgo.NewWriter(&b)
	if err := w.WriteFileHeader(1<<20, linkType); err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := w.WritePacket(f.info(0), f.data); err != nil {
			t.Fatal(err)
		}
	}
	return &b
}

// udp4 is a UDP datagram of n bytes, from 10.0.0.1:1000 to 10.0.0.2:53, without Ethernet.
func udp4(n int) []byte {
	b := make([]byte, n)
	copy(b, []byte{0x45, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x03, 0xe8, 0, 53, byte((n - 20) >> 8), byte(n - 20)})
	return b
}

func ethernet(etherType uint16, payload []byte) []byte {
	return append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, byte(etherType >> 8), byte(etherType)}, payload...)
}

func runPcap(t *testing.T, r *bytes.Buffer) *PcapResult {
	t.Helper()
	res, err := RunPcap(r, nil)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	return res
}

func TestPcapCounts(t *testing.T) {
	res := runPcap(t, writePcap(t, layers.LinkTypeEthernet,
		frame{data: ethernet(0x0800, udp4(100))},
		frame{data: ethernet(0x0800, udp4(100))},
		frame{data: ethernet(0x0800, udp4(1400)[:60]), wire: 1414}, // a capture of the first bytes
		frame{data: ethernet(0x0800, udp4(9000))},                  // longer than a dry run takes
		frame{data: ethernet(0x0806, make([]byte, 46))},
		frame{data: ethernet(0x0800, udp4(100)[:50])},
		frame{data: []byte{1, 2, 3}},
	))
	if res.Packets != 7 || len(res.Verdicts) != 7 || len(res.Flows) != 1 {
		t.Fatalf("%d packets, %d verdicts, flows %+v", res.Packets, len(res.Verdicts), res.Flows)
	}
	f := res.Flows[0]
	if want := uint64(2*114 + 1414 + 9014); f.Packets != 4 || f.Bytes != want || f.Key.SPort != 1000 || f.Key.DPort != 53 || f.Verdict != "pass" {
		t.Errorf("flow %+v, want 4 packets and %d bytes", f, want)
	}
	want := []Verdict{
		{N: 1, Verdict: "pass"}, {N: 2, Verdict: "pass"}, {N: 3, Verdict: "pass"}, {N: 4, Verdict: "pass"},
		{N: 5, Verdict: "pass", Reason: "not_ip"}, {N: 6, Verdict: "pass", Reason: "ip4_len"}, {N: 7, Verdict: "pass", Reason: "short_eth"},
	}
	for i, v := range res.Verdicts {
		if v != want[i] {
			t.Errorf("verdict %+v, want %+v", v, want[i])
		}
	}
	if len(res.Malformed) != 2 || res.Malformed[0] != (snap.Count{Name: "ip4_len", N: 1}) || res.Malformed[1] != (snap.Count{Name: "short_eth", N: 1}) {
		t.Errorf("malformed %v", res.Malformed)
	}
	if len(res.Notes) != 2 || !strings.HasPrefix(res.Notes[0], "1 frames above 3456 bytes") || !strings.HasPrefix(res.Notes[1], "1 frames below 14 bytes") {
		t.Errorf("notes %q", res.Notes)
	}
}

func TestPcapRawIP(t *testing.T) {
	for _, linkType := range []layers.LinkType{layers.LinkTypeRaw, layers.LinkTypeIPv4, 12} {
		res := runPcap(t, writePcap(t, linkType,
			frame{data: udp4(100)}, frame{data: []byte{0x45, 0}}, frame{data: []byte{0x60}}, frame{data: []byte{0x10}}))
		if len(res.Flows) != 1 || res.Flows[0].Bytes != 100 {
			t.Errorf("link type %d: %+v", linkType, res.Flows)
		}
		for i, want := range []string{"", "short_ip4", "short_ip6", "not_ip"} {
			if res.Verdicts[i].Reason != want {
				t.Errorf("link type %d frame %d: %q, want %q", linkType, i+1, res.Verdicts[i].Reason, want)
			}
		}
	}
}

// A pcapng file may hold interfaces of several link types.
func TestPcapNG(t *testing.T) {
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriter(&b, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := w.AddInterface(pcapgo.NgInterface{Name: "tun0", LinkType: layers.LinkTypeRaw})
	if err != nil {
		t.Fatal(err)
	}
	first, second := frame{data: ethernet(0x0800, udp4(100))}, frame{data: udp4(100)}
	if err := w.WritePacket(first.info(0), first.data); err != nil {
		t.Fatal(err)
	}
	if err := w.WritePacket(second.info(raw), second.data); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	res := runPcap(t, &b)
	if len(res.Flows) != 1 || res.Flows[0].Packets != 2 || res.Flows[0].Bytes != 214 {
		t.Errorf("flows %+v", res.Flows)
	}
}

func TestPcapBadFiles(t *testing.T) {
	whole := writePcap(t, layers.LinkTypeEthernet, frame{data: ethernet(0x0800, udp4(100))}, frame{data: ethernet(0x0800, udp4(100))}).Bytes()
	res := runPcap(t, bytes.NewBuffer(whole[:len(whole)-10]))
	if res.Packets != 1 || len(res.Notes) != 1 || res.Notes[0] != "the file ends inside frame 2" {
		t.Errorf("cut file: %d packets, notes %q", res.Packets, res.Notes)
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "shorter than a pcap header"},
		{"text", []byte("#!/bin/sh\necho hello, this is no capture\n"), "read pcap header"},
		{"wifi", writePcap(t, layers.LinkTypeIEEE802_11, frame{data: make([]byte, 60)}).Bytes(), "neither Ethernet nor raw IP"},
	} {
		_, err := RunPcap(bytes.NewReader(c.data), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// The flows of a real capture, as an operator would check them.
func TestPcapVXLAN(t *testing.T) {
	f, err := os.Open("../../testdata/pcap/vxlan.pcap")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	res, err := RunPcap(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	var packets, bytes uint64
	inside := uint64(0)
	for _, f := range res.Flows {
		if f.Key.VNI == 100 {
			inside += f.Packets
			continue
		}
		packets, bytes = packets+f.Packets, bytes+f.Bytes
		if f.Key.Proto != 17 || f.Key.DPort != 4789 {
			t.Errorf("flow %+v: outer headers count", f.Key)
		}
	}
	if len(res.Tunnels) != 2 || res.Tunnels[0].Kind != "vxlan" || res.Tunnels[0].VNI != 100 || res.Tunnels[0].Packets+res.Tunnels[1].Packets != 10 || inside == 0 {
		t.Errorf("tunnels %+v, %d packets inside", res.Tunnels, inside)
	}
	if packets != 10 || bytes != 1368 || len(res.Malformed) != 0 {
		t.Errorf("%d packets, %d bytes, malformed %v", packets, bytes, res.Malformed)
	}
}
