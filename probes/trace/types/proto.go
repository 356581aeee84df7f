// SPDX-License-Identifier: Apache-2.0

package types

import (
	"runtime"
	"strings"
)

// Param is one parameter of a function.
type Param struct {
	Name string
	Type ID
	Slot int // register that carries it, counted from 0; -1: it lies on the stack
}

// slots is how many registers of the kernel's calling convention carry arguments that hooktop can read.
const slots = 5

// proto finds what a function, a pointer to a function, or a typedef of one takes.
func (s *Set) proto(id ID) (typ, bool) {
	for range maxDepth {
		t := s.look(id)
		switch t.kind {
		case FuncProto:
			return t, true
		case Func, Ptr, Typedef, Const, Volatile, Restrict, TypeTag:
			id = t.ref()
		default:
			return t, false
		}
	}
	return typ{}, false
}

// Params lists what a function takes; the second value is the type that it returns.
func (s *Set) Params(id ID) ([]Param, ID) {
	t, ok := s.proto(id)
	if !ok {
		return nil, 0
	}
	out := make([]Param, t.vlen)
	slot := 0
	for i := range out {
		out[i] = Param{Name: t.set.text(t.word(2 * i)), Type: ID(t.word(2*i + 1))}
		out[i].Slot, slot = s.place(out[i].Type, slot)
	}
	return out, t.ref()
}

// place says which register carries a parameter, and which is the next one that is free. Structs of up to 16 bytes take
// one or two registers; larger ones lie on the stack (x86-64 psABI 3.2.3), or are passed by address (AAPCS64 6.8.2).
func (s *Set) place(id ID, free int) (slot, next int) {
	need := 1
	if size := s.Size(id); size > 16 && runtime.GOARCH == "amd64" {
		return -1, free
	} else if size > 8 && size <= 16 {
		need = 2
	}
	if runtime.GOARCH == "amd64" && free+need > 6 {
		return -1, free // whole on the stack; a smaller one behind it may still get the register
	}
	return free, free + need
}

// PointerSlot is the register of the first parameter that points at a struct of this name, after skip parameters; -1: none of
// the first five registers carries one. The registers of skipped parameters do not count.
func (s *Set) PointerSlot(id ID, name string, skip int) int {
	t, ok := s.proto(id)
	if !ok {
		return -1
	}
	slot := 0
	for i := skip; i < t.vlen && slot < slots; i++ {
		param := ID(t.word(2*i + 1))
		if s.pointsAt(param, name) {
			return slot
		}
		_, slot = s.place(param, slot)
	}
	return -1
}

func (s *Set) pointsAt(id ID, name string) bool {
	t := s.look(s.Strip(id))
	if t.kind != Ptr {
		return false
	}
	t = s.look(s.Strip(t.ref()))
	return t.kind == Struct && t.name() == name
}

// Strip follows typedefs and qualifiers to the type behind them.
func (s *Set) Strip(id ID) ID {
	for range maxDepth {
		t := s.look(id)
		switch t.kind {
		case Typedef, Const, Volatile, Restrict, TypeTag:
			id = t.ref()
		default:
			return id
		}
	}
	return 0
}

// Kind is the kind of a type.
func (s *Set) Kind(id ID) Kind { return s.look(id).kind }

// Size is how many bytes a value has as a parameter; 0 for void and what has no size.
func (s *Set) Size(id ID) int {
	switch t := s.look(s.Strip(id)); t.kind {
	case Int, Struct, Union, Enum, Enum64, Float:
		return t.size()
	case Ptr, Array, Func, FuncProto:
		return 8 // arrays and functions are passed by their address
	}
	return 0
}

// Int's encoding (include/uapi/linux/btf.h).
const (
	encSigned = 1 << 24
	encChar   = 2 << 24
	encBool   = 4 << 24
)

// Number tells how to read an integer or an enum; char and bool also by their typedefs' encoding.
func (s *Set) Number(id ID) (signed, char, truth bool) {
	switch t := s.look(s.Strip(id)); t.kind {
	case Int:
		enc := t.word(0)
		return enc&encSigned != 0, enc&encChar != 0, enc&encBool != 0
	case Enum, Enum64:
		return t.flag, false, false
	}
	return false, false, false
}

// Signature writes a function as C declares it, "int ip_rcv(struct sk_buff *skb, struct net_device *dev)", without the first
// skip parameters.
func (s *Set) Signature(name string, id ID, skip int) string {
	t, ok := s.proto(id)
	if !ok {
		return ""
	}
	var b strings.Builder
	b.WriteString(declare(s.Name(t.ref()), name))
	b.WriteByte('(')
	for i := min(skip, t.vlen); i < t.vlen; i++ {
		if i > skip {
			b.WriteString(", ")
		}
		param, label := ID(t.word(2*i+1)), t.set.text(t.word(2*i))
		if param == 0 && i == t.vlen-1 {
			b.WriteString("...")
			continue
		}
		b.WriteString(declare(s.Name(param), label))
	}
	if t.vlen <= skip {
		b.WriteString("void")
	}
	b.WriteByte(')')
	return b.String()
}

// declare puts a name to a type: in front of, or within what C writes behind it.
func declare(kind, name string) string {
	if at := strings.IndexByte(kind, ')'); at >= 0 {
		return kind[:at] + name + kind[at:]
	}
	if at := strings.IndexByte(kind, '['); at >= 0 {
		return declare(kind[:at], name) + kind[at:]
	}
	if name == "" || strings.HasSuffix(kind, "*") {
		return kind + name
	}
	return kind + " " + name
}
