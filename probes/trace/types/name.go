// SPDX-License-Identifier: Apache-2.0

package types

import (
	"strconv"
	"strings"
)

// Name writes a type as C does: "const struct sk_buff *", "u32", "void (*)(struct sock *)" as "void (*)()".
func (s *Set) Name(id ID) string { return s.nameAt(id, 0) }

func (s *Set) nameAt(id ID, depth int) string {
	t := s.look(id)
	if depth > maxDepth {
		return "…"
	}
	switch t.kind {
	case Void:
		return "void"
	case Int, Typedef, Float:
		return t.name()
	case Ptr:
		return s.pointer(t.ref(), depth+1)
	case Array:
		return s.nameAt(ID(t.word(0)), depth+1) + "[" + strconv.FormatUint(uint64(t.word(2)), 10) + "]"
	case Struct:
		return tagged("struct", t.name())
	case Union:
		return tagged("union", t.name())
	case Enum, Enum64:
		return tagged("enum", t.name())
	case Fwd:
		if t.flag {
			return tagged("union", t.name())
		}
		return tagged("struct", t.name())
	case Const:
		return s.qualified("const", t.ref(), depth+1)
	case Volatile:
		return s.qualified("volatile", t.ref(), depth+1)
	case Restrict, TypeTag:
		return s.nameAt(t.ref(), depth+1)
	case FuncProto, Func:
		return "function"
	}
	return t.name()
}

func tagged(tag, name string) string {
	if name == "" {
		return tag
	}
	return tag + " " + name
}

// qualified puts a qualifier before a type, but behind the star of a pointer.
func (s *Set) qualified(word string, id ID, depth int) string {
	name := s.nameAt(id, depth)
	if strings.HasSuffix(name, "*") {
		return name + word
	}
	return word + " " + name
}

// pointer puts the star beside the name that is to come: "int (*)()", "int (**)()", "int (*)[3]".
func (s *Set) pointer(id ID, depth int) string {
	if t := s.look(id); t.kind == FuncProto {
		return s.nameAt(t.ref(), depth) + " (*)()"
	}
	name := s.nameAt(id, depth)
	if at := strings.IndexByte(name, ')'); at >= 0 {
		return name[:at] + "*" + name[at:]
	}
	if at := strings.IndexByte(name, '['); at >= 0 {
		return name[:at] + " (*)" + name[at:]
	}
	if strings.HasSuffix(name, "*") {
		return name + "*"
	}
	return name + " *"
}
