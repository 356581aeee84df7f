// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"hooktop/netcfg/chain"
	"hooktop/probes/snap"
	"hooktop/ui/core"
)

// mark is a value under its mask.
type mark struct{ value, mask uint32 }

// short is a mark as the table shows it: hexadecimal, without 0x.
func (m mark) short() string { return fmt.Sprintf("%x/%x", m.value, m.mask) }

// String is a mark as the policy writes it.
func (m mark) String() string { return fmt.Sprintf("%#x/%#x", m.value, m.mask) }

// parseMark reads value and mask in hexadecimal, with or without 0x. why says what is wrong, "" for a mark.
func parseMark(text string) (m mark, why string) {
	left, right, cut := strings.Cut(strings.TrimSpace(text), "/")
	hex := func(s string) (uint32, bool) {
		s = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "0x")
		v, err := strconv.ParseUint(s, 16, 32)
		return uint32(v), err == nil
	}
	v, ok := hex(left)
	if !ok {
		return m, "value: " + strconv.Quote(left) + " is no hexadecimal number of 32 bits"
	}
	if !cut {
		return m, "the mask is missing: " + fmt.Sprintf("%x/%x", v, max(v, 1)) + " takes exactly these bits"
	}
	k, ok := hex(right)
	switch {
	case !ok:
		return m, "mask: " + strconv.Quote(right) + " is no hexadecimal number of 32 bits"
	case k == 0:
		return m, "a mask of 0 marks nothing"
	case v == 0:
		return m, "0 is what packets have that nobody marked"
	case v&^k != 0:
		return m, fmt.Sprintf("%x is outside of the mask: %x/%x", v&^k, v, v|k)
	}
	return mark{v, k}, ""
}

// markAt finds the mark in a chain line: where its text begins and ends. Names may be any word, so that only one in the form of
// a mark counts.
func markAt(line string) (from, to int) {
	at := 0
	before := ""
	for at < len(line) {
		start := at + len(line[at:]) - len(strings.TrimLeft(line[at:], " \t"))
		end := start
		for end < len(line) && line[end] != ' ' && line[end] != '\t' {
			end++
		}
		word := line[start:end]
		if strings.HasPrefix(word, "#") {
			break
		}
		if _, why := parseMark(word); before == "mark" && why == "" {
			return start, end
		}
		before, at = word, end
	}
	return 0, 0
}

// markOf is the mark that a chain line gives.
func markOf(line string) (mark, bool) {
	from, to := markAt(line)
	if to == 0 {
		return mark{}, false
	}
	m, why := parseMark(line[from:to])
	return m, why == ""
}

// withMark is the line with another mark.
func withMark(line string, m mark) string {
	from, to := markAt(line)
	if to == 0 {
		return line
	}
	return line[:from] + m.String() + line[to:]
}

// nameOf is the name in a chain line, after the word behind an "off".
func nameOf(line string) string {
	words := strings.Fields(line)
	if len(words) > 0 && words[0] == "off" {
		words = words[1:]
	}
	if len(words) < 2 {
		return ""
	}
	return words[1]
}

// after is the word behind the n-th word of that name, from 1; "" when there is none.
func after(line, word string, n int) string {
	words := strings.Fields(line)
	for i := 0; i+1 < len(words); i++ {
		if words[i] == word {
			if n--; n == 0 {
				return words[i+1]
			}
		}
	}
	return ""
}

// clash says who else uses bits of a mark in a way that can't be told apart, "" when nobody does. Chains differ in bits that both have
// in their masks, or a packet might carry the marks of both; nobody else's bits are free.
func clash(m mark, name string, lines []core.DraftLine, owners []snap.BitOwner) string {
	for i := range lines {
		l := &lines[i]
		other := nameOf(l.Text)
		if !l.Chain || l.Off || l.Line == 0 || other == name {
			continue
		}
		if o, ok := markOf(l.Text); ok && (m.value^o.value)&m.mask&o.mask == 0 {
			return "chain " + other + " has " + o.short() + ": packets of both would look alike"
		}
	}
	for _, o := range owners {
		if strings.HasPrefix(o.Who, "chain ") {
			continue
		}
		if owner := (chain.Owner{Mark: o.Mark, Mask: o.Mask, Sets: o.Sets}); owner.Forbids(m.value, m.mask) {
			return fmt.Sprintf("bits %x are %s's (%s)", o.Mask&m.mask, o.Who, o.From)
		}
	}
	return ""
}

// bitmap draws 32 bits, the highest first, in groups of eight: a letter for the owner of each bit, * where chains share it, ! where
// owners clash, . where it is free. Letters are those of the list of owners, by place.
func bitmap(owners []snap.BitOwner) string {
	var b strings.Builder
	for bit := 31; bit >= 0; bit-- {
		c, n, bad := byte('.'), 0, false
		for i, o := range owners {
			if o.Mask>>bit&1 == 0 || o.Mask == everyBit { // who has the whole word has one value of it, not each bit
				continue
			}
			n++
			c = letter(i)
			bad = bad || o.Clash != ""
		}
		switch {
		case bad:
			c = '!'
		case n > 1:
			c = '*'
		}
		b.WriteByte(c)
		if bit%8 == 0 && bit > 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// ruler names the bits at the ends of each group of bitmap.
const ruler = "31    24 23    16 15     8 7      0"

// letter is the sign of an owner in the map.
func letter(i int) byte { return byte('a' + i%26) }

// under draws a mark below the map: its value in the bits of its mask.
func under(m mark) string {
	var b strings.Builder
	for bit := 31; bit >= 0; bit-- {
		switch {
		case m.mask>>bit&1 == 0:
			b.WriteByte(' ')
		case m.value>>bit&1 == 1:
			b.WriteByte('1')
		default:
			b.WriteByte('0')
		}
		if bit%8 == 0 && bit > 0 {
			b.WriteByte(' ')
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// free proposes a mark for a new chain: the lowest value under a mask that chains use already, or the lowest four bits that nobody
// has; false when there is none.
func free(lines []core.DraftLine, owners []snap.BitOwner) (mark, bool) {
	var taken uint32
	for _, o := range owners {
		taken |= o.Mask
	}
	for i := range lines {
		o, ok := markOf(lines[i].Text)
		if !ok || !lines[i].Chain {
			continue
		}
		taken |= o.mask
		step := uint32(1) << bits.TrailingZeros32(o.mask)
		for v := step; v != 0 && v <= o.mask; v += step {
			if m := (mark{v, o.mask}); v&^o.mask == 0 && clash(m, "", lines, owners) == "" {
				return m, true
			}
		}
	}
	for shift := 0; shift < 32; shift += 4 {
		m := mark{1 << shift, 0xf << shift}
		if taken&m.mask == 0 && clash(m, "", lines, owners) == "" {
			return m, true
		}
	}
	return mark{}, false
}
