// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"strings"
	"testing"
)

// FuzzSymbols looks names of addresses up beside a walk over all of them.
func FuzzSymbols(f *testing.F) {
	f.Add("ffffffff81000000 T _text\nffffffff81000100 t a\nffffffff81000100 T b\nffffffffc0000000 t c\t[mod]\n0 T z\n")
	f.Add("ffffffff81000000 T \nzz T a\nffffffff81000000 D data\n 12 t\n12 t\n12 t \x1b[2J\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := readSymbols(strings.NewReader(text))
		type symbol struct {
			addr uint64
			name string
		}
		var all []symbol
		eachSymbol(strings.NewReader(text), func(addr uint64, name, _ []byte) {
			if !plain(name) {
				t.Fatalf("name %q", name)
			}
			all = append(all, symbol{addr, string(name)})
		})
		for _, at := range all {
			for _, addr := range []uint64{at.addr, at.addr + 1, at.addr - 1} {
				want := symbol{}
				for _, o := range all {
					if o.addr != 0 && o.addr <= addr && o.addr > want.addr {
						want = o
					}
				}
				if addr-want.addr >= furthest {
					want = symbol{}
				}
				if name, off := s.name(addr); name != want.name || name != "" && off != addr-want.addr {
					t.Fatalf("%#x is %s+%d, want %s", addr, name, off, want.name)
				}
			}
		}
	})
}

func TestListing(t *testing.T) {
	var got []string
	eachListed(strings.NewReader("a\nb [m]\n\n__ftrace_invalid_address___8\nc\td\n\x00\nlast"), func(name, module []byte) {
		got = append(got, string(name)+"@"+string(module))
	})
	if want := "a@ b@m c@d last@"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
