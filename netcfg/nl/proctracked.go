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
			setReply(&c, name, value)
			continue
		}
		switch name {
		case "src", "dst":
			a, err := netip.ParseAddr(value)
			if err != nil {
				return snap.Tracked{}, false
			}
			addresses++
			if name == "src" {
				c.Src = snap.AddrFrom(a)
			} else {
				c.Dst = snap.AddrFrom(a)
			}
		default:
			setOriginal(&c, name, value)
		}
	}
	return c, addresses == 2
}

func setOriginal(c *snap.Tracked, name, value string) {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return
	}
	switch name {
	case "sport":
		c.SPort = uint16(n)
	case "dport":
		c.DPort = uint16(n)
	case "type":
		c.SPort |= uint16(n) << 8
	case "code":
		c.SPort |= uint16(n) & 0xff
	case "packets":
		c.Packets = n
	case "bytes":
		c.Bytes = n
	}
}

func setReply(c *snap.Tracked, name, value string) {
	if name == "src" || name == "dst" {
		a, err := netip.ParseAddr(value)
		switch {
		case err != nil:
		case name == "src":
			c.RSrc = snap.AddrFrom(a)
		default:
			c.RDst = snap.AddrFrom(a)
		}
		return
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return
	}
	switch name {
	case "sport":
		c.RSPort = uint16(n)
	case "dport":
		c.RDPort = uint16(n)
	case "type":
		c.RSPort |= uint16(n) << 8
	case "code":
		c.RSPort |= uint16(n) & 0xff
	case "packets":
		c.RPackets = n
	case "bytes":
		c.RBytes = n
	}
}
