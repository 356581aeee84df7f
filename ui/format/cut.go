// SPDX-License-Identifier: Apache-2.0

package format

import "unicode/utf8"

// AppendMiddle writes clean text in at most w cells; what is too long loses its middle: enp…f6. Runes are never split; one
// that may be two cells wide counts as two, so that the result can be a cell shorter than it need be.
func AppendMiddle(b []byte, s string, w int) []byte {
	if fits(s, w) {
		return append(b, s...)
	}
	if w < 3 {
		return append(b, s[:head(s, w)]...)
	}
	n := head(s, w/2)
	b = append(append(b, s[:n]...), "…"...)
	return append(b, s[tail(s, w-1-w/2):]...)
}

// AppendEnd writes clean text in at most w cells; what is too long loses its end: system….
func AppendEnd(b []byte, s string, w int) []byte {
	switch {
	case fits(s, w):
		return append(b, s...)
	case w < 2:
		return append(b, s[:head(s, w)]...)
	}
	return append(append(b, s[:head(s, w-1)]...), "…"...)
}

// fits reports whether clean text surely takes no more than w cells.
func fits(s string, w int) bool { return head(s, w) == len(s) }

// head is how many bytes of clean text surely fit into w cells.
func head(s string, w int) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if w -= atMost(r); w < 0 {
			return i
		}
		i += n
	}
	return len(s)
}

// tail is from where on clean text surely fits into w cells.
func tail(s string, w int) int {
	for i := len(s); i > 0; {
		r, n := utf8.DecodeLastRuneInString(s[:i])
		if w -= atMost(r); w < 0 {
			return i
		}
		i -= n
	}
	return 0
}

// atMost bounds the cells of a rune of clean text: one for the letters and signs that Cells knows and for the alphabets
// below U+1100, where East Asian Width begins to be wide (UAX 11).
func atMost(r rune) int {
	if r < 0x1100 || r >= 0x2010 && r < 0x2028 || r >= 0x2190 && r < 0x21b0 || r >= 0x2500 && r < 0x25fd {
		return 1
	}
	return 2
}
