// SPDX-License-Identifier: Apache-2.0

package column

import (
	"math"
	"strconv"

	"hooktop/probes/snap"
)

// FlowRow reads a snap.Flow; Window is the index into snap.Windows that rate columns show.
type FlowRow struct {
	*snap.Flow
	Window int
}

// Address implements Row.
func (r FlowRow) Address(f Field) snap.Addr {
	if f == Destination {
		return r.Key.Dst
	}
	return r.Key.Src
}

// Number implements Row.
func (r FlowRow) Number(f Field) float64 {
	switch f {
	case RatePPS:
		return r.Rates[r.Window].PPS
	case RateBPS:
		return r.Rates[r.Window].BPS
	case Packets:
		return float64(r.Packets)
	case Bytes:
		return float64(r.Bytes)
	case MeanSize:
		if r.Packets == 0 {
			return math.NaN()
		}
		return float64(r.Bytes) / float64(r.Packets)
	case Age:
		return r.Age.Seconds()
	case Idle:
		return r.Idle.Seconds()
	case Gone:
		return r.Gone.Seconds()
	case Rule:
		return float64(r.Rule)
	case TCPFlags:
		return float64(r.TCPFlags)
	case PID, RTT, Retrans, SynRetrans, Unacked:
		return JoinNumber(f, &r.Owner, &r.TCP)
	}
	return KeyNumber(f, &r.Key)
}

// Text implements Row.
func (r FlowRow) Text(f Field) string {
	switch f {
	case Dev:
		return r.Device
	case Unanswered:
		return YesNo(r.Unanswered)
	case Forwarded:
		return YesNo(r.Forwarded)
	case Verdict:
		return r.Verdict
	case SrcName:
		return r.SrcName
	case DstName:
		return r.DstName
	case Process, Container, User, Sure, State, Way:
		return JoinText(f, &r.Owner, &r.TCP, r.WayIn)
	}
	return KeyText(f, &r.Key)
}

// KeyNumber reads the numbers of a flow's identity.
func KeyNumber(f Field, k *snap.FlowKey) float64 {
	switch f {
	case SPort, DPort, AnyPort:
		if !HasPorts(k.Proto) || k.Frag == snap.FragLater {
			return math.NaN()
		}
		if f == SPort {
			return float64(k.SPort)
		}
		if f == DPort {
			return float64(k.DPort)
		}
		return float64(ServicePort(k.SPort, k.DPort))
	case ICMPType:
		if k.Proto != 1 && k.Proto != 58 {
			return math.NaN()
		}
		return float64(k.SPort >> 8)
	case VLAN:
		return float64(k.VLAN)
	case VNI:
		return float64(k.VNI)
	case Protocol:
		return float64(k.Proto)
	}
	return math.NaN()
}

// KeyText reads the words of a flow's identity.
func KeyText(f Field, k *snap.FlowKey) string {
	switch f {
	case Protocol:
		return ProtoName(k.Proto)
	case Dir:
		if k.Egress {
			return "out"
		}
		return "in"
	case Frag:
		return [...]string{"whole", "first", "later"}[min(k.Frag, snap.FragLater)]
	}
	return ""
}

// JoinNumber reads the numbers of a flow's process and socket.
func JoinNumber(f Field, o *snap.Owner, t *snap.TCPInfo) float64 {
	if f == PID {
		if o.PID == 0 {
			return math.NaN()
		}
		return float64(o.PID)
	}
	if t.State == "" {
		return math.NaN()
	}
	switch f {
	case RTT:
		if t.RTT == 0 {
			return math.NaN()
		}
		return t.RTT.Seconds()
	case Retrans:
		return float64(t.Retrans)
	case SynRetrans:
		return float64(t.SynRetrans)
	case Unacked:
		return float64(t.Unacked)
	}
	return math.NaN()
}

// JoinText reads the words of a flow's process and socket.
func JoinText(f Field, o *snap.Owner, t *snap.TCPInfo, w snap.WayIn) string {
	switch f {
	case Process:
		return o.Comm
	case Container:
		return o.Container
	case User:
		return o.User
	case Sure:
		return [...]string{"", "exact", "socket", "guess", "kernel"}[min(o.Sure, snap.SureKernel)]
	case State:
		return t.State
	case Way:
		return [...]string{"no", "own", "access"}[min(w, snap.AccessFlow)]
	}
	return ""
}

// YesNo is how a truth stands in a filter.
func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// HasPorts reports whether the protocol's header begins with two ports (IANA numbers).
func HasPorts(proto uint8) bool {
	switch proto {
	case 6, 17, 33, 132, 136: // TCP, UDP, DCCP, SCTP, UDP-Lite
		return true
	}
	return false
}

// ServicePort guesses which port is the service's: the lower one that is not 0.
func ServicePort(a, b uint16) uint16 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// ProtoName returns the protocol's name in lower case, or its number.
func ProtoName(p uint8) string {
	switch p {
	case 1:
		return "icmp"
	case 2:
		return "igmp"
	case 4:
		return "ipip"
	case 6:
		return "tcp"
	case 17:
		return "udp"
	case 33:
		return "dccp"
	case 41:
		return "ipv6"
	case 47:
		return "gre"
	case 50:
		return "esp"
	case 51:
		return "ah"
	case 58:
		return "icmpv6"
	case 89:
		return "ospf"
	case 103:
		return "pim"
	case 112:
		return "vrrp"
	case 132:
		return "sctp"
	case 136:
		return "udplite"
	}
	return strconv.Itoa(int(p))
}

const flagLetters = "FSRPAUEC" // RFC 9293 bit order, FIN first

// FlagLetters writes TCP flags as letters, FIN first: "SA" is SYN and ACK.
func FlagLetters(flags uint8) string {
	var b [8]byte
	n := 0
	for i := range flagLetters {
		if flags&(1<<i) != 0 {
			b[n] = flagLetters[i]
			n++
		}
	}
	return string(b[:n])
}

func portOf(f Field) Field {
	switch f {
	case Source:
		return SPort
	case Destination:
		return DPort
	}
	return AnyPort
}
