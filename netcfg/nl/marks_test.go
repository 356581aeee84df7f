// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/chain"
)

func words32(list ...uint32) (b []byte) {
	for _, n := range list {
		b = native.AppendUint32(b, n)
	}
	return b
}

// xtables makes a target or match as iptables-nft writes it.
func xtables(kind, name string, info []byte) []byte {
	return expression(kind, append(attr(nftaTargetName, zeroEnded(name)), attr(nftaTargetInfo, info)...))
}

// Targets and matches of xtables, as iptables-nft leaves them to the kernel.
func TestMarksOfXtables(t *testing.T) {
	for name, c := range map[string]struct {
		e    []byte
		want chain.Owner // without who and from
	}{
		"MARK --set-xmark 0x4000/0x4000":    {xtables("target", "MARK", words32(0x4000, 0x4000)), chain.Owner{Mark: 0x4000, Mask: 0x4000, Sets: true}},
		"MARK --set-mark 1":                 {xtables("target", "MARK", words32(1, 0xffffffff)), chain.Owner{Mark: 1, Mask: 0xffffffff, Sets: true}},
		"MARK --or-mark 8":                  {xtables("target", "MARK", words32(8, 8)), chain.Owner{Mark: 8, Mask: 8, Sets: true}},
		"MARK --and-mark 0xfff0":            {xtables("target", "MARK", words32(0, 0xffff000f)), chain.Owner{Mask: 0xffff000f, Sets: true}},
		"CONNMARK --restore-mark":           {xtables("target", "CONNMARK", append(words32(0, 0xff0000, 0xff0000), 2, 0, 0, 0)), chain.Owner{Mask: 0xff0000, Sets: true}},
		"CONNMARK --save-mark":              {xtables("target", "CONNMARK", append(words32(0, 0xff0000, 0xff0000), 1, 0, 0, 0)), chain.Owner{}},
		"TPROXY --tproxy-mark 0x200/0xf00":  {xtables("target", "TPROXY", words32(0xf00, 0x200, 0, 0)), chain.Owner{Mark: 0x200, Mask: 0xf00, Sets: true}},
		"-m mark --mark 0x4000/0x4000":      {xtables("match", "mark", words32(0x4000, 0x4000, 0)), chain.Owner{Mark: 0x4000, Mask: 0x4000}},
		"a target that is cut":              {xtables("target", "MARK", []byte{1, 2, 3}), chain.Owner{}},
		"another target":                    {xtables("target", "LOG", words32(1, 2, 3)), chain.Owner{}},
		"an immediate that is no mark":      {expression("immediate", verdictOf(nfDrop)), chain.Owner{}},
		"a mark that is compared elsewhere": {expression("cmp", append(attr32(nftaCmpSReg, 1), nested(nftaCmpData, attr(nftaValue, words32(1)))...)), chain.Owner{}},
	} {
		p := append(nfGen(unix.NFPROTO_IPV4, 0), attr(nftaRuleTable, zeroEnded("mangle"))...)
		p = append(p, attr(nftaRuleChain, zeroEnded("PREROUTING"))...)
		p = append(p, nested(nftaRuleExprs, expression("counter", counterOf(1)), c.e)...)
		got := decodeMarks(p)
		if c.want.Mask == 0 {
			if len(got) > 0 {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		c.want.Who, c.want.From = "netfilter ip mangle", "chain PREROUTING asks for them"
		if c.want.Sets {
			c.want.From = "chain PREROUTING sets them"
		}
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// No rule that is cut or made up lets the reader fall over.
func FuzzDecodeMarks(f *testing.F) {
	whole := append(nfGen(unix.NFPROTO_IPV4, 0), nested(nftaRuleExprs, xtables("target", "MARK", words32(1, 1)),
		expression("bitwise", append(attr32(nftaBitwiseSReg, 1), attr(nftaBitwiseMask, attr(nftaValue, words32(1)))...)))...)
	f.Add(whole)
	f.Add(whole[:len(whole)-5])
	f.Add(binary.BigEndian.AppendUint64(nil, 1))
	f.Fuzz(func(t *testing.T, p []byte) {
		for _, o := range decodeMarks(p) {
			if o.Mask == 0 || o.Mark&^o.Mask != 0 {
				t.Errorf("%+v", o)
			}
		}
	})
}
