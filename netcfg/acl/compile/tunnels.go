// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"net/netip"

	"hooktop/netcfg/acl"
)

// What an image has room for (bpf/include/tunnel_image.h; a test of bpf/kern compares).
const (
	MaxTunnels  = 64
	MaxPrefixes = 512 // of all tunnel lines, peers and inner ones
)

// TunnelLine is a tunnel line that is switched on.
type TunnelLine struct {
	Kind         acl.TunnelKind
	Port         uint16
	AnyVNI       bool
	VNI          uint32
	To           netip.Addr // invalid: any
	Strip        bool
	Hit          uint16
	Peers, Inner List // in Image.Prefixes; no peers: anybody
}

// Served is a device of the kernel's that takes packets of tunnels.
type Served struct {
	Kind acl.TunnelKind
	Port uint16 // 0 for kinds without
	Dev  string
}

// Serves says which device of the kernel's takes the packets that a line would unwrap, "" for none.
func Serves(t *acl.Tunnel, served []Served) string {
	for _, s := range served {
		if t.Strip && !t.Off && s.Port == t.Port && (t.Port != 0 || s.Kind == t.Kind) {
			return s.Dev
		}
	}
	return ""
}

// tunnels puts the tunnel lines into the image. Each has counters, also those that are off.
func (c *compiler) tunnels() error {
	for i := range c.p.Tunnels {
		t := &c.p.Tunnels[i]
		hit := uint16(len(c.m.Hits))
		c.m.Hits = append(c.m.Hits, What{By: acl.ByTunnel, Index: i})
		if t.Off {
			continue
		}
		line := TunnelLine{Kind: t.Kind, Port: t.Port, AnyVNI: t.AnyVNI, VNI: t.VNI, To: t.To, Strip: t.Strip, Hit: hit,
			Peers: c.prefixes(t.Peers), Inner: c.prefixes(t.Inner)}
		if !t.Force && Serves(t, c.o.Served) != "" {
			line.Strip = false
		}
		c.m.Tunnels = append(c.m.Tunnels, line)
	}
	if n := len(c.m.Tunnels); n > MaxTunnels {
		return fmt.Errorf("compile policy: %d tunnel lines, there is room for %d", n, MaxTunnels)
	}
	if n := len(c.m.Prefixes); n > MaxPrefixes {
		return fmt.Errorf("compile policy: its tunnel lines name %d prefixes, there is room for %d", n, MaxPrefixes)
	}
	return nil
}

func (c *compiler) prefixes(list []netip.Prefix) List {
	out := List{Offset: uint32(len(c.m.Prefixes)), Len: uint32(len(list))}
	c.m.Prefixes = append(c.m.Prefixes, list...)
	return out
}
