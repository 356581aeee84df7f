// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Packet is one frame, or the beginning of one.
type Packet struct {
	At      time.Time
	Dev     string
	L3      bool // the data begins with the IP header
	Out     bool
	Len     int // on the wire; at least len(Data)
	Data    []byte
	Comment string
}

// Block types and options of the format.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 6
	byteOrder      = 0x1a2b3c4d

	optComment  = 1
	optUserAppl = 4 // of the section
	optIfName   = 2
	optTsResol  = 9
	optFlags    = 2 // of a packet
	inbound     = 1
	outbound    = 2

	linkEthernet = 1   // www.tcpdump.org/linktypes.html
	linkRaw      = 101 // begins with the IP header
	nanoseconds  = 9

	maxOption = 1<<16 - 4 // their length has 16 bits, and is padded
)

// device is what interface blocks tell apart.
type device struct {
	name string
	l3   bool
}

// Write writes a whole file. comment is the section's, "" for none.
func Write(w io.Writer, writer, comment string, packets []Packet) error {
	b := section(nil, writer, comment)
	interfaces := map[device]uint32{}
	for i := range packets {
		p := &packets[i]
		d := device{p.Dev, p.L3}
		n, known := interfaces[d]
		if !known {
			n = uint32(len(interfaces))
			interfaces[d] = n
			b = d.block(b)
		}
		b = p.block(b, n)
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	return nil
}

func section(b []byte, writer, comment string) []byte {
	b, start := begin(b, blockSection)
	b = binary.LittleEndian.AppendUint32(b, byteOrder)
	b = binary.LittleEndian.AppendUint16(b, 1) // version 1.0
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint64(b, ^uint64(0)) // the section's length is not told
	return end(endOptions(text(text(b, optUserAppl, writer), optComment, comment)), start)
}

func (d device) block(b []byte) []byte {
	b, start := begin(b, blockInterface)
	link := uint16(linkEthernet)
	if d.l3 {
		link = linkRaw
	}
	b = binary.LittleEndian.AppendUint16(b, link)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint32(b, 0) // frames are cut at no length that holds for all
	b = text(b, optIfName, d.name)
	return end(endOptions(option(b, optTsResol, []byte{nanoseconds})), start)
}

func (p *Packet) block(b []byte, n uint32) []byte {
	b, start := begin(b, blockPacket)
	b = binary.LittleEndian.AppendUint32(b, n)
	at := uint64(max(0, p.At.UnixNano()))
	b = binary.LittleEndian.AppendUint32(b, uint32(at>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(at))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p.Data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(max(p.Len, len(p.Data))))
	b = pad(append(b, p.Data...))
	b = text(b, optComment, p.Comment)
	way := uint32(inbound)
	if p.Out {
		way = outbound
	}
	return end(endOptions(option(b, optFlags, binary.LittleEndian.AppendUint32(nil, way))), start)
}

// begin leaves room for the block's length. Blocks and options are padded to four bytes: so is b before each.
func begin(b []byte, kind uint32) (out []byte, start int) {
	start = len(b)
	b = binary.LittleEndian.AppendUint32(b, kind)
	return binary.LittleEndian.AppendUint32(b, 0), start
}

func end(b []byte, start int) []byte {
	n := uint32(len(b) - start + 4)
	binary.LittleEndian.PutUint32(b[start+4:], n)
	return binary.LittleEndian.AppendUint32(b, n)
}

func option(b []byte, code uint16, value []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...))
}

// text writes an option of UTF-8 without its end of string; none for "".
func text(b []byte, code uint16, s string) []byte {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) > maxOption {
		s = s[:maxOption]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	if s == "" {
		return b
	}
	return option(b, code, []byte(s))
}

func endOptions(b []byte) []byte { return append(b, 0, 0, 0, 0) }

func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
