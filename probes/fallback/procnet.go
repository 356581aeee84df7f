// SPDX-License-Identifier: Apache-2.0

package fallback

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"hooktop/probes/snap"
)

// ReadProcNet reads net/{tcp,tcp6,udp,udp6} of a /proc directory, for hosts where sock_diag refuses. Without IPv6 its
// files are missing, which is no error; it fails when none can be read.
func ReadProcNet(proc fs.FS) ([]snap.Socket, error) {
	var out []snap.Socket
	var errs []error
	for _, f := range []struct {
		name  string
		proto uint8
	}{{"net/tcp", 6}, {"net/tcp6", 6}, {"net/udp", 17}, {"net/udp6", 17}} {
		r, err := proc.Open(f.name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list, err := parseProcNet(r, f.proto)
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("read /proc/%s: %w", f.name, err)
		}
		out = append(out, list...)
	}
	if len(errs) == 4 {
		return nil, errors.Join(errs...)
	}
	return out, nil
}

// parseProcNet reads the lines of net/ipv4/tcp_ipv4.c:get_tcp4_sock and its siblings: sl local_address rem_address st
// tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode. A line of another shape is skipped: the kernel may add some.
func parseProcNet(r io.Reader, proto uint8) ([]snap.Socket, error) {
	var out []snap.Socket
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 10 || !strings.HasSuffix(f[0], ":") {
			continue
		}
		s := snap.Socket{Proto: proto}
		var ok [3]bool
		s.Local, s.LPort, ok[0] = parseEndpoint(f[1])
		s.Peer, s.PPort, ok[1] = parseEndpoint(f[2])
		state, err := strconv.ParseUint(f[3], 16, 8)
		ok[2] = err == nil
		if ok != [3]bool{true, true, true} {
			continue
		}
		s.State = uint8(state)
		uid, _ := strconv.ParseUint(f[7], 10, 32) // 0 when it can't be read: root's own sockets are 0, too
		s.UID = uint32(uid)
		s.Inode, _ = strconv.ParseUint(f[9], 10, 64)
		out = append(out, s)
	}
	return out, lines.Err()
}

// parseEndpoint reads 0100007F:0016: 32-bit words in the host's order, the port in hexadecimal.
func parseEndpoint(s string) (a snap.Addr, port uint16, ok bool) {
	host, p, found := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	if !found || err != nil || len(raw) != 4 && len(raw) != 16 {
		return a, 0, false
	}
	n, err := strconv.ParseUint(p, 16, 16)
	if err != nil {
		return a, 0, false
	}
	if len(raw) == 4 {
		a[10], a[11] = 0xff, 0xff
	}
	at := len(a) - len(raw)
	for i := 0; i < len(raw); i += 4 { // printed as a number: the first digits are its high byte
		binary.NativeEndian.PutUint32(a[at+i:], binary.BigEndian.Uint32(raw[i:]))
	}
	return a, uint16(n), true
}
