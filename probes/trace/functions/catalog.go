// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"slices"
	"strings"
	"sync"

	"hooktop/probes/trace/types"
)

// Arg is one argument of a function.
type Arg struct {
	Name    string // "" where the kernel tells none
	Type    string // as C writes it: "struct sock *"
	Size    int    // bytes
	Slot    int    // index among the registers of arguments; -1: it lies on the stack
	Signed  bool
	Pointer bool
	Char    bool
	Bool    bool
	Opaque  bool     // a struct or union passed by value
	Enum    types.ID // 0: no enum
}

// Function is something that can be traced.
type Function struct {
	Name      string // "ip_rcv", or "skb:kfree_skb" for an event
	Module    string // "" when it is part of the kernel itself
	Signature string // "int ip_rcv(struct sk_buff *skb, struct net_device *dev, …)"; "" when the kernel tells none
	SKB       int    // index among the registers (of an event: among its arguments) of the first sk_buff, 0 … 4; -1: none
	Args      []Arg  // of an event: without the pointer of its registration, as a BTF-typed program gets them
	Returns   string // type, as C writes it; "" for events and where the kernel tells none
	Event     bool   // a tracepoint
	ID        uint32 // BTF id of what tells the signature, in the BTF of Module; 0: the kernel tells none
}

// Tracepoint is the name of an event without its group, "" for a function.
func (f *Function) Tracepoint() string {
	if !f.Event {
		return ""
	}
	return f.Name[strings.IndexByte(f.Name, ':')+1:]
}

// can says whether an entry can be traced, and why not.
type can uint8

const (
	canTrace       can = iota
	canNotTwice        // its name stands for more than one function
	canNotListed       // the kernel does not list it: inlined everywhere, or marked notrace
	canNotForbid       // the kernel forbids probes on it
	canNotAnything     // no function of this kernel can be traced
)

// entry is one function or event of the table, 16 bytes beside its name.
type entry struct {
	name  uint32 // offset into names
	typ   types.ID
	mod   uint16 // index into sets
	size  uint8  // length of the name
	skb   int8
	event bool
	can   can
}

// module is where functions come from. types is nil when the kernel tells none of its functions' signatures.
type module struct {
	name  string
	types *types.Set
}

// Catalog is what one kernel can trace. It does not change after Load and is safe for concurrent use.
type Catalog struct {
	names   string
	folded  string   // names in lower case
	entries []entry  // by name
	masks   []uint64 // which characters a name has, for Search
	mods    []module // the first is the kernel itself
	reasons map[uint32]string
	subsys  map[uint32]string
	lacks   string
	notes   []string
	count   Count
	symbols func() *symbols
}

// Count is how much can be traced.
type Count struct {
	Functions int // that can be attached to
	Packet    int // of them, those that take an sk_buff among their first five arguments
	Events    int
}

// Count says how much can be traced.
func (c *Catalog) Count() Count { return c.count }

// Lacks says why functions cannot be traced on this kernel, and what to do; "" when they can.
func (c *Catalog) Lacks() string { return c.lacks }

// Notes lists sources that could not be read and what is missed by that, a line each.
func (c *Catalog) Notes() []string { return slices.Clone(c.notes) }

func (c *Catalog) name(e *entry) string { return c.names[e.name : e.name+uint32(e.size)] }

// find returns where the entries of a name begin and end; a function and an event may share one.
func (c *Catalog) find(name string) (from, to int) {
	from, _ = slices.BinarySearchFunc(c.entries, name, func(e entry, name string) int { return strings.Compare(c.name(&e), name) })
	for to = from; to < len(c.entries) && c.name(&c.entries[to]) == name; to++ {
	}
	return from, to
}

// Lookup describes a function or event of exactly this name, also one that cannot be traced.
func (c *Catalog) Lookup(name string) (Function, bool) {
	from, to := c.find(name)
	if from == to {
		return Function{}, false
	}
	return c.function(&c.entries[from], true), true
}

// function makes the value of an entry; its arguments only when they are wanted.
func (c *Catalog) function(e *entry, args bool) Function {
	m := &c.mods[e.mod]
	f := Function{Name: c.name(e), Module: m.name, SKB: int(e.skb), Event: e.event, ID: uint32(e.typ)}
	if e.typ == 0 {
		return f
	}
	skip := 0
	if e.event {
		skip = 1 // what the tracepoint was registered with
	}
	f.Signature = m.types.Signature(f.Name, e.typ, skip)
	params, ret := m.types.Params(e.typ)
	if e.event {
		_, f.Signature, _ = strings.Cut(f.Signature, " ") // a tracepoint returns nothing, whatever runs it does
	} else {
		f.Returns = m.types.Name(ret)
	}
	if !args {
		return f
	}
	for i, p := range params[min(skip, len(params)):] {
		f.Args = append(f.Args, argument(m.types, p))
		if e.event {
			f.Args[i].Slot = i
		}
	}
	return f
}

func argument(set *types.Set, p types.Param) Arg {
	a := Arg{Name: p.Name, Type: set.Name(p.Type), Size: set.Size(p.Type), Slot: p.Slot}
	a.Signed, a.Char, a.Bool = set.Number(p.Type)
	switch behind := set.Strip(p.Type); set.Kind(behind) {
	case types.Ptr, types.Array, types.Func, types.FuncProto:
		a.Pointer = true
	case types.Struct, types.Union, types.Float:
		a.Opaque = true
	case types.Enum, types.Enum64:
		a.Enum = behind
	}
	return a
}

// DropReason names the reason of a drop as this kernel numbers it, "NO_SOCKET"; "" when it is not known. Reasons of a
// subsystem that the kernel does not name are "OPENVSWITCH:0x3".
func (c *Catalog) DropReason(code uint32) string {
	if name, ok := c.reasons[code]; ok {
		return name
	}
	if name, ok := c.subsys[code>>16]; ok && code>>16 != 0 {
		return name + ":0x" + hex(uint64(code&0xffff))
	}
	return ""
}

// Symbol names a kernel address: the function that it lies in, and how far behind its begin. "" when it lies in none, or
// when the kernel hides its addresses. The first call reads /proc/kallsyms, some 0.1 s; of
// modules loaded later nothing is known.
func (c *Catalog) Symbol(addr uint64) (name string, offset uint64) { return c.symbols().name(addr) }

// lazySymbols reads the kernel's symbols when they are first asked for.
func lazySymbols(path string) func() *symbols {
	return sync.OnceValue(func() *symbols { return loadSymbols(path) })
}
