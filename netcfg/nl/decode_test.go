// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/chain"
	"hooktop/probes/snap"
)

// attribute makes a netlink attribute, padded.
func attribute(kind uint16, value []byte) []byte {
	b := make([]byte, attrLen, align(attrLen+len(value)))
	native.PutUint16(b, uint16(attrLen+len(value)))
	native.PutUint16(b[2:], kind)
	b = append(b, value...)
	return b[:cap(b)]
}

// tcpSocket is a dumped TCP socket, 192.0.2.1:22 to 198.51.100.8:50022, with that much of struct tcp_info.
func tcpSocket(state byte, info int) []byte {
	p := make([]byte, diagMessageLen)
	p[0], p[1], p[diagRetrans] = unix.AF_INET, state, 3
	binary.BigEndian.PutUint16(p[diagSPort:], 22)
	binary.BigEndian.PutUint16(p[diagDPort:], 50022)
	copy(p[diagSrc:], []byte{192, 0, 2, 1})
	copy(p[diagDst:], []byte{198, 51, 100, 8})
	native.PutUint32(p[diagIf:], 5)
	native.PutUint32(p[diagUID:], 1000)
	native.PutUint32(p[diagInode:], 0xfffffff0)
	b := make([]byte, 248)
	b[infoRetransmits] = 4
	native.PutUint32(b[infoUnacked:], 7)
	native.PutUint32(b[infoRTT:], 21000)
	native.PutUint32(b[infoRTTVar:], 1500)
	native.PutUint32(b[infoTotalRetrans:], 9)
	return append(p, attribute(diagInfo, b[:info])...)
}

func TestDecodeSocket(t *testing.T) {
	want := snap.Socket{
		Proto: unix.IPPROTO_TCP, Local: snap.AddrFrom(netip.MustParseAddr("192.0.2.1")), Peer: snap.AddrFrom(netip.MustParseAddr("198.51.100.8")),
		LPort: 22, PPort: 50022, Device: 5, State: 1, UID: 1000, Inode: 0xfffffff0,
		TCP: snap.TCPInfo{State: "ESTABLISHED", RTT: 21 * time.Millisecond, RTTVar: 1500 * time.Microsecond, Retrans: 9, Unacked: 7},
	}
	if got, ok := decodeSocket(tcpSocket(1, 248), unix.IPPROTO_TCP); !ok || got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	// A kernel that gives less of tcp_info.
	if got, _ := decodeSocket(tcpSocket(1, infoRTT+4), unix.IPPROTO_TCP); got.TCP != (snap.TCPInfo{State: "ESTABLISHED", RTT: 21 * time.Millisecond, Unacked: 7}) {
		t.Errorf("short tcp_info: %+v", got.TCP)
	}
	if got, _ := decodeSocket(tcpSocket(tcpSynSent, 248), unix.IPPROTO_TCP); got.TCP.SynRetrans != 4 || got.TCP.RTT != 0 {
		t.Errorf("SYN-SENT: %+v", got.TCP)
	}
	if got, _ := decodeSocket(tcpSocket(tcpNewSynRecv, 0), unix.IPPROTO_TCP); got.TCP.SynRetrans != 3 || got.TCP.State != "SYN-RECV" {
		t.Errorf("SYN-RECV: %+v", got.TCP)
	}
	if got, _ := decodeSocket(tcpSocket(tcpListen, 248), unix.IPPROTO_TCP); got.TCP != (snap.TCPInfo{State: "LISTEN"}) {
		t.Errorf("LISTEN: %+v", got.TCP)
	}
}

func TestDecodeAtEveryLength(t *testing.T) {
	whole := tcpSocket(1, 248)
	for n := range whole {
		if _, ok := decodeSocket(whole[:n], unix.IPPROTO_TCP); ok != (n >= diagMessageLen) {
			t.Errorf("%d bytes: %v", n, ok)
		}
	}
}

func TestParseTracked(t *testing.T) {
	line := "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=443 packets=5 bytes=600 " +
		"src=192.0.2.9 dst=10.0.0.1 sport=8443 dport=1000 packets=4 bytes=5000 [ASSURED] mark=0 zone=0 use=2"
	want := snap.Tracked{Proto: 6, Src: snap.AddrFrom(netip.MustParseAddr("10.0.0.1")), Dst: snap.AddrFrom(netip.MustParseAddr("10.0.0.2")),
		SPort: 1000, DPort: 443, Packets: 5, Bytes: 600, RPackets: 4, RBytes: 5000, Replied: true,
		RSrc: snap.AddrFrom(netip.MustParseAddr("192.0.2.9")), RDst: snap.AddrFrom(netip.MustParseAddr("10.0.0.1")), RSPort: 8443, RDPort: 1000}
	if got, ok := parseTracked(line); !ok || got != want {
		t.Errorf("got %+v", got)
	}
	line = "ipv6     10 icmpv6   58 29 src=2001:db8::1 dst=2001:db8::2 type=128 code=0 id=7 [UNREPLIED] src=2001:db8::2 dst=2001:db8::1 type=129 code=0 id=7 mark=0"
	if got, ok := parseTracked(line); !ok || got.SPort != 128<<8 || got.Proto != 58 || got.Packets != 0 || got.Replied || got.RSPort != 129<<8 {
		t.Errorf("got %+v, %v", got, ok)
	}
	for _, bad := range []string{"", "ipv4 2 tcp", "ipv4 2 tcp x", "ipv4 2 tcp 6 1 src=10.0.0.1", "ipv4 2 tcp 6 1 src=nonsense dst=10.0.0.1"} {
		if got, ok := parseTracked(bad); ok {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func TestXDPOfSeveralModes(t *testing.T) {
	id := func(n uint32) []byte { return native.AppendUint32(nil, n) }
	several := append(append(attribute(iflaXDPAttached, []byte{4}), attribute(iflaXDPDrvProgID, id(5))...), attribute(iflaXDPSkbProgID, id(6))...)
	if got := decodeXDP(several); got != (snap.XDPInfo{Native: 5, Generic: 6}) {
		t.Errorf("several: %+v", got)
	}
	offload := append(attribute(iflaXDPAttached, []byte{3}), attribute(iflaXDPProgID, id(7))...)
	if got := decodeXDP(offload); got != (snap.XDPInfo{Offload: 7}) {
		t.Errorf("offload: %+v", got)
	}
}

// FuzzDecode: no message, however mangled, makes a decoder panic or read beyond its end.
func FuzzDecode(f *testing.F) {
	f.Add(tcpSocket(1, 248))
	f.Add(request(20, 0, 1, tcpSocket(1, 100)))
	f.Add(append(make([]byte, unix.SizeofIfInfomsg), attribute(unix.IFLA_XDP, attribute(iflaXDPProgID, []byte{1, 2, 3}))...))
	f.Add(append(make([]byte, unix.SizeofRtMsg), attribute(unix.RTA_MULTIPATH, make([]byte, 16))...))
	f.Add(append(make([]byte, nfGenLen), attribute(ctaTupleOrig, attribute(ctaTupleIP, attribute(ctaIPv4Src, []byte{1, 2, 3, 4})))...))
	f.Add(qdiscMessage(tcHRoot, "fq_codel", 3, 4))
	f.Add(refusalMessage("filter", expression("counter", counterOf(7)), expression("immediate", verdictOf(nfDrop))))
	f.Fuzz(func(t *testing.T, b []byte) {
		for m := range messages(b) {
			decodeAll(m.payload)
		}
		decodeAll(b)
		parseTracked(string(b))
	})
}

func decodeAll(b []byte) {
	decodeSocket(b, unix.IPPROTO_TCP)
	decodeLink(b)
	decodeAddress(b)
	decodeRoute(b)
	decodeNexthop(b)
	decodeFilter(b, false)
	decodeTracked(b)
	decodeQdisc(b)
	decodeRefusal(b)
	_ = ackError(b)
}

// Whatever a rule has that ours have not makes it another one, also what only later kernels know.
func TestDecodeRule(t *testing.T) {
	plain := make([]byte, fibRuleHdr)
	plain[0], plain[7] = unix.AF_INET, ruleToTable
	for kind, v := range map[uint16]uint32{fraPriority: 7400, fraMark: 0x10, fraMask: 0xf0, fraTable: 267400, fraSuppressLen: 0xffffffff} {
		plain = append(plain, attr(kind, native.AppendUint32(nil, v))...)
	}
	plain = append(append(plain, attr(fraIIF, zeroEnded("lan0"))...), attr(fraProtocol, []byte{199})...)
	want := chain.Rule{Priority: 7400, Table: 267400, Mark: 0x10, Mask: 0xf0, From: "lan0", Protocol: 199}
	if r, ok := decodeRule(plain); !ok || r != want {
		t.Errorf("ours reads as %+v", r)
	}
	for kind := range uint16(64) {
		if bytes.Contains([]byte{fraPriority, fraMark, fraMask, fraTable, fraIIF, fraProtocol, fraPad}, []byte{byte(kind)}) {
			continue
		}
		more := append(slices.Clone(plain), attr(kind, []byte{0, 0, 0, 7})...)
		if r, ok := decodeRule(more); !ok || r.Rest != string(more) || !r.Own() {
			t.Errorf("with attribute %d it reads as %+v", kind, r)
		}
	}
	for _, at := range []int{1, 2, 3, 7, 8, 10} { // lengths, TOS, action, flags
		odd := slices.Clone(plain)
		odd[at] ^= 2
		if r, ok := decodeRule(odd); !ok || r.Rest == "" {
			t.Errorf("with byte %d of its header changed it reads as %+v", at, r)
		}
	}
}
