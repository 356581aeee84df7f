// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"encoding/binary"
	"unsafe"

	"hooktop/probes/snap"
)

// RawKey is struct flow_key as the kernel writes it: comparable, and cheap to hash.
type RawKey [44]byte

// Entry is struct flow_entry, byte for byte: one flow as one CPU saw it. What is not needed is not decoded.
type Entry struct {
	key        RawKey
	packets    uint32
	bytesFlags uint64
	path       uint16
	gen        uint16
	last       uint32
}

// Bits of flow_key.tag and flow_entry.bytes_flags (bpf/include/wire.h).
const (
	tagVLAN      = 0x0fff
	tagEgress    = 0x1000
	tagFragFirst = 0x2000
	tagFragLater = 0x4000
	tagStacked   = 0x8000

	bytesMask     = 1<<47 - 1
	flowPackets   = 1<<28 - 1 // FLOW_PACKETS
	legShift      = 47
	legMask       = 0x7f
	deniedAgain   = 1 << 47 // DENIED_AGAIN
	deniedPorts   = 1 << 50 // DENIED_PORTS
	flowInner     = 1 << 54
	flowForwarded = 1 << 55
	tcpFlagsShift = 56
)

// Raw is the key as it stands in the kernel.
func (e *Entry) Raw() RawKey { return e.key }

// Key decodes the key.
func (e *Entry) Key() snap.FlowKey { return e.key.Decode() }

// Packets counts frames since the entry was made. A lower count than before means that it was folded and began again.
func (e *Entry) Packets() uint64 { return uint64(e.packets) }

// Bytes counts frame lengths.
func (e *Entry) Bytes() uint64 { return e.bytesFlags & bytesMask }

// TCPFlags are the flags seen, RFC 9293 bit order (FIN 1 … CWR 128).
func (e *Entry) TCPFlags() uint8 { return uint8(e.bytesFlags >> tcpFlagsShift) }

// Forwarded tells that the packets arrived on another device before.
func (e *Entry) Forwarded() bool { return e.bytesFlags&flowForwarded != 0 }

// Leg is the leg of a chain that the flow's packets are on, as the image of its generation numbers them; 0: none.
func (e *Entry) Leg() uint16 { return uint16(e.bytesFlags >> legShift & legMask) }

// Inner tells that the packets were seen inside a tunnel that is only counted: they are in no device's total.
func (e *Entry) Inner() bool { return e.bytesFlags&flowInner != 0 }

// denies tells of an entry of a denied flow that its verdict holds for packets that come after: they are counted there alone.
func (e *Entry) denies() bool { return e.bytesFlags&deniedAgain != 0 }

// Path is the index of what decided.
func (e *Entry) Path() uint16 { return e.path }

// Gen is the generation that decided, its low 16 bits.
func (e *Entry) Gen() uint16 { return e.gen }

// Last is when the last packet came, in jiffies (low 32 bits); see Clock.
func (e *Entry) Last() uint32 { return e.last }

// NewEntry makes an entry without a kernel.
func NewEntry(k snap.FlowKey, packets uint32, bytes uint64, tcpFlags uint8, forwarded bool, last uint32) Entry {
	e := Entry{key: EncodeKey(k), packets: packets, bytesFlags: bytes&bytesMask | uint64(tcpFlags)<<tcpFlagsShift, last: last}
	if forwarded {
		e.bytesFlags |= flowForwarded
	}
	return e
}

func (k *RawKey) tag() uint16    { return binary.LittleEndian.Uint16(k[40:]) }
func (k *RawKey) device() uint16 { return binary.LittleEndian.Uint16(k[42:]) }

// tagDevice is the word that tag and device slot share, for atomic access; of keys in the flow table only, which are aligned.
func (k *RawKey) tagDevice() *uint32 { return (*uint32)(unsafe.Pointer(&k[40])) }

// Decode gives the key as a value for screens.
func (k RawKey) Decode() snap.FlowKey {
	proto := binary.LittleEndian.Uint32(k[36:])
	tag := k.tag()
	out := snap.FlowKey{
		Src: snap.Addr(k[0:16]), Dst: snap.Addr(k[16:32]),
		SPort: binary.BigEndian.Uint16(k[32:]), DPort: binary.BigEndian.Uint16(k[34:]),
		Proto: uint8(proto), VNI: proto >> 8, VLAN: tag & tagVLAN, Dev: k.device(),
		Egress: tag&tagEgress != 0, Stacked: tag&tagStacked != 0,
	}
	switch {
	case tag&tagFragFirst != 0:
		out.Frag = snap.FragFirst
	case tag&tagFragLater != 0:
		out.Frag = snap.FragLater
	}
	return out
}

// EncodeKey is the inverse of RawKey.Decode.
func EncodeKey(f snap.FlowKey) RawKey {
	var k RawKey
	copy(k[0:], f.Src[:])
	copy(k[16:], f.Dst[:])
	binary.BigEndian.PutUint16(k[32:], f.SPort)
	binary.BigEndian.PutUint16(k[34:], f.DPort)
	binary.LittleEndian.PutUint32(k[36:], f.VNI<<8|uint32(f.Proto))
	tag := f.VLAN & tagVLAN
	if f.Egress {
		tag |= tagEgress
	}
	if f.Stacked {
		tag |= tagStacked
	}
	switch f.Frag {
	case snap.FragFirst:
		tag |= tagFragFirst
	case snap.FragLater:
		tag |= tagFragLater
	}
	binary.LittleEndian.PutUint16(k[40:], tag)
	binary.LittleEndian.PutUint16(k[42:], f.Dev)
	return k
}
