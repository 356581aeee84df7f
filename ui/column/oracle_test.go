// SPDX-License-Identifier: Apache-2.0

package column

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hooktop/probes/snap"
)

// oracle evaluates a filter the slow, obvious way: on netip values and whole strings, case folded by hand.
func oracle(f *Filter, r FlowRow) bool {
	if f.Empty() {
		return true
	}
	return oracleNode(f.set, f.root, r)
}

func oracleNode(s *Set, n node, r FlowRow) bool {
	switch n := n.(type) {
	case and:
		ok := true
		for _, m := range n {
			ok = oracleNode(s, m, r) && ok
		}
		return ok
	case or:
		ok := false
		for _, m := range n {
			ok = oracleNode(s, m, r) || ok
		}
		return ok
	case *not:
		return !oracleNode(s, n.of, r)
	case *term:
		for _, it := range n.items {
			if n.col == nil && oracleBare(s, it, r) || n.col != nil && oracleItem(n.col, it, r) {
				return true
			}
		}
		return false
	}
	panic("no such node")
}

func oracleBare(s *Set, it item, r FlowRow) bool {
	sport, dport := r.Number(SPort), r.Number(DPort)
	src, dst := r.Key.Src.Netip(), r.Key.Dst.Netip()
	switch it.op {
	case opAddr, opEndpt:
		return oracleAddr(it, src, sport) || oracleAddr(it, dst, dport)
	case opRange:
		return oracleNumber(it, sport) || oracleNumber(it, dport)
	}
	texts := []string{src.String(), dst.String()}
	for i := range s.list {
		if s.list[i].Any {
			if t := r.Text(s.list[i].Field); t != "" {
				texts = append(texts, t)
			}
		}
	}
	for _, t := range texts {
		if oracleText(it, t) {
			return true
		}
	}
	if it.op == opHas {
		if n, err := strconv.Atoi(it.text); err == nil && !strings.ContainsAny(it.text, "+-") {
			return float64(n) == sport || float64(n) == dport
		}
	}
	return false
}

func oracleItem(c *Column, it item, r FlowRow) bool {
	switch c.Kind {
	case Text, Word:
		return oracleText(it, r.Text(c.Field))
	case Address, Endpoint:
		src := oracleAddr(it, r.Key.Src.Netip(), r.Number(SPort))
		dst := oracleAddr(it, r.Key.Dst.Netip(), r.Number(DPort))
		switch c.Field {
		case Source:
			return src
		case Destination:
			return dst
		}
		return src || dst
	case Port:
		if c.Field == AnyPort {
			return oracleNumber(it, r.Number(SPort)) || oracleNumber(it, r.Number(DPort))
		}
	case Flags:
		for i := range 8 {
			want, have := int(it.lo)>>i&1 == 1, r.TCPFlags>>i&1 == 1
			if want && !have || it.op == opFlagEq && want != have {
				return false
			}
		}
		return true
	}
	return oracleNumber(it, r.Number(c.Field))
}

func oracleAddr(it item, a netip.Addr, port float64) bool {
	switch {
	case it.op == opEndpt:
		return a == it.from && port == it.lo
	case it.bits >= 0:
		return netip.PrefixFrom(it.from, it.bits).Contains(a)
	}
	return a.BitLen() == it.from.BitLen() && a.Compare(it.from) >= 0 && a.Compare(it.to) <= 0
}

func oracleNumber(it item, v float64) bool {
	if math.IsNaN(v) {
		return false
	}
	switch it.op {
	case opLT:
		return v < it.lo
	case opLE:
		return v <= it.lo
	case opGT:
		return v > it.lo
	case opGE:
		return v >= it.lo
	case opRange:
		return v >= it.lo && v <= it.hi
	}
	return v == it.lo
}

func oracleText(it item, t string) bool {
	switch it.op {
	case opRegex:
		ok, err := regexp.MatchString(it.text, t)
		return ok && err == nil
	case opIs:
		return fold(t) == fold(it.text)
	case opGlob:
		parts := strings.Split(fold(it.text), "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		ok, err := regexp.MatchString("^(?s:"+strings.Join(parts, ".*")+")$", fold(t))
		return ok && err == nil
	}
	return strings.Contains(fold(t), fold(it.text))
}

func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, s)
}

// randomFlow draws from few values, so that filters hit.
func randomFlow(rnd *rand.Rand) *snap.Flow {
	addrs := []string{"10.4.1.17", "10.4.1.93", "10.9.0.10", "192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "2001:db8:1::7f", "fe80::1", "::", "::1"}
	addr := func() snap.Addr { return snap.AddrFrom(netip.MustParseAddr(addrs[rnd.IntN(len(addrs))])) }
	pick := func(s ...string) string { return s[rnd.IntN(len(s))] }
	ports := []uint16{0, 22, 53, 80, 443, 8000, 8080, 40112, 65535}
	port := func() uint16 { return ports[rnd.IntN(len(ports))] }
	protos := []uint8{1, 6, 6, 17, 47, 58, 132, 200}
	f := &snap.Flow{Key: snap.FlowKey{Src: addr(), Dst: addr(), SPort: port(), DPort: port(), Proto: protos[rnd.IntN(len(protos))],
		Frag: snap.Frag(rnd.IntN(3)), Egress: rnd.IntN(2) == 0, VLAN: uint16(rnd.IntN(3) * 10), VNI: uint32(rnd.IntN(2) * 100), Dev: 1}}
	f.Device = pick("eth0", "eth0.100", "wlan0", "veth7 x")
	f.Packets, f.Bytes = uint64(rnd.IntN(3)*500), uint64(rnd.IntN(100000))
	f.Rates[0] = snap.Rate{PPS: float64(rnd.IntN(4)) * 5000, BPS: float64(rnd.IntN(4)) * 1e6}
	f.Age, f.Idle = time.Duration(rnd.IntN(100))*time.Second, time.Duration(rnd.IntN(20))*500*time.Millisecond
	f.TCPFlags = []uint8{0, 2, 0x12, 0x10, 0x18, 4, 0xff}[rnd.IntN(7)]
	f.Unanswered, f.Forwarded, f.Verdict = rnd.IntN(2) == 0, rnd.IntN(2) == 0, pick("pass", "drop", "limit")
	if rnd.IntN(2) == 0 {
		f.Owner = snap.Owner{PID: 1 + rnd.IntN(3), Comm: pick("nginx", "sshd", "a b", "Ünï", "tcpdump", "x*y", `q"q`), Container: pick("", "3f2a"), User: pick("root", "www-data"), Sure: snap.Sure(rnd.IntN(5))}
		f.TCP = snap.TCPInfo{State: pick("", "ESTABLISHED", "SYN-SENT", "FIN-WAIT-1"), RTT: time.Duration(rnd.IntN(3)) * 10 * time.Millisecond, Retrans: uint32(rnd.IntN(3))}
		f.WayIn = snap.WayIn(rnd.IntN(3))
	}
	return f
}
