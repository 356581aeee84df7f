// SPDX-License-Identifier: Apache-2.0

package decap

// advice says what can be done about packets that are not unwrapped for a reason, "" where the reason says it all.
func advice(reason, dev string) string {
	switch reason {
	case "VNI not allowed":
		return "no strip line of this port names the VNI: b drafts one"
	case "peer not allowed":
		return "no strip line names this peer: it may be a stranger"
	case "not ours":
		return "no strip line names this local address: left to the kernel"
	case "inner source not allowed":
		return "outside the line's inner prefixes: e edits them"
	case "inner source forged":
		return "nobody outside has such an address: it is forged, or used twice"
	case "nested too deep":
		return "a tunnel in the tunnel: only the outer one could be taken off"
	case "not IP inside":
		return "ARP or a VLAN tag: nobody answers inside, give the far end a fixed neighbour"
	case "fragment":
		return "fragments are not put together: lower the MTU inside the tunnel"
	case "super-packet to forward":
		return "joined by TSO or GRO, and not for this host: XDP native on a veth, else ethtool -K " + dev + " gro off"
	case "VLAN tag in front":
		return "tc takes nothing off behind a tag: watch the VLAN's own device, or use XDP there"
	case "other IP family":
		return "tc can't before Linux 6.3: use XDP there"
	case "unknown critical option", "control message", "unknown payload":
		return "for the far end of the tunnel: left to the kernel"
	case "strip failed":
		return "the kernel refused to take the header off: left to it"
	}
	return ""
}
