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
		if !t.Force && t.ServedBy(c.p.Served) != "" {
			line.Strip = false // suspended: the kernel's device gets them
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
