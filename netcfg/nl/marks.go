// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/chain"
)

// Expressions that read and write the mark (include/uapi/linux/netfilter/nf_tables.h), and the targets and matches of xtables that
// do (xt_mark.h, xt_connmark.h, xt_TPROXY.h).
const (
	nftaMetaSReg     = 3
	nftMetaMark      = 3
	nftaCtDReg       = 1
	nftaCtKey        = 2
	nftaBitwiseSReg  = 1
	nftaBitwiseDReg  = 2
	nftaBitwiseMask  = 4
	nftaBitwiseXor   = 5
	nftaBitwiseOp    = 6 // 0 or absent: (register & mask) ^ xor
	nftaTargetInfo   = 3
	nftaLookupSReg   = 2
	nftaRangeSReg    = 1
	nftReg32First    = 8 // NFT_REG32_00: a quarter of NFT_REG_1
	connmarkRestore  = 2
	maxMarkOwners    = 64
	everyMarkBit     = 0xffffffff
	nftRegistersWide = 4 // NFT_REG_1 to NFT_REG_4 are four of the others each
)

// source is where a register's value is from.
type source uint8

const (
	elsewhere source = iota
	constant
	packetMark
)

// value is what a register holds: (source & and) ^ xor.
type value struct {
	from     source
	and, xor uint32
}

// marking follows one rule: what its registers hold, and what it does with marks.
type marking struct {
	table, chain string
	family       byte
	regs         map[uint32]value
	sets, asks   []chain.Owner
}

// MarkOwners lists who sets or asks for bits of the mark in rules of nf_tables; iptables-nft's are among them. Those of one table that
// concern the same bits are one. Rules of the legacy iptables are not among them.
func (h *Host) MarkOwners() ([]chain.Owner, error) {
	if !moduleThere("nf_tables") {
		return nil, nil
	}
	var all []chain.Owner
	err := h.dump(unix.NETLINK_NETFILTER, nftGetRule, make([]byte, nfGenLen), func() { all = nil }, func(kind uint16, p []byte) {
		if kind != nftNewRule {
			return
		}
		for _, o := range decodeMarks(p) {
			// Beyond so many, one of each kind: whose bits they are is told by one name, but no bits are left out.
			same := func(x chain.Owner) bool {
				return x == o || len(all) >= maxMarkOwners && x.Mask == o.Mask && x.Sets == o.Sets && (o.Sets || x.Mark == o.Mark)
			}
			if !slices.ContainsFunc(all, same) {
				all = append(all, o)
			}
		}
	})
	if NoNetfilter(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list netfilter rules: %w", err)
	}
	return all, nil
}

// decodeMarks reads the payload of NFT_MSG_NEWRULE.
func decodeMarks(p []byte) []chain.Owner {
	if len(p) < nfGenLen {
		return nil
	}
	m := marking{family: p[0], regs: map[uint32]value{}}
	var expressions []byte
	for t, v := range attrs(p[nfGenLen:]) {
		switch t {
		case nftaRuleTable:
			m.table = text(v)
		case nftaRuleChain:
			m.chain = text(v)
		case nftaRuleExprs:
			expressions = v
		}
	}
	for t, v := range attrs(expressions) {
		if t != nftaListElem {
			continue
		}
		var name string
		var data []byte
		for t, v := range attrs(v) {
			switch t {
			case nftaExprName:
				name = text(v)
			case nftaExprData:
				data = v
			}
		}
		m.expression(name, data)
	}
	return append(m.sets, m.asks...)
}

// fields are an expression's attributes by type.
func fields(b []byte) map[uint16][]byte {
	out := map[uint16][]byte{}
	for t, v := range attrs(b) {
		out[t] = v
	}
	return out
}

// number reads an attribute in network order; 0 when it is too short.
func number(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

// register gives the two ways to name a register one number.
func register(b []byte) uint32 {
	n := number(b)
	if n >= 1 && n <= nftRegistersWide {
		return nftReg32First + nftRegistersWide*(n-1)
	}
	return n
}

// word reads the value in an attribute: marks are in the host's order.
func word(b []byte) uint32 {
	for t, v := range attrs(b) {
		if t == nftaValue {
			return u32(v)
		}
	}
	return 0
}

func (m *marking) expression(name string, data []byte) {
	f := fields(data)
	switch name {
	case "counter", "log", "limit", "quota", "connlimit", "last", "notrack": // they touch no register
	case "meta":
		m.meta(f)
	case "ct":
		if f[nftaCtDReg] != nil {
			m.regs[register(f[nftaCtDReg])] = value{from: elsewhere, and: everyMarkBit}
		}
	case "immediate":
		m.regs[register(f[nftaImmDReg])] = value{from: constant, xor: word(f[nftaImmData])}
	case "bitwise":
		m.bitwise(f)
	case "cmp":
		m.compared(f[nftaCmpSReg], word(f[nftaCmpData]))
	case "range":
		m.compared(f[nftaRangeSReg], 0)
	case "lookup":
		m.compared(f[nftaLookupSReg], 0)
		clear(m.regs) // a map may write any of them
	case "target":
		m.target(text(f[nftaTargetName]), f[nftaTargetInfo])
	case "match":
		if text(f[nftaTargetName]) == "mark" && len(f[nftaTargetInfo]) >= 8 {
			info := f[nftaTargetInfo]
			m.ask(u32(info), u32(info[4:]))
		}
	default:
		clear(m.regs)
	}
}

func (m *marking) meta(f map[uint16][]byte) {
	mark := number(f[nftaMetaKey]) == nftMetaMark
	switch {
	case f[nftaMetaDReg] != nil && mark:
		m.regs[register(f[nftaMetaDReg])] = value{from: packetMark, and: everyMarkBit}
	case f[nftaMetaDReg] != nil:
		delete(m.regs, register(f[nftaMetaDReg]))
	case mark:
		v := m.regs[register(f[nftaMetaSReg])]
		if v.from == packetMark {
			m.set(v.xor, ^v.and|v.xor)
			return
		}
		m.set(v.xor, everyMarkBit)
	}
}

func (m *marking) bitwise(f map[uint16][]byte) {
	v := m.regs[register(f[nftaBitwiseSReg])]
	if number(f[nftaBitwiseOp]) != 0 {
		v = value{}
	} else {
		mask, xor := word(f[nftaBitwiseMask]), word(f[nftaBitwiseXor])
		v.and, v.xor = v.and&mask, v.xor&mask^xor
	}
	m.regs[register(f[nftaBitwiseDReg])] = v
}

// compared notes that packets are chosen by the mark, when that is what the register holds.
func (m *marking) compared(reg []byte, with uint32) {
	if v, ok := m.regs[register(reg)]; ok && v.from == packetMark && v.and != 0 {
		m.ask(with^v.xor, v.and)
	}
}

// target reads a target of xtables: (mark & ^mask) ^ value.
func (m *marking) target(name string, info []byte) {
	switch {
	case name == "MARK" && len(info) >= 8:
		m.set(u32(info), u32(info[4:])|u32(info))
	case name == "TPROXY" && len(info) >= 8:
		m.set(u32(info[4:]), u32(info)|u32(info[4:]))
	case name == "CONNMARK" && len(info) >= 13 && info[12] == connmarkRestore:
		m.set(0, u32(info[4:])|u32(info[8:]))
	}
}

func (m *marking) set(mark, mask uint32) {
	if mask != 0 {
		m.sets = append(m.sets, chain.Owner{Mark: mark & mask, Mask: mask, Who: m.who(), From: m.from() + " sets them", Sets: true})
	}
}

func (m *marking) ask(mark, mask uint32) {
	if mask != 0 {
		m.asks = append(m.asks, chain.Owner{Mark: mark & mask, Mask: mask, Who: m.who(), From: m.from() + " asks for them"})
	}
}

func (m *marking) who() string {
	if known := chain.AgentOfTable(m.table, m.chain); known != "" {
		return known
	}
	return "netfilter " + nfFamily(m.family) + " " + m.table
}

// from leaves the chain out where an agent has dozens of them.
func (m *marking) from() string {
	if chain.AgentOfTable(m.table, m.chain) != "" {
		return "table " + nfFamily(m.family) + " " + m.table
	}
	return "chain " + m.chain
}
