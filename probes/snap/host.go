// SPDX-License-Identifier: Apache-2.0

package snap

// What the engine is told about the host by those who may ask the kernel over netlink (netcfg/nl). Plain values, so that
// probes need no netlink.

// Link is a network device.
type Link struct {
	Index                                      int
	Name                                       string
	Kind                                       string // rtnl kind: "veth", "bond", "bridge", "vlan", "wireguard", "tun", "" for hardware
	MAC                                        [6]byte
	MTU                                        int
	Up                                         bool // administratively up
	Carrier                                    bool
	CarrierChanges                             uint32 // since the device was made: a flap is two
	Master                                     int    // ifindex of bond, bridge or VRF, 0: none
	Parent                                     int    // ifindex of the lower device (VLAN, macvlan …), 0: none
	L3                                         bool   // frames begin with the IP header (ARPHRD_NONE, RAWIP, PPP, tunnels)
	Loopback                                   bool
	XDP                                        XDPInfo
	RxPackets, TxPackets, RxDropped, TxDropped uint64
}

// XDPInfo is what sits on a device's XDP hooks (IFLA_XDP).
type XDPInfo struct {
	Native, Generic, Offload uint32 // program ids, 0: none
}

// LinkEvent is a change seen over netlink. Gone: the device vanished.
type LinkEvent struct {
	Link Link
	Gone bool
}

// Socket is one entry of a sock_diag dump.
type Socket struct {
	Proto        uint8 // IPPROTO_TCP, IPPROTO_UDP …
	Local, Peer  Addr
	LPort, PPort uint16
	Device       int   // bound ifindex, 0: any
	State        uint8 // TCP state number (include/net/tcp_states.h)
	UID          uint32
	Inode        uint64
	TCP          TCPInfo
}

// Tracked is one connection of conntrack, for the fallback without eBPF.
type Tracked struct {
	Proto            uint8
	Src, Dst         Addr
	SPort, DPort     uint16
	Packets, Bytes   uint64 // original direction; 0 when accounting is off
	RPackets, RBytes uint64 // reply direction
}
