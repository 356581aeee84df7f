// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// Attributes of nf_tables that only writing needs, and values of them.
const (
	nfnlBatchBegin  = 0x10
	nfnlBatchEnd    = 0x11
	nftDelTable     = nftSubsystem | 2
	nftaTableName   = 1
	nftaChainTable  = 1
	nftaChainName   = 3
	nftaChainHook   = 4
	nftaChainType   = 7
	nftaHookNum     = 1
	nftaHookPrio    = 2
	nfInetPre       = 0 // NF_INET_PRE_ROUTING
	nftaMetaDReg    = 1
	nftaMetaKey     = 2
	nftMetaL4Proto  = 16
	nftaPayDReg     = 1
	nftaPayBase     = 2
	nftaPayOffset   = 3
	nftaPayLen      = 4
	nftPayTransport = 2
	nftaCmpSReg     = 1
	nftaCmpOp       = 2
	nftaCmpData     = 3
	nftCmpEq        = 0
	nftaValue       = 1 // NFTA_DATA_VALUE
	nftRegister     = 8 // NFT_REG32_00
	nlaFNested      = 0x8000
)

// RefuseUDP makes a table of nf_tables with one chain and one rule, which counts and drops what comes in for a UDP port:
// the inet family, so both IP versions, before routing. It returns the rule as it stands. NoNetfilter says of its error whether the kernel has no nf_tables.
func (h *Host) RefuseUDP(table, chain string, port uint16) (snap.Refusal, error) {
	fd, err := h.socket(unix.NETLINK_NETFILTER)
	if err != nil {
		return snap.Refusal{}, err
	}
	defer unix.Close(fd)
	const made = unix.NLM_F_REQUEST | unix.NLM_F_CREATE
	err = transact(fd,
		change{nftNewTable, made | unix.NLM_F_EXCL, append(nfGen(unix.NFPROTO_INET, 0), attr(nftaTableName, zeroEnded(table))...)},
		change{nftNewChain, made | unix.NLM_F_EXCL, append(nfGen(unix.NFPROTO_INET, 0), chainAt(table, chain, nfInetPre)...)},
		change{nftNewRule, made | unix.NLM_F_APPEND, append(nfGen(unix.NFPROTO_INET, 0), refusalOf(table, chain, port)...)})
	if err != nil {
		return snap.Refusal{}, fmt.Errorf("add netfilter table %s: %w", table, err)
	}
	rules, err := h.refusals()
	if err != nil {
		return snap.Refusal{}, err
	}
	for _, r := range rules {
		if r.Family == nfFamily(unix.NFPROTO_INET) && r.Table == table {
			return r, nil
		}
	}
	return snap.Refusal{}, fmt.Errorf("look for the rule of netfilter table %s: it is not there", table)
}

// NoNetfilter says of an error that this kernel has no nf_tables, or not the families and expressions that are needed.
func NoNetfilter(err error) bool {
	for _, e := range []error{unix.EOPNOTSUPP, unix.EPROTONOSUPPORT, unix.EAFNOSUPPORT, unix.ENOENT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// firstAck waits for the first answer: an error of any message of a batch, or the one acknowledgement asked for.
func firstAck(fd int) error {
	buf := make([]byte, recvSize)
	for {
		n, err := receive(fd, buf)
		if err != nil {
			return fmt.Errorf("receive netlink answer: %w", err)
		}
		for m := range messages(buf[:n]) {
			if m.kind == unix.NLMSG_ERROR {
				return ackError(m.payload)
			}
		}
	}
}

// nfGen is struct nfgenmsg: family, version 0, resource id in network order.
func nfGen(family byte, resource uint16) []byte {
	return binary.BigEndian.AppendUint16([]byte{family, 0}, resource)
}

// attr makes an attribute of the concatenation of its values.
func attr(kind uint16, values ...[]byte) []byte {
	b := make([]byte, attrLen)
	for _, v := range values {
		b = append(b, v...)
	}
	native.PutUint16(b, uint16(len(b)))
	native.PutUint16(b[2:], kind)
	return append(b, make([]byte, align(len(b))-len(b))...)
}

func nested(kind uint16, values ...[]byte) []byte { return attr(kind|nlaFNested, values...) }

func attr32(kind uint16, v uint32) []byte {
	return attr(kind, binary.BigEndian.AppendUint32(nil, v))
}

func zeroEnded(s string) []byte { return append([]byte(s), 0) }

// chainAt describes a base chain of type filter, priority 0.
func chainAt(table, chain string, hook uint32) []byte {
	var b []byte
	for _, a := range [][]byte{
		attr(nftaChainTable, zeroEnded(table)),
		attr(nftaChainName, zeroEnded(chain)),
		nested(nftaChainHook, attr32(nftaHookNum, hook), attr32(nftaHookPrio, 0)),
		attr(nftaChainType, zeroEnded("filter")),
	} {
		b = append(b, a...)
	}
	return b
}

// refusalOf describes the rule "meta l4proto udp udp dport PORT counter drop".
func refusalOf(table, chain string, port uint16) []byte {
	expression := func(name string, data ...[]byte) []byte {
		return nested(nftaListElem, attr(nftaExprName, zeroEnded(name)), nested(nftaExprData, data...))
	}
	equals := func(value []byte) []byte {
		return expression("cmp", attr32(nftaCmpSReg, nftRegister), attr32(nftaCmpOp, nftCmpEq), nested(nftaCmpData, attr(nftaValue, value)))
	}
	b := append(attr(nftaRuleTable, zeroEnded(table)), attr(nftaRuleChain, zeroEnded(chain))...)
	return append(b, nested(nftaRuleExprs,
		expression("meta", attr32(nftaMetaKey, nftMetaL4Proto), attr32(nftaMetaDReg, nftRegister)),
		equals([]byte{unix.IPPROTO_UDP}),
		expression("payload", attr32(nftaPayDReg, nftRegister), attr32(nftaPayBase, nftPayTransport), attr32(nftaPayOffset, 2), attr32(nftaPayLen, 2)),
		equals(binary.BigEndian.AppendUint16(nil, port)),
		expression("counter"),
		expression("immediate", attr32(nftaImmDReg, nftRegVerdict),
			nested(nftaImmData, nested(nftaVerdict, attr32(nftaVerdictNr, nfDrop)))),
	)...)
}

// Forgive removes a table of the inet family with its chains and rules.
func (h *Host) Forgive(table string) error {
	fd, err := h.socket(unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = transact(fd, change{nftDelTable, unix.NLM_F_REQUEST, append(nfGen(unix.NFPROTO_INET, 0), attr(nftaTableName, zeroEnded(table))...)})
	if err != nil {
		return fmt.Errorf("remove netfilter table %s: %w", table, err)
	}
	return nil
}

// change is a message of a batch.
type change struct {
	kind, flags uint16
	body        []byte
}

// transact makes all changes or none.
func transact(fd int, changes ...change) error {
	frame := nfGen(0, nftSubsystem>>8)
	batch := request(nfnlBatchBegin, unix.NLM_F_REQUEST, 1, frame)
	for i, c := range changes {
		if i == len(changes)-1 {
			c.flags |= unix.NLM_F_ACK
		}
		batch = append(batch, request(c.kind, c.flags, uint32(i+2), c.body)...)
	}
	batch = append(batch, request(nfnlBatchEnd, unix.NLM_F_REQUEST, uint32(len(changes)+2), frame)...)
	if err := unix.Sendto(fd, batch, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	return firstAck(fd)
}
