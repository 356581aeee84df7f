// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"hooktop/probes/snap"
)

func (h *Host) procTracked() ([]snap.Tracked, error) {
	var raw []byte
	err := h.Do(func() (err error) {
		raw, err = os.ReadFile("/proc/thread-self/net/nf_conntrack")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read connections: %w", err)
	}
	var all []snap.Tracked
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		if c, ok := parseTracked(lines.Text()); ok {
			all = append(all, c)
		}
	}
	return all, lines.Err()
}

// parseTracked reads one line:
// ipv4 2 tcp 6 431999 ESTABLISHED src=… dst=… sport=… dport=… packets=… bytes=… src=… … packets=… bytes=… [ASSURED] …
// The original direction comes first, the reply's fields repeat its names.
func parseTracked(line string) (snap.Tracked, bool) {
	words := strings.Fields(line)
	if len(words) < 4 {
		return snap.Tracked{}, false
	}
	proto, err := strconv.ParseUint(words[3], 10, 8)
	if err != nil {
		return snap.Tracked{}, false
	}
	c := snap.Tracked{Proto: uint8(proto), Replied: true}
	reply := direction{&c.RSrc, &c.RDst, &c.RSPort, &c.RDPort, &c.RPackets, &c.RBytes}
	original := direction{&c.Src, &c.Dst, &c.SPort, &c.DPort, &c.Packets, &c.Bytes}
	sources, addresses := 0, 0
	for _, w := range words[4:] {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			c.Replied = c.Replied && w != "[UNREPLIED]"
			continue
		}
		if name == "src" {
			sources++
		}
		if sources > 1 {
			reply.set(name, value)
			continue
		}
		if !original.set(name, value) {
			return snap.Tracked{}, false
		}
		if name == "src" || name == "dst" {
			addresses++
		}
	}
	return c, addresses == 2
}

// direction is where one direction's fields go.
type direction struct {
	src, dst       *snap.Addr
	sport, dport   *uint16
	packets, bytes *uint64
}

// set takes one field; false: its address can't be read. Fields that are not known, and numbers that are none, are left out.
func (d direction) set(name, value string) bool {
	switch name {
	case "src", "dst":
		a, err := netip.ParseAddr(value)
		if err != nil {
			return false
		}
		if name == "src" {
			*d.src = snap.AddrFrom(a)
		} else {
			*d.dst = snap.AddrFrom(a)
		}
		return true
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return true
	}
	switch name {
	case "sport":
		*d.sport = uint16(n)
	case "dport":
		*d.dport = uint16(n)
	case "type":
		*d.sport |= uint16(n) << 8
	case "code":
		*d.sport |= uint16(n) & 0xff
	case "packets":
		*d.packets = n
	case "bytes":
		*d.bytes = n
	}
	return true
}
