// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"strconv"

	"hooktop/probes/trace/types"
)

func hex(v uint64) string { return strconv.FormatUint(v, 16) }

// FormatArgs writes the arguments of one call by their types, "size=1448 flags=0x40 sk=0xffff888004a1c000": bare addresses come
// last, as they tell an operator least. regs are the registers of the first five arguments (of an event: its first five
// arguments); arguments that no register carries are "?". Without a signature it writes the registers.
func (c *Catalog) FormatArgs(f *Function, regs [5]uint64) string {
	b := make([]byte, 0, 96)
	if f.ID == 0 {
		for i, v := range regs {
			b = append(b, " arg"...)
			b = strconv.AppendInt(b, int64(i), 10)
			b = append(b, "=0x"...)
			b = strconv.AppendUint(b, v, 16)
		}
		return string(b[1:])
	}
	for _, pointers := range []bool{false, true} {
		for i := range f.Args {
			if a := &f.Args[i]; a.Pointer == pointers {
				b = c.appendArg(b, f, a, regs)
			}
		}
	}
	return string(b)
}

func (c *Catalog) appendArg(b []byte, f *Function, a *Arg, regs [5]uint64) []byte {
	known := a.Slot >= 0 && a.Slot < len(regs) && !(a.Opaque && a.Size > 8)
	if len(b) > 0 {
		b = append(b, ' ')
	}
	if a.Name != "" {
		b = append(append(b, a.Name...), '=')
	}
	if !known {
		return append(b, '?')
	}
	return c.appendValue(b, f.Module, a, regs[a.Slot])
}

// FormatReturn writes what a function returned by its type; "" for void and where the type is not known.
func (c *Catalog) FormatReturn(f *Function, value uint64) string {
	m := c.module(f.Module)
	if f.ID == 0 || f.Event || m == nil || f.Returns == "void" {
		return ""
	}
	_, ret := m.types.Params(types.ID(f.ID))
	a := argument(m.types, types.Param{Type: ret})
	return string(c.appendValue(nil, f.Module, &a, value))
}

// appendValue writes a value: only the bytes of its type count, callers leave the rest of the register as it was.
func (c *Catalog) appendValue(b []byte, mod string, a *Arg, v uint64) []byte {
	shift := uint(0)
	if a.Size > 0 && a.Size < 8 {
		shift = uint(64 - 8*a.Size)
	}
	short, wide := v<<shift>>shift, int64(v<<shift)>>shift
	switch {
	case a.Pointer && v == 0:
		return append(b, "NULL"...)
	case a.Pointer, a.Opaque:
		return strconv.AppendUint(append(b, "0x"...), short, 16)
	case a.Bool:
		return strconv.AppendBool(b, short&0xff != 0)
	case a.Char && short >= 0x20 && short < 0x7f:
		return strconv.AppendQuoteRune(b, rune(short))
	case a.Enum != 0:
		value := short
		if a.Signed {
			value = uint64(wide)
		}
		if m := c.module(mod); m != nil {
			if name := m.types.ValueName(a.Enum, value); name != "" {
				return append(b, name...)
			}
		}
	case flagLike(a):
		return strconv.AppendUint(append(b, "0x"...), short, 16)
	}
	if a.Signed {
		return strconv.AppendInt(b, wide, 10)
	}
	return strconv.AppendUint(b, short, 10)
}

// flagLike says whether a number is a set of bits, which nobody reads in decimal.
func flagLike(a *Arg) bool {
	switch a.Name {
	case "flags", "features", "mask", "mark", "gfp", "gfp_mask", "priority", "addr", "cookie":
		return true
	}
	return a.Type == "gfp_t" || a.Type == "netdev_features_t"
}

func (c *Catalog) module(name string) *module {
	for i := range c.mods {
		if c.mods[i].name == name && c.mods[i].types != nil {
			return &c.mods[i]
		}
	}
	return nil
}
