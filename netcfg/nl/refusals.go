// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// nf_tables (include/uapi/linux/netfilter/nf_tables.h), for reading rules here and for writing them in refuse.go.
const (
	nftSubsystem   = 10 << 8 // NFNL_SUBSYS_NFTABLES
	nftNewTable    = nftSubsystem | 0
	nftNewChain    = nftSubsystem | 3
	nftNewRule     = nftSubsystem | 6
	nftGetRule     = nftSubsystem | 7
	nftaRuleTable  = 1
	nftaRuleChain  = 2
	nftaRuleHandle = 3
	nftaRuleExprs  = 4
	nftaListElem   = 1
	nftaExprName   = 1
	nftaExprData   = 2
	nftaCounterPkt = 2
	nftaImmDReg    = 1
	nftaImmData    = 2
	nftaVerdict    = 2 // NFTA_DATA_VERDICT
	nftaVerdictNr  = 1 // NFTA_VERDICT_CODE
	nftaTargetName = 1
	nftRegVerdict  = 0
	nfDrop         = 0
)

// Refusals lists the rules of nf_tables that drop or reject and have a counter. iptables-nft gives every rule one; rules
// of the legacy iptables are not among them.
func (h *Host) Refusals() ([]snap.Refusal, error) {
	if !moduleThere("nf_tables") {
		return nil, nil
	}
	return h.refusals()
}

func (h *Host) refusals() ([]snap.Refusal, error) {
	var all []snap.Refusal
	err := h.dump(unix.NETLINK_NETFILTER, nftGetRule, make([]byte, nfGenLen), func() { all = nil }, func(kind uint16, p []byte) {
		if r, ok := decodeRefusal(p); ok && kind == nftNewRule {
			all = append(all, r)
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

// moduleThere keeps a look from changing the machine: asking for rules would load the module nf_tables. One is there when it
// is loaded, built in, or when the kernel loads no modules at all and can be asked without harm.
func moduleThere(name string) bool {
	if _, err := os.Stat("/sys/module/" + name); err == nil {
		return true
	}
	if _, err := os.Stat("/proc/modules"); errors.Is(err, fs.ErrNotExist) {
		return true
	}
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	b, err := os.ReadFile("/lib/modules/" + unix.ByteSliceToString(u.Release[:]) + "/modules.builtin")
	return err == nil && bytes.Contains(b, []byte("/"+name+".ko"))
}

// decodeRefusal reads the payload of NFT_MSG_NEWRULE; false for a rule without a counter, or that lets packets go on.
func decodeRefusal(p []byte) (snap.Refusal, bool) {
	if len(p) < nfGenLen {
		return snap.Refusal{}, false
	}
	r := snap.Refusal{Family: nfFamily(p[0])}
	counted := false
	for t, v := range attrs(p[nfGenLen:]) {
		switch t {
		case nftaRuleTable:
			r.Table = text(v)
		case nftaRuleChain:
			r.Chain = text(v)
		case nftaRuleHandle:
			r.Handle = be64(v)
		case nftaRuleExprs:
			for t, v := range attrs(v) {
				if t == nftaListElem {
					decodeExpression(&r, &counted, v)
				}
			}
		}
	}
	return r, counted && r.Verdict != ""
}

func decodeExpression(r *snap.Refusal, counted *bool, b []byte) {
	name := ""
	for t, v := range attrs(b) {
		switch {
		case t == nftaExprName:
			name = text(v)
			if name == "reject" {
				r.Verdict = "reject"
			}
		case t != nftaExprData:
		case name == "counter":
			for t, v := range attrs(v) {
				if t == nftaCounterPkt {
					r.Packets, *counted = be64(v), true
				}
			}
		case name == "immediate" && dropsAtOnce(v):
			r.Verdict = "drop"
		case name == "target": // of xtables: iptables-nft
			for t, v := range attrs(v) {
				if t == nftaTargetName && text(v) == "REJECT" {
					r.Verdict = "reject"
				}
			}
		}
	}
}

// dropsAtOnce reads an expression "immediate": a value for a register, or the verdict.
func dropsAtOnce(b []byte) bool {
	verdict, drops := false, false
	for t, v := range attrs(b) {
		switch t {
		case nftaImmDReg:
			verdict = len(v) == 4 && binary.BigEndian.Uint32(v) == nftRegVerdict
		case nftaImmData:
			for t, v := range attrs(v) {
				if t != nftaVerdict {
					continue
				}
				for t, v := range attrs(v) {
					drops = drops || t == nftaVerdictNr && len(v) == 4 && binary.BigEndian.Uint32(v) == nfDrop
				}
			}
		}
	}
	return verdict && drops
}

// nfFamily names a family as nft(8) does.
func nfFamily(family byte) string {
	switch family {
	case unix.NFPROTO_IPV4:
		return "ip"
	case unix.NFPROTO_IPV6:
		return "ip6"
	case unix.NFPROTO_INET:
		return "inet"
	case unix.NFPROTO_ARP:
		return "arp"
	case unix.NFPROTO_BRIDGE:
		return "bridge"
	case unix.NFPROTO_NETDEV:
		return "netdev"
	}
	return fmt.Sprintf("family %d", family)
}

// be64 reads a 64-bit attribute in network order; 0 when it is too short.
func be64(b []byte) uint64 {
	if len(b) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}
