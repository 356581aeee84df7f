// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"hooktop/probes/snap"
)

// TCPState names a TCP state number (include/net/tcp_states.h) in the words of RFC 9293; "" for one that is not known.
func TCPState(n uint8) string {
	names := [...]string{1: "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED",
		"CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECEIVED"}
	if int(n) >= len(names) {
		return ""
	}
	return names[n]
}

// States that the packages above ask for.
const (
	Established = 1
	Listen      = 10
)

// netFiles lists the socket tables and what is in them.
var netFiles = [...]struct {
	name  string
	proto uint8
}{{"tcp", 6}, {"tcp6", 6}, {"udp", 17}, {"udp6", 17}, {"udplite", 136}, {"udplite6", 136}}

// NetSockets reads the socket tables below /proc/net: what is left where the kernel offers no sock_diag. It tells no
// round-trip times and no devices, and costs more than sock_diag on hosts with many sockets.
func (r *Reader) NetSockets() ([]snap.Socket, error) {
	var all []snap.Socket
	read := 0
	for _, f := range netFiles {
		b, err := os.ReadFile(filepath.Join(r.root, "net", f.name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // IPv6 or the protocol is not there
		}
		if err != nil {
			return nil, fmt.Errorf("read sockets: %w", err)
		}
		read++
		all = ParseSockets(all, b, f.proto)
	}
	if read == 0 {
		return nil, fmt.Errorf("read sockets: no table in %s", filepath.Join(r.root, "net"))
	}
	return all, nil
}

// ParseSockets appends the sockets of one table (the contents of /proc/net/tcp, udp6 …) to dst. Lines that make no sense
// are left out.
func ParseSockets(dst []snap.Socket, table []byte, proto uint8) []snap.Socket {
	first := true
	for line := range bytes.Lines(table) {
		if first { // heading
			first = false
			continue
		}
		f := bytes.Fields(line)
		if len(f) < 10 {
			continue
		}
		s := snap.Socket{Proto: proto}
		var ok1, ok2, ok3 bool
		s.Local, s.LPort, ok1 = endpoint(f[1])
		s.Peer, s.PPort, ok2 = endpoint(f[2])
		state, err := strconv.ParseUint(string(f[3]), 16, 8)
		uid, ok := number(f[7])
		s.Inode, ok3 = number(f[9])
		if !ok1 || !ok2 || !ok3 || err != nil || !ok || uid >= 1<<32 {
			continue
		}
		s.State, s.UID = uint8(state), uint32(uid)
		if proto == 6 {
			s.TCP.State = TCPState(s.State)
		}
		dst = append(dst, s)
	}
	return dst
}

// endpoint reads "0100007F:0016": the address as 32-bit words in host order, each printed as hexadecimal digits.
func endpoint(s []byte) (a snap.Addr, port uint16, ok bool) {
	i := bytes.IndexByte(s, ':')
	if i != 8 && i != 32 {
		return a, 0, false
	}
	var raw [16]byte
	if _, err := hex.Decode(raw[:], s[:i]); err != nil {
		return a, 0, false
	}
	at := 0
	if i == 8 {
		a[10], a[11] = 0xff, 0xff
		at = 12
	}
	for w := 0; w < i/2; w += 4 {
		binary.NativeEndian.PutUint32(a[at+w:], binary.BigEndian.Uint32(raw[w:]))
	}
	n, err := strconv.ParseUint(string(s[i+1:]), 16, 16)
	return a, uint16(n), err == nil
}
