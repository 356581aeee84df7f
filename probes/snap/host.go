// SPDX-License-Identifier: Apache-2.0

package snap

import "fmt"

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
	Errors                                     LinkErrors
}

// LinkErrors are the counters of a device beside its drops, named as struct rtnl_link_stats64 names them
// (include/uapi/linux/if_link.h); 0 where the kernel is too old for one.
type LinkErrors struct {
	RxErrors, TxErrors                       uint64 // all of one direction
	Collisions                               uint64
	RxLength, RxOver, RxCRC, RxFrame, RxFIFO uint64
	RxMissed                                 uint64
	TxAborted, TxCarrier, TxFIFO             uint64
	RxNoHandler                              uint64 // 4.6
	RxOtherHost                              uint64 // 5.19
}

// Qdisc is a queueing discipline at a device's root, or its clsact or ingress one. Those below a root are counted in it.
type Qdisc struct {
	Device     int // ifindex
	Kind       string
	Handle     uint32
	Ingress    bool   // clsact or ingress, which also counts what filters of the egress hook drop
	Drops      uint32 // these wrap
	Overlimits uint32
}

// Refusal is a netfilter rule that drops or rejects packets and counts them.
type Refusal struct {
	Family  string // "ip", "ip6", "inet", "arp", "bridge", "netdev"
	Table   string
	Chain   string
	Handle  uint64 // of the rule, unique in its table
	Verdict string // "drop", "reject"
	Packets uint64
}

// Name of the rule's row in the ledger: as nft(8) would address it. Not cleaned.
func (r Refusal) Name() string {
	return fmt.Sprintf("%s %s %s %s #%d", r.Family, r.Table, r.Chain, r.Verdict, r.Handle)
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

// Tracked is one connection of conntrack.
type Tracked struct {
	Proto            uint8
	Src, Dst         Addr
	SPort, DPort     uint16
	Packets, Bytes   uint64 // original direction; 0 when accounting is off
	RSrc, RDst       Addr   // reply direction: where addresses are translated it is not the original one turned round
	RSPort, RDPort   uint16
	RPackets, RBytes uint64
	Replied          bool // a reply was seen
}
