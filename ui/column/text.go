// SPDX-License-Identifier: Apache-2.0

package column

import (
	"bytes"

	"hooktop/probes/snap"
)

// AppendAddr writes an address; IPv4, the common case, without a detour.
func AppendAddr(b []byte, a snap.Addr) []byte {
	if !a.Is4() {
		return a.Netip().AppendTo(b)
	}
	for i, o := range a[12:] {
		if i > 0 {
			b = append(b, '.')
		}
		if o >= 100 {
			b = append(b, '0'+o/100)
		}
		if o >= 10 {
			b = append(b, '0'+o/10%10)
		}
		b = append(b, '0'+o%10)
	}
	return b
}

func contains(t, want []byte) bool { return bytes.Contains(t, want) }

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// lower folds ASCII letters only, byte by byte, as hasFold compares.
func lower(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] = lowerByte(b[i])
	}
	return string(b)
}

// hasFold reports whether t contains want, which is lower already; the letter case of ASCII in t is ignored.
func hasFold(t, want string) bool {
	if want == "" {
		return true
	}
	for i := 0; i+len(want) <= len(t); i++ {
		if lowerByte(t[i]) != want[0] {
			continue
		}
		j := 1
		for j < len(want) && lowerByte(t[i+j]) == want[j] {
			j++
		}
		if j == len(want) {
			return true
		}
	}
	return false
}

// glob matches the whole of t against the parts between stars.
func glob(t string, parts []string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(t) < len(first)+len(last) || !hasFold(t[:len(first)], first) || !hasFold(t[len(t)-len(last):], last) {
		return false
	}
	t = t[len(first) : len(t)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		i := indexFold(t, p)
		if i < 0 {
			return false
		}
		t = t[i+len(p):]
	}
	return true
}

func indexFold(t, want string) int {
	for i := 0; i+len(want) <= len(t); i++ {
		if hasFold(t[i:i+len(want)], want) {
			return i
		}
	}
	return -1
}
