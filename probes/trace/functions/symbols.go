// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"os"
	"slices"
	"strings"
)

// symbols are the kernel's functions by address.
type symbols struct {
	names string
	at    []symbol
}

type symbol struct {
	addr uint64
	name uint32 // offset into names
	size uint8
}

// furthest is how long a function may be: what lies further behind the last symbol before it belongs to nothing known.
const furthest = 1 << 20

func loadSymbols(path string) *symbols {
	f, err := os.Open(path)
	if err != nil {
		return &symbols{} // what has no name is shown as an address
	}
	defer f.Close()
	return readSymbols(f)
}

// readSymbols reads what /proc/kallsyms prints: "ffffffff81000000 T name" or "… name\t[module]".
func readSymbols(r io.Reader) *symbols {
	s := &symbols{}
	var names []byte
	eachSymbol(r, func(addr uint64, name, _ []byte) {
		if addr == 0 {
			return // hidden by kptr_restrict
		}
		s.at = append(s.at, symbol{addr, uint32(len(names)), uint8(len(name))})
		names = append(names, name...)
	})
	// The kernel lists the best of the names of one address first. Modules are in no order.
	slices.SortStableFunc(s.at, func(a, b symbol) int { return cmp.Compare(a.addr, b.addr) })
	s.at = slices.Clip(slices.CompactFunc(s.at, func(a, b symbol) bool { return a.addr == b.addr }))
	s.names = string(names)
	return s
}

// eachSymbol visits the functions of a listing in kallsyms' form. What it passes is valid during the visit.
func eachSymbol(r io.Reader, visit func(addr uint64, name, module []byte)) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line := lines.Bytes()
		i := bytes.IndexByte(line, ' ')
		if i < 0 || i+3 >= len(line) || line[i+2] != ' ' || strings.IndexByte("tTwW", line[i+1]) < 0 {
			continue
		}
		addr, ok := unhex(line[:i])
		name, module := splitModule(line[i+3:])
		if ok && plain(name) && !bytes.HasPrefix(name, []byte("__pfx_")) { // the padding in front of each function
			visit(addr, name, module)
		}
	}
}

// unhex reads an address without making a string of it: there are more than 100,000.
func unhex(text []byte) (v uint64, ok bool) {
	for _, b := range text {
		switch {
		case b >= '0' && b <= '9':
			v = v<<4 | uint64(b-'0')
		case b >= 'a' && b <= 'f':
			v = v<<4 | uint64(b-'a'+10)
		default:
			return 0, false
		}
	}
	return v, len(text) > 0 && len(text) <= 16
}

// splitModule takes "name [module]" apart, with any blank between.
func splitModule(text []byte) (name, module []byte) {
	i := bytes.IndexAny(text, " \t")
	if i < 0 {
		return text, nil
	}
	return text[:i], bytes.Trim(text[i:], " \t[]")
}

// plain says whether a name is one that the kernel gives: modules may be anybody's, and names reach terminals.
func plain(name []byte) bool {
	for _, b := range name {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return len(name) > 0 && len(name) < 256
}

func (s *symbols) name(addr uint64) (string, uint64) {
	i, exact := slices.BinarySearchFunc(s.at, addr, func(s symbol, addr uint64) int { return cmp.Compare(s.addr, addr) })
	if !exact {
		i--
	}
	if i < 0 || addr-s.at[i].addr >= furthest {
		return "", 0
	}
	at := s.at[i]
	return s.names[at.name : at.name+uint32(at.size)], addr - at.addr
}
