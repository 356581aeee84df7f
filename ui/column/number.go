// SPDX-License-Identifier: Apache-2.0

package column

import (
	"math"
	"strconv"
	"strings"
)

// numberItem reads a number, a range or a comparison of the column's kind.
func numberItem(col *Column, s string) (item, *Error) {
	o, rest := comparator(s)
	if o == opEqual {
		if i := strings.IndexByte(rest, '-'); i > 0 {
			return numberRange(col, rest, i)
		}
	}
	v, err := quantity(col, rest)
	return item{op: o, lo: v}, err
}

func numberRange(col *Column, s string, dash int) (item, *Error) {
	lo, err := quantity(col, s[:dash])
	if err != nil {
		return item{}, err
	}
	hi, err := quantity(col, s[dash+1:])
	if err != nil {
		return item{}, err
	}
	if hi < lo {
		return item{}, &Error{Msg: s + " runs backwards"}
	}
	return item{op: opRange, lo: lo, hi: hi}, nil
}

func comparator(s string) (op, string) {
	switch {
	case strings.HasPrefix(s, ">="):
		return opGE, s[2:]
	case strings.HasPrefix(s, "<="):
		return opLE, s[2:]
	case strings.HasPrefix(s, ">"):
		return opGT, s[1:]
	case strings.HasPrefix(s, "<"):
		return opLT, s[1:]
	}
	return opEqual, strings.TrimPrefix(s, "=")
}

// quantity reads a number with the suffixes of the column's kind, in base units.
func quantity(col *Column, s string) (float64, *Error) {
	if s == "" {
		return 0, &Error{Msg: "a number is missing", Hint: hint(col)}
	}
	var v float64
	var ok bool
	switch col.Kind {
	case Port:
		if v, ok = servicePort(s); !ok {
			v, ok = plainNumber(s)
		}
		if ok && v > 65535 {
			return 0, &Error{Msg: s + " is over 65535"}
		}
		ok = ok && v == math.Trunc(v)
	case Duration:
		v, ok = seconds(s)
	default:
		v, ok = scaled(s, unitsOf(col.Kind))
	}
	if !ok {
		return 0, &Error{Msg: s + " is " + notA(col.Kind), Hint: hint(col)}
	}
	if v > 1e18 {
		return 0, &Error{Msg: s + " is too much"}
	}
	return v, nil
}

func notA(k Kind) string {
	switch k {
	case Port:
		return "no port"
	case Duration:
		return "no duration"
	}
	return "no number"
}

// mantissa returns how much of s is a decimal number without sign or exponent.
func mantissa(s string) int {
	n, dot, digit := 0, false, false
	for ; n < len(s); n++ {
		switch {
		case s[n] >= '0' && s[n] <= '9':
			digit = true
		case s[n] == '.' && !dot:
			dot = true
		default:
			if !digit {
				return 0
			}
			return n
		}
	}
	if !digit {
		return 0
	}
	return n
}

func plainNumber(s string) (float64, bool) {
	if mantissa(s) != len(s) {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}

// scaled reads 10k, 1.2G, 64Ki and one of the units behind.
func scaled(s string, units []string) (float64, bool) {
	n := mantissa(s)
	if n == 0 {
		return 0, false
	}
	num, rest := s[:n], strings.TrimSpace(s[n:])
	exp, bin := "e0", 1.0
	if rest != "" {
		if i := strings.IndexByte("kmgt", rest[0]|0x20); i >= 0 && !isUnit(rest, units) {
			exp = "e" + strconv.Itoa(3*(i+1))
			if rest = rest[1:]; strings.HasPrefix(rest, "i") {
				rest, exp, bin = rest[1:], "e0", math.Pow(1024, float64(i+1))
			}
		}
	}
	if rest != "" && !isUnit(rest, units) {
		return 0, false
	}
	v, err := strconv.ParseFloat(num+exp, 64)
	return v * bin, err == nil
}

func isUnit(s string, units []string) bool {
	for _, u := range units {
		if strings.EqualFold(s, u) {
			return true
		}
	}
	return false
}

func unitsOf(k Kind) []string {
	switch k {
	case PPS:
		return []string{"pps", "p/s", "/s"}
	case Bits:
		return []string{"bps", "b/s", "bit/s", "bit", "b"}
	case Size:
		return []string{"b", "bytes"}
	}
	return nil
}

// seconds reads 30, 30s, 1.5m, 3d04h, 200ms.
func seconds(s string) (float64, bool) {
	if v, ok := plainNumber(s); ok {
		return v, true
	}
	total := 0.0
	for s != "" {
		n := mantissa(s)
		if n == 0 {
			return 0, false
		}
		v, err := strconv.ParseFloat(s[:n], 64)
		if err != nil {
			return 0, false
		}
		s = s[n:]
		unit := len(s)
		if i := strings.IndexAny(s, "0123456789."); i >= 0 {
			unit = i
		}
		switch strings.ToLower(s[:unit]) {
		case "ns":
			v /= 1e9
		case "us", "µs", "μs":
			v /= 1e6
		case "ms":
			v /= 1e3
		case "s", "sec":
		case "m", "min":
			v *= 60
		case "h":
			v *= 3600
		case "d":
			v *= 86400
		default:
			return 0, false
		}
		total += v
		s = s[unit:]
	}
	return total, true
}

// servicePort knows the ports that operators type by name.
func servicePort(s string) (float64, bool) {
	switch strings.ToLower(s) {
	case "ssh":
		return 22, true
	case "smtp":
		return 25, true
	case "dns", "domain":
		return 53, true
	case "http":
		return 80, true
	case "ntp":
		return 123, true
	case "snmp":
		return 161, true
	case "bgp":
		return 179, true
	case "ldap":
		return 389, true
	case "https":
		return 443, true
	case "syslog":
		return 514, true
	case "mysql":
		return 3306, true
	case "rdp":
		return 3389, true
	case "vxlan":
		return 4789, true
	case "postgres", "postgresql":
		return 5432, true
	case "geneve":
		return 6081, true
	case "redis":
		return 6379, true
	case "wireguard":
		return 51820, true
	}
	return 0, false
}

// formatNumber writes v so that quantity reads the same back.
func formatNumber(k Kind, v float64) string {
	if k == Duration {
		return formatSeconds(v)
	}
	if k != Port {
		for i, unit := range []float64{1e12, 1e9, 1e6, 1e3} {
			if v >= unit && v < 1<<53 && math.Mod(v, unit) == 0 {
				return strconv.FormatFloat(v/unit, 'f', -1, 64) + "TGMk"[i:i+1]
			}
		}
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func formatSeconds(v float64) string {
	if v > 0 && v < 1<<53 {
		for i, unit := range []float64{86400, 3600, 60} {
			if math.Mod(v, unit) == 0 {
				return strconv.FormatFloat(v/unit, 'f', -1, 64) + "dhm"[i:i+1]
			}
		}
		if ms := math.Round(v * 1e3); v < 1 && ms > 0 && ms/1e3 == v {
			return strconv.FormatFloat(ms, 'f', -1, 64) + "ms"
		}
	}
	return strconv.FormatFloat(v, 'f', -1, 64) + "s"
}
