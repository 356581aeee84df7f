// SPDX-License-Identifier: Apache-2.0

package column

import (
	"net/netip"
	"strconv"
	"strings"
)

// addressItem reads an address, prefix or range. With short it also takes unfinished ones: 10.4 is 10.4.0.0/16 and
// 2001:db8: is 2001:db8::/32. ok is false without an error when s is something else.
func addressItem(s string, short bool) (it item, ok bool, err *Error) {
	if a, ok := parseAddr(s); ok {
		return item{op: opAddr, from: a, to: a, bits: -1}, true, nil
	}
	if addr, size, isPrefix := strings.Cut(s, "/"); isPrefix {
		return prefixItem(s, addr, size, short)
	}
	if from, to, isRange := strings.Cut(s, "-"); isRange {
		return rangeItem(s, from, to)
	}
	if short {
		if p, ok := shortPrefix(s); ok {
			return prefixToItem(p), true, nil
		}
	}
	return it, false, nil
}

func parseAddr(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return a, false
	}
	return a.Unmap(), true
}

func prefixItem(s, addr, size string, short bool) (it item, ok bool, err *Error) {
	a, ok := parseAddr(addr)
	if !ok {
		p, isShort := shortPrefix(addr)
		if !isShort || !short {
			return it, false, nil
		}
		a = p.Addr()
	}
	n, bad := strconv.Atoi(size)
	if !digits(size) || bad != nil {
		return it, false, &Error{Msg: s + ": the prefix length is no number", Hint: "10.0.0.0/8"}
	}
	if strings.Contains(addr, ":") && a.Is4() { // ::ffff:10.0.0.0/104
		n -= 96
	}
	if n < 0 || n > a.BitLen() {
		return it, false, &Error{Msg: "/" + size + " is over " + strconv.Itoa(a.BitLen())}
	}
	return prefixToItem(netip.PrefixFrom(a, n)), true, nil
}

func rangeItem(s, from, to string) (it item, ok bool, err *Error) {
	a, ok := parseAddr(from)
	if !ok {
		return it, false, nil
	}
	b, ok := parseAddr(to)
	if !ok && digits(to) && a.Is4() { // 10.9.0.30-33
		b, ok = parseAddr(from[:strings.LastIndexByte(from, '.')+1] + to)
	}
	switch {
	case !ok:
		return it, false, &Error{Msg: to + " is no address to end the range", Hint: "10.9.0.30-10.9.0.33"}
	case a.BitLen() != b.BitLen():
		return it, false, &Error{Msg: s + " mixes IPv4 and IPv6"}
	case b.Less(a):
		return it, false, &Error{Msg: s + " runs backwards"}
	}
	return item{op: opAddr, from: a, to: b, bits: -1}, true, nil
}

// shortPrefix reads the first octets or groups of an address.
func shortPrefix(s string) (netip.Prefix, bool) {
	if strings.Contains(s, ":") {
		if !strings.HasSuffix(s, ":") || strings.Contains(s, "::") {
			return netip.Prefix{}, false
		}
		a, err := netip.ParseAddr(s + ":")
		return netip.PrefixFrom(a, 16*strings.Count(s, ":")), err == nil
	}
	s = strings.TrimSuffix(s, ".")
	n := strings.Count(s, ".") + 1
	if n > 3 {
		return netip.Prefix{}, false
	}
	a, err := netip.ParseAddr(s + strings.Repeat(".0", 4-n))
	return netip.PrefixFrom(a, 8*n), err == nil
}

func prefixToItem(p netip.Prefix) item {
	p = p.Masked()
	last := p.Addr().As16()
	for i := 128 - p.Addr().BitLen() + p.Bits(); i < 128; i++ {
		last[i/8] |= 0x80 >> (i % 8)
	}
	to := netip.AddrFrom16(last)
	if p.Addr().Is4() {
		to = to.Unmap()
	}
	return item{op: opAddr, from: p.Addr(), to: to, bits: p.Bits()}
}

// endpointItem reads 10.0.0.1:443 and [2001:db8::1]:443.
func endpointItem(s string) (item, bool) {
	ap, err := netip.ParseAddrPort(s)
	if err != nil || ap.Addr().Zone() != "" {
		return item{}, false
	}
	a := ap.Addr().Unmap()
	return item{op: opEndpt, from: a, to: a, lo: float64(ap.Port()), bits: -1}, true
}
