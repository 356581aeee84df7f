// SPDX-License-Identifier: Apache-2.0

package format

import (
	"unicode"
	"unicode/utf8"
)

// Clean makes text from outside (process names, interface names, host names, files) safe to draw. Whatever a terminal
// could act on, or whose width terminals disagree about, becomes visible: `\x1b`, `\u202e`. That is: C0 and C1 controls
// (raw bytes and UTF-8), DEL, invalid and overlong UTF-8, bidirectional controls, zero-width and combining characters,
// variation selectors, emoji modifiers, conjoining Jamo, surrogates, private use and unassigned code points, and every
// blank except U+0020.
//
// What remains is made of runes that stand for themselves: the width of the string is the sum of theirs. Clean text is
// returned as it is, without an allocation, and Clean(Clean(s)) == Clean(s).
func Clean(s string) string {
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if (r == utf8.RuneError && n == 1) || !plain(r) {
			return clean(s, i)
		}
		i += n
	}
	return s
}

func clean(s string, i int) string {
	b := make([]byte, i, len(s)+16)
	copy(b, s)
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = appendHex(append(b, '\\', 'x'), uint32(s[i]), 2)
		case plain(r):
			b = append(b, s[i:i+n]...)
		case r < 0x100:
			b = appendHex(append(b, '\\', 'x'), uint32(r), 2)
		case r < 0x10000:
			b = appendHex(append(b, '\\', 'u'), uint32(r), 4)
		default:
			b = appendHex(append(b, '\\', 'U'), uint32(r), 8)
		}
		i += n
	}
	return string(b)
}

func appendHex(b []byte, v uint32, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, "0123456789abcdef"[v>>(4*i)&15])
	}
	return b
}

// plain reports whether r prints by itself, without joining, reordering or modifying its neighbours.
func plain(r rune) bool {
	if r < 0x7f {
		return r >= 0x20
	}
	if !unicode.IsPrint(r) || unicode.Is(unicode.M, r) {
		return false
	}
	for _, x := range joining {
		if r >= x[0] && r <= x[1] {
			return false
		}
	}
	return true
}

// joining lists printable runes that merge with a neighbour into one grapheme (UAX 29) or whose width depends on it.
var joining = [...][2]rune{
	{0x0e33, 0x0e33}, {0x0eb3, 0x0eb3}, // Thai and Lao SARA AM: extend the letter before
	{0x0d4e, 0x0d4e},   // Malayalam dot reph: prepends
	{0x1100, 0x11ff},   // Hangul Jamo
	{0x3164, 0x3164},   // Hangul filler: blank
	{0xa960, 0xa97f},   // Hangul Jamo extended A
	{0xd7b0, 0xd7ff},   // Hangul Jamo extended B
	{0xff9e, 0xffa0},   // halfwidth voiced marks and filler
	{0x110bd, 0x110cd}, // Kaithi number signs: prepend
	{0x111c2, 0x111c3}, // Sharada prefixes
	{0x113d1, 0x113d1}, // Tulu-Tigalari repha
	{0x1193f, 0x11941}, // Dives Akuru prefixes
	{0x11a3a, 0x11a3a}, {0x11a84, 0x11a89}, {0x11d46, 0x11d46}, {0x11f02, 0x11f02},
	{0x1f1e6, 0x1f1ff}, // regional indicators: two make a flag
	{0x1f3fb, 0x1f3ff}, // emoji skin tones
}

// Cells counts the cells of clean text when every rune is known to take one; false says that a table of widths is needed.
func Cells(b []byte) (n int, ok bool) {
	for i := 0; i < len(b); n++ {
		if b[i] < 0x80 {
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		switch { // Latin to Cyrillic; dashes, ellipsis, arrows, box drawing, blocks, geometric shapes
		case r >= 0xa0 && r < 0x530, r >= 0x2010 && r < 0x2028, r >= 0x2190 && r < 0x21b0, r >= 0x2500 && r < 0x25fd:
		default:
			return 0, false
		}
		i += size
	}
	return n, true
}

// ASCII gives clean text its twin for terminals without UTF-8: what has no twin becomes a question mark.
func ASCII(s string) string {
	if n, ok := Cells([]byte(s)); ok && n == len(s) {
		return s
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, Twin(r))
	}
	return string(b)
}

// Twin is the ASCII character that stands for a rune: cell for cell where the rune is one wide.
func Twin(r rune) byte {
	switch {
	case r < 0x80:
		return byte(r)
	case r == '…':
		return '~'
	case r == '→':
		return '>'
	case r == '←':
		return '<'
	case r == '–' || r == '—' || r == '−':
		return '-'
	case r == '·':
		return '.'
	case r == 'µ':
		return 'u'
	case r == '×':
		return 'x'
	case r == '±':
		return '+'
	case r == '“' || r == '”':
		return '"'
	case r == '‘' || r == '’':
		return '\''
	}
	return '?'
}
