// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

func qdiscMessage(parent uint32, kind string, drops, overlimits uint32) []byte {
	p := make([]byte, sizeofTcMsg)
	native.PutUint32(p[4:], 7)
	native.PutUint32(p[8:], 0x10000)
	native.PutUint32(p[12:], parent)
	queue := make([]byte, sizeofQueueStats)
	native.PutUint32(queue[offsetQueueDrops:], drops)
	native.PutUint32(queue[offsetQueueOver:], overlimits)
	p = append(p, attribute(tcaKind, zeroEnded(kind))...)
	return append(p, attribute(tcaStats2, attribute(tcaStatsQueue, queue))...)
}

func TestDecodeQdisc(t *testing.T) {
	want := snap.Qdisc{Device: 7, Kind: "htb", Handle: 0x10000, Drops: 3, Overlimits: 4}
	if got, ok := decodeQdisc(qdiscMessage(tcHRoot, "htb", 3, 4)); !ok || got != want {
		t.Errorf("got %+v, %v", got, ok)
	}
	want.Kind, want.Ingress = "clsact", true
	if got, ok := decodeQdisc(qdiscMessage(tcHIngress, "clsact", 3, 4)); !ok || got != want {
		t.Errorf("got %+v, %v", got, ok)
	}
	if got, ok := decodeQdisc(qdiscMessage(0x10001, "fq_codel", 3, 4)); ok {
		t.Errorf("a child was taken for a root: %+v", got)
	}
}

func counterOf(packets uint64) []byte {
	return attribute(nftaCounterPkt, binary.BigEndian.AppendUint64(nil, packets))
}

func verdictOf(code uint32) []byte {
	return append(attr32(nftaImmDReg, nftRegVerdict), nested(nftaImmData, nested(nftaVerdict, attr32(nftaVerdictNr, code)))...)
}

func expression(name string, data []byte) []byte {
	return nested(nftaListElem, attr(nftaExprName, zeroEnded(name)), nested(nftaExprData, data))
}

func refusalMessage(table string, expressions ...[]byte) []byte {
	p := append(nfGen(unix.NFPROTO_INET, 0), attr(nftaRuleTable, zeroEnded(table))...)
	p = append(p, attr(nftaRuleChain, zeroEnded("input"))...)
	p = append(p, attr(nftaRuleHandle, binary.BigEndian.AppendUint64(nil, 5))...)
	return append(p, nested(nftaRuleExprs, expressions...)...)
}

func TestDecodeRefusal(t *testing.T) {
	counter, drop := expression("counter", counterOf(7)), expression("immediate", verdictOf(nfDrop))
	want := snap.Refusal{Family: "inet", Table: "filter", Chain: "input", Handle: 5, Verdict: "drop", Packets: 7}
	if got, ok := decodeRefusal(refusalMessage("filter", counter, drop)); !ok || got != want {
		t.Errorf("got %+v, %v", got, ok)
	}
	want.Verdict = "reject"
	for name, e := range map[string][]byte{
		"nft": expression("reject", nil), "iptables": expression("target", attr(nftaTargetName, zeroEnded("REJECT"))),
	} {
		if got, ok := decodeRefusal(refusalMessage("filter", counter, e)); !ok || got != want {
			t.Errorf("reject of %s: %+v, %v", name, got, ok)
		}
	}
	for name, p := range map[string][]byte{
		"no counter":     refusalMessage("filter", drop),
		"accept":         refusalMessage("filter", counter, expression("immediate", verdictOf(1))),
		"log only":       refusalMessage("filter", counter, expression("log", nil)),
		"another target": refusalMessage("filter", counter, expression("target", attr(nftaTargetName, zeroEnded("LOG")))),
	} {
		if got, ok := decodeRefusal(p); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestDecodeStatsOfOldAndNewKernels(t *testing.T) {
	all := make([]byte, 25*8)
	for i := range 25 {
		native.PutUint64(all[i*8:], uint64(i)+100)
	}
	var l snap.Link
	decodeStats(&l, all)
	want := snap.LinkErrors{RxErrors: 104, TxErrors: 105, Collisions: 109, RxLength: 110, RxOver: 111, RxCRC: 112, RxFrame: 113, RxFIFO: 114,
		RxMissed: 115, TxAborted: 116, TxCarrier: 117, TxFIFO: 118, RxNoHandler: 123, RxOtherHost: 124}
	if l.RxPackets != 100 || l.TxPackets != 101 || l.RxDropped != 106 || l.TxDropped != 107 || l.Errors != want {
		t.Errorf("got %+v", l)
	}
	l = snap.Link{}
	decodeStats(&l, all[:24*8]) // before 5.19
	if want.RxOtherHost = 0; l.Errors != want {
		t.Errorf("24 counters: %+v", l.Errors)
	}
	l = snap.Link{}
	if decodeStats(&l, all[:7]); l != (snap.Link{}) {
		t.Errorf("7 bytes: %+v", l)
	}
}
