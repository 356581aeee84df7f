// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"
)

// ID is the number of a type; 0 is void.
type ID uint32

// Kind is BTF's kind of a type (include/uapi/linux/btf.h).
type Kind uint8

const (
	Void Kind = iota
	Int
	Ptr
	Array
	Struct
	Union
	Enum
	Fwd
	Typedef
	Volatile
	Const
	Restrict
	Func
	FuncProto
	Var
	Datasec
	Float
	DeclTag
	TypeTag
	Enum64
)

const (
	magic     = 0xeb9f
	headerLen = 24
	maxDepth  = 64 // of types that name types: nothing real comes near, a blob that names itself does not hang us
)

// ErrFormat is what all errors about a blob's contents wrap.
var ErrFormat = errors.New("no valid BTF")

// Set is one blob of types. It is not changed after Parse and safe for concurrent use.
type Set struct {
	base  *Set
	raw   []byte   // types
	names []byte   // strings, each ended by a NUL
	first ID       // of the types here
	at    []uint32 // where each type begins in raw
	end   uint32   // of the string offsets of base and this
}

// Parse reads a blob as /sys/kernel/btf has it; base is the set that a module's blob builds on, nil for vmlinux. The blob is
// kept, and must not change.
func Parse(blob []byte, base *Set) (*Set, error) {
	if len(blob) < headerLen {
		return nil, fmt.Errorf("read types: %w: %d bytes", ErrFormat, len(blob))
	}
	if m := binary.LittleEndian.Uint16(blob); m != magic {
		return nil, fmt.Errorf("read types: %w: it begins with %#04x, not %#04x", ErrFormat, m, magic)
	}
	head, word := uint64(u32(blob, 4)), func(i uint32) uint64 { return uint64(u32(blob, i)) }
	types, names := head+word(8), head+word(16)
	if size := uint64(len(blob)); types+word(12) > size || names+word(20) > size {
		return nil, fmt.Errorf("read types: %w: sections end behind its %d bytes", ErrFormat, size)
	}
	s := &Set{base: base, raw: blob[types : types+word(12)], names: blob[names : names+word(20)], first: 1}
	s.end = uint32(len(s.names))
	if base != nil {
		s.first, s.end = base.first+ID(len(base.at)), base.end+s.end
	}
	if len(s.names) == 0 && base == nil || len(s.names) > 0 && s.names[len(s.names)-1] != 0 {
		return nil, fmt.Errorf("read types: %w: its last name has no end", ErrFormat)
	}
	return s, s.walk()
}

func (s *Set) walk() error {
	s.at = make([]uint32, 0, len(s.raw)/24)
	for at := 0; at < len(s.raw); {
		if len(s.raw)-at < 12 {
			return fmt.Errorf("read types: %w: type %d is cut off", ErrFormat, int(s.first)+len(s.at))
		}
		s.at = append(s.at, uint32(at))
		n, ok := extra(u32(s.raw, uint32(at)+4))
		if !ok {
			return fmt.Errorf("read types: %w: type %d is of a kind that is not known here", ErrFormat, int(s.first)+len(s.at)-1)
		}
		if at += 12 + n; at > len(s.raw) {
			return fmt.Errorf("read types: %w: type %d is cut off", ErrFormat, int(s.first)+len(s.at)-1)
		}
	}
	return nil
}

// extra is how many bytes follow the three words that each type has.
func extra(info uint32) (int, bool) {
	vlen := int(info & 0xffff)
	switch kindOf(info) {
	case Ptr, Fwd, Typedef, Volatile, Const, Restrict, Func, Float, TypeTag:
		return 0, true
	case Int, Var, DeclTag:
		return 4, true
	case Array:
		return 12, true
	case Struct, Union, Datasec, Enum64:
		return 12 * vlen, true
	case Enum, FuncProto:
		return 8 * vlen, true
	}
	return 0, false
}

func kindOf(info uint32) Kind { return Kind(info >> 24 & 0x1f) }

func u32(b []byte, at uint32) uint32 { return binary.LittleEndian.Uint32(b[at:]) }

// typ is one type where it lies.
type typ struct {
	set  *Set
	at   uint32
	kind Kind
	vlen int
	flag bool
}

// look finds a type; void for what does not exist.
func (s *Set) look(id ID) typ {
	for s.base != nil && id < s.first {
		s = s.base
	}
	if i := id - s.first; id >= s.first && int(i) < len(s.at) {
		at := s.at[i]
		info := u32(s.raw, at+4)
		return typ{s, at, kindOf(info), int(info & 0xffff), info>>31 == 1}
	}
	return typ{set: s}
}

func (t typ) void() bool { return t.kind == Void }

// ref is the type that this one names.
func (t typ) ref() ID { return ID(u32(t.set.raw, t.at+8)) }

func (t typ) size() int { return int(u32(t.set.raw, t.at+8)) }

// word is one of those that follow the type's three.
func (t typ) word(i int) uint32 { return u32(t.set.raw, t.at+12+4*uint32(i)) }

func (t typ) name() string {
	if t.void() {
		return ""
	}
	return t.set.text(u32(t.set.raw, t.at))
}

// text is the string at an offset, "" when there is none. It shares the blob's memory.
func (s *Set) text(off uint32) string {
	if s.base != nil {
		if off < s.base.end {
			return s.base.text(off)
		}
		off -= s.base.end
	}
	if int64(off) >= int64(len(s.names)) {
		return ""
	}
	b := s.names[off:]
	return unsafe.String(unsafe.SliceData(b), bytes.IndexByte(b, 0))
}

// All walks over the types of this set, not of its base.
func (s *Set) All(visit func(id ID, kind Kind, name string)) {
	for i, at := range s.at {
		visit(s.first+ID(i), kindOf(u32(s.raw, at+4)), s.text(u32(s.raw, at)))
	}
}

// Len is how many types the set has, without its base.
func (s *Set) Len() int { return len(s.at) }
