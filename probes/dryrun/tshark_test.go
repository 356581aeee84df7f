// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hooktop/bpf/kern"
	"hooktop/probes/snap"
)

// tshark's word on each frame of testdata/pcap, against the programs'. How its fields map:
//   - frame.protocols names the layers from the outside in. The first of ip, ipv6 is the packet that is judged; the first
//     name behind it that is not one of IPv6's own extension headers is its protocol.
//   - ip.*, ipv6.*, ports and ICMP fields are taken at their first occurrence, which then is the outermost.
//   - Reassembly is off, so that a fragment is shown as what it is.
var tsharkFields = []string{
	"frame.number", "frame.protocols", "vlan.id", "ip.src", "ip.dst", "ip.proto", "ip.flags.mf", "ip.frag_offset",
	"ipv6.src", "ipv6.dst", "ipv6.fraghdr.more", "ipv6.fraghdr.offset", "tcp.srcport", "tcp.dstport", "udp.srcport",
	"udp.dstport", "sctp.srcport", "sctp.dstport", "icmp.type", "icmp.code", "icmpv6.type", "icmpv6.code", "_ws.malformed",
	"ieee8021ad.id", "ieee8021ad.cvid", "vxlan.vni", "geneve.vni",
}

type tsharkRow map[string]string

func tshark(t *testing.T, file string) []tsharkRow {
	t.Helper()
	args := []string{"-r", file, "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-T", "fields", "-E", "separator=,", "-E", "quote=d", "-E", "occurrence=a", "-E", "aggregator= "}
	for _, f := range tsharkFields {
		args = append(args, "-e", f)
	}
	var errText bytes.Buffer
	cmd := exec.Command("tshark", args...)
	cmd.Stderr = &errText
	text, err := cmd.Output()
	if err != nil && len(text) == 0 {
		t.Fatalf("tshark %s: %v\n%s", file, err, errText.String())
	}
	lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("read tshark's output for %s: %v", file, err)
	}
	var rows []tsharkRow
	for _, l := range lines {
		row := tsharkRow{}
		for i, f := range tsharkFields {
			row[f] = l[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// first is the outermost occurrence of a field.
func (r tsharkRow) first(field string) string {
	s, _, _ := strings.Cut(r[field], " ")
	return s
}

func (r tsharkRow) number(t *testing.T, field string) int {
	t.Helper()
	s := r.first(field)
	if s == "" || s == "False" {
		return 0
	}
	if s == "True" {
		return 1
	}
	n, err := strconv.ParseInt(s, 0, 64)
	if err != nil {
		t.Fatalf("tshark's %s %q: %v", field, r[field], err)
	}
	return int(n)
}

// layers splits frame.protocols at the first IP header; inside are IPv6's extension headers between ip and above.
func (r tsharkRow) layers() (ip, above string, inside []string) {
	names := strings.Split(r["frame.protocols"], ":")
	i := slices.IndexFunc(names, func(s string) bool { return s == "ip" || s == "ipv6" })
	if i < 0 || slices.Contains(names[:i], "macsec") {
		return "", "", nil // MACsec in clear text: not IP for anyone but its receiver
	}
	for j, n := range names[i+1:] {
		if names[i] == "ip" || !strings.HasPrefix(n, "ipv6.") && n != "ah" {
			return names[i], n, names[i+1 : i+1+j]
		}
	}
	return names[i], "", names[i+1:]
}

var protoNumbers = map[string]int{"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "sctp": 132, "ip": 4, "ipv6": 41, "gre": 47, "ospf": 89, "eth": 143, "ethertype": 143}

// key is the flow that tshark saw; ok is false where it shows no IP packet. proto is -1 where it does not say.
func (r tsharkRow) key(t *testing.T) (k snap.FlowKey, proto int, ok bool) {
	t.Helper()
	ip, above, inside := r.layers()
	if ip == "" {
		return k, 0, false
	}
	for _, id := range strings.Fields(r["vlan.id"]) {
		vid, err := strconv.Atoi(id)
		if err != nil {
			t.Fatal(err)
		}
		if vid != 0 && k.VLAN != 0 {
			k.Stacked = true
		} else if vid != 0 {
			k.VLAN = uint16(vid)
		}
	}
	more, offset := r.number(t, ip+".flags.mf"), r.number(t, ip+".frag_offset")
	if ip == "ipv6" {
		more, offset = 0, 0
	}
	if slices.Contains(inside, "ipv6.fraghdr") {
		more, offset = r.number(t, "ipv6.fraghdr.more"), r.number(t, "ipv6.fraghdr.offset")
	}
	switch {
	case offset != 0:
		k.Frag = snap.FragLater
	case more != 0:
		k.Frag = snap.FragFirst
	}
	k.Src, k.Dst = tsharkAddr(t, r.first(ip+".src")), tsharkAddr(t, r.first(ip+".dst"))
	proto, known := protoNumbers[above]
	if !known {
		proto = -1
	}
	if ip == "ip" {
		proto = r.number(t, "ip.proto")
	}
	if k.Frag == snap.FragLater {
		return k, proto, true
	}
	switch above {
	case "tcp", "udp", "sctp":
		k.SPort, k.DPort = uint16(r.number(t, above+".srcport")), uint16(r.number(t, above+".dstport"))
	case "icmp", "icmpv6":
		k.SPort = uint16(r.number(t, above+".type")<<8 | r.number(t, above+".code"))
	}
	return k, proto, true
}

func tsharkAddr(t *testing.T, s string) snap.Addr {
	t.Helper()
	a, err := netip.ParseAddr(s)
	if err != nil {
		t.Fatalf("tshark's address: %v", err)
	}
	return snap.AddrFrom(a)
}

// noFlow are the frames of testdata/pcap that are no flow for us though tshark shows an IP packet, with the reason: it
// shows what there is of a header that is cut.
var noFlow = map[string]string{
	"icmp-icmp_print-oobr-1.pcap frame 1":  "short_l4",      // 3 bytes of ICMP
	"icmp6_mobileprefix_asan.pcap frame 1": "short_l4",      // 6 bytes captured
	"ip6_frag_asan.pcap frame 1":           "ip6_ext_short", // 6 bytes captured
	"ipv6_frag6_negative_len.pcap frame 1": "ip6_ext_short", // a payload length of 0
	"ipv6-too-long-jumbo.pcap frame 1":     "ip6_len",       // a jumbogram of 4 GiB in 500 bytes
}

// portless are frames of which tshark 4.0 reads no ports: it takes an IPv6 payload length of 0 at its word, which in a
// frame above 65,575 bytes means BIG TCP.
func portless(row tsharkRow, found kern.Found) bool {
	return found.Bytes > 65575 && row["tcp.srcport"] == "" && row["udp.srcport"] == ""
}

func TestPcapsAgainstTshark(t *testing.T) {
	files, err := filepath.Glob("../../testdata/pcap/*.pcap")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d captures: %v", len(files), err)
	}
	r, err := newRun(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	frames, flows, tunnels := 0, 0, map[string]int{}
	for _, file := range files {
		got := perFrame(t, r, file)
		rows := tshark(t, file)
		if len(rows) != len(got) {
			t.Errorf("%s: %d frames, tshark has %d", file, len(got), len(rows))
			continue
		}
		for i, row := range rows {
			name := fmt.Sprintf("%s frame %d", filepath.Base(file), i+1)
			frames++
			if got[i].Flow {
				flows++
			}
			checkFrame(t, name, got[i], row)
			checkTunnel(t, name, got[i].Tunnel, row, tunnels)
		}
	}
	if tunnels["vxlan"] < 10 || tunnels["geneve"] < 10 {
		t.Errorf("frames in tunnels: %v", tunnels)
	}
	t.Logf("%d frames in %d files, %d of them of a flow, in tunnels %v", frames, len(files), flows, tunnels)
}

func checkFrame(t *testing.T, name string, got kern.Found, row tsharkRow) {
	t.Helper()
	want, proto, ok := row.key(t)
	if !got.Flow {
		reason := got.Reason
		if reason == "" {
			reason = "not_ip"
		}
		if ok && noFlow[name] != reason {
			t.Errorf("%s: %s, tshark shows %v (%s)", name, reason, want, row["frame.protocols"])
		}
		return
	}
	if !ok {
		t.Errorf("%s: a flow %v, tshark shows no IP: %s", name, got.Key.Decode(), row["frame.protocols"])
		return
	}
	k := got.Key.Decode()
	if proto >= 0 && int(k.Proto) != proto {
		t.Errorf("%s: protocol %d, tshark says %d (%s)", name, k.Proto, proto, row["frame.protocols"])
	}
	k.Dev, k.Proto = 0, 0
	if portless(row, got) {
		k.SPort, k.DPort = 0, 0
	}
	if k != want {
		t.Errorf("%s:\n  %+v, tshark says\n  %+v (%s)", name, k, want, row["frame.protocols"])
	}
}

// perFrame runs each frame of a file and returns what was found, in order.
func perFrame(t *testing.T, r *run, file string) []kern.Found {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src, linkType, err := open(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []kern.Found
	for {
		data, info, err := src.ZeroCopyReadPacketData()
		if err != nil {
			return out
		}
		raw, err := isRaw(linkType(info))
		if err != nil {
			t.Fatal(err)
		}
		found, err := r.find(data, max(info.Length, len(data)), raw)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, found)
	}
}
