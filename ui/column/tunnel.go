// SPDX-License-Identifier: Apache-2.0

package column

import (
	"math"

	"hooktop/probes/snap"
)

// What a tunnel's row has beside what a flow has. Its source is the peer, its destination the local endpoint.
const (
	TunnelKind Field = Args + 1 + iota
	TunnelPort
	Inner
	Fate
	RateErrs
	Errors
	Stripped
)

// Fates are what becomes of a tunnel's packets, as the Decap tab says it.
func Fates() []string { return []string{"strips", "counts", "suspended", "off", "none"} }

// Tunnels returns the columns of the Decap tab.
func Tunnels() *Set {
	return NewSet([]Column{
		{Key: "kind", Title: "TUNNEL", Kind: Word, Field: TunnelKind, Help: "kind of the tunnel", Aliases: []string{"type", "tunnel"}, Any: true, Export: "kind",
			Values: []string{"vxlan", "vxlan-gpe", "geneve", "gue", "gtpu", "gre", "ipip"}},
		{Key: "peer", Title: "PEER", Kind: Address, Field: Source, Help: "outer source address", Aliases: []string{"src", "from", "source"}, Export: "peer"},
		{Key: "local", Title: "LOCAL", Kind: Address, Field: Destination, Help: "outer destination address", Aliases: []string{"dst", "to", "destination"}, Export: "local"},
		{Key: "host", Title: "HOST", Kind: Endpoint, Field: Host, Help: "either end", Aliases: []string{"net", "addr", "ip"}, Both: true},
		{Key: "port", Title: "PORT", Kind: Port, Field: TunnelPort, Help: "outer destination port", Aliases: []string{"dport"}, Export: "port"},
		{Key: "vni", Title: "VNI", Kind: Count, Field: VNI, Help: "VNI, GRE key or TEID", Aliases: []string{"key", "teid"}, Export: "vni"},
		{Key: "inner", Title: "INNER", Kind: Word, Field: Inner, Help: "what is inside", Values: []string{"eth", "ip4", "ip6"}, Export: "inner"},
		{Key: "pps", Title: "PPS", Kind: PPS, Field: RatePPS, Help: "packets per second", Aliases: []string{"rate"}, Export: "pps"},
		{Key: "errs", Title: "ERR/S", Kind: PPS, Field: RateErrs, Help: "packets with an error per second", Aliases: []string{"err", "err/s"}, Export: "errors_ps"},
		{Key: "fate", Title: "POLICY", Kind: Word, Field: Fate, Help: "what the policy does with them", Aliases: []string{"policy", "state"}, Values: Fates(), Any: true, Export: "fate"},
		{Key: "last", Title: "LAST", Kind: Duration, Field: Idle, Help: "time since the last packet", Aliases: []string{"idle"}, Export: "idle_s"},
		{Key: "stripped", Title: "STRIPPED", Kind: Count, Field: Stripped, Help: "packets unwrapped", Export: "stripped"},
		{Key: "bps", Title: "BITS/S", Kind: Bits, Field: RateBPS, Help: "bits per second, outer frames", Aliases: []string{"bits", "bits/s"}, Export: "bps"},
		{Key: "packets", Title: "PACKETS", Kind: Count, Field: Packets, Help: "packets seen", Aliases: []string{"pkts"}, Export: "packets"},
		{Key: "bytes", Title: "BYTES", Kind: Size, Field: Bytes, Help: "bytes seen, outer frames", Export: "bytes"},
		{Key: "errors", Title: "ERRORS", Kind: Count, Field: Errors, Help: "packets with an error", Export: "errors"},
		{Key: "dev", Title: "DEV", Kind: Word, Field: Dev, Help: "device", Aliases: []string{"device", "if", "iface", "interface"}, Any: true, Export: "dev"},
		{Key: "line", Title: "LINE", Kind: Count, Field: Rule, Help: "line of the policy that speaks of it, 0: none", Aliases: []string{"rule"}, Export: "line"},
	})
}

// TunnelRow reads a snap.Tunnel. Fate is one of Fates.
type TunnelRow struct {
	*snap.Tunnel
	Fate string
}

// Address implements Row.
func (r TunnelRow) Address(f Field) snap.Addr {
	if f == Destination {
		return snap.AddrFrom(r.Local)
	}
	return snap.AddrFrom(r.Peer)
}

// Number implements Row.
func (r TunnelRow) Number(f Field) float64 {
	switch f {
	case TunnelPort:
		return known(r.Port != 0, float64(r.Port))
	case VNI:
		return known(r.HasVNI, float64(r.Tunnel.VNI))
	case RatePPS:
		return r.PPS
	case RateErrs:
		return r.ErrPS
	case RateBPS:
		return r.BPS
	case Idle:
		return r.Last.Seconds()
	case Stripped:
		return float64(r.Tunnel.Stripped)
	case Packets:
		return float64(r.Tunnel.Packets)
	case Bytes:
		return float64(r.Tunnel.Bytes)
	case Errors:
		var n uint64
		for _, c := range r.Tunnel.Errors {
			n += c.N
		}
		return float64(n)
	case Rule:
		return float64(r.Line)
	}
	return math.NaN()
}

// Text implements Row.
func (r TunnelRow) Text(f Field) string {
	switch f {
	case TunnelKind:
		return r.Kind
	case Inner:
		return r.Tunnel.Inner
	case Fate:
		return r.Fate
	case Dev:
		return r.Tunnel.Dev
	}
	return ""
}
