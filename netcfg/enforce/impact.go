// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"cmp"
	"slices"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// Limits of a dry run: the fastest flows are judged, the fastest of those that change are listed.
const (
	maxJudged = 4096
	maxListed = 20
)

// MaxFlows is how many flows, the fastest first, Stage looks at.
const MaxFlows = maxJudged

// impact compares two judgements of live flows. drops are packets a second that pass and would not, by device.
func impact(flows []snap.Flow, was, is *acl.Policy, before, after judging) (out snap.Impact, drops map[string]float64, err error) {
	var packets []acl.Packet
	flows, packets = judged(flows)
	if len(packets) == 0 {
		return out, nil, nil
	}
	old, err := before(packets)
	if err != nil {
		return out, nil, err
	}
	next, err := after(packets)
	if err != nil {
		return out, nil, err
	}
	drops = map[string]float64{}
	passed, passes := passing(flows, packets, was, old), passing(flows, packets, is, next)
	for i := range flows {
		rate := flows[i].Rates[0]
		add(&out.Of, rate)
		less := passed[i] - passes[i]
		drop := share(rate, less)
		switch {
		case old[i].Verdict != acl.Deny && next[i].Verdict == acl.Deny:
			out.Dropped++
			add(&out.DropRate, drop)
		case old[i].Verdict == acl.Deny && next[i].Verdict != acl.Deny:
			out.Allowed++
			add(&out.PassRate, share(rate, -less))
		case less > leastHeld:
			out.Limited++
			add(&out.LimitRate, drop)
		case less < -leastHeld:
			out.Allowed++
			add(&out.PassRate, share(rate, -less))
		default:
			continue
		}
		if less > 0 {
			drops[flows[i].Device] += drop.PPS
		}
		out.Flows = append(out.Flows, snap.FlowChange{
			Key: flows[i].Key, Device: flows[i].Device, Rate: rate, WayIn: flows[i].WayIn,
			Was: was.Words(old[i]), Is: is.Words(next[i]),
		})
	}
	slices.SortStableFunc(out.Flows, func(a, b snap.FlowChange) int {
		return cmp.Or(cmp.Compare(boolean(b.WayIn), boolean(a.WayIn)), cmp.Compare(b.Rate.PPS, a.Rate.PPS))
	})
	out.Flows = out.Flows[:min(len(out.Flows), maxListed)]
	out.OneWay = oneWay(packets, is)
	return out, drops, nil
}

// leastHeld is the part of a flow that a limit must hold back to be named: rates are measured, and a client at its limit is not
// over it.
const leastHeld = 0.1

// passing says which part of each flow a policy lets pass: limits hold back what a source sends above their rate, of all its flows
// alike.
func passing(flows []snap.Flow, packets []acl.Packet, p *acl.Policy, by []acl.Decision) []float64 {
	out := make([]float64, len(by))
	sums := map[acl.Bucket]float64{}
	limit := func(i int) (*acl.Rule, acl.Bucket) {
		d := &by[i]
		if d.By != acl.ByRule || d.Index < 0 || d.Index >= len(p.Rules) || p.Rules[d.Index].Action != acl.Limit {
			return nil, acl.Bucket{}
		}
		return &p.Rules[d.Index], acl.Bucket{Rule: d.Index, Src: packets[i].Src.Unmap()}
	}
	for i := range by {
		if r, bucket := limit(i); r != nil {
			sums[bucket] += flows[i].Rates[0].PPS
		}
	}
	for i := range by {
		switch r, bucket := limit(i); {
		case by[i].Verdict == acl.Deny:
		case r != nil:
			out[i] = min(1, float64(r.Rate.N)/r.Rate.Per.Seconds()/max(sums[bucket], 1e-9))
		default:
			out[i] = 1
		}
	}
	return out
}

func share(r snap.Rate, part float64) snap.Rate {
	return snap.Rate{PPS: r.PPS * part, BPS: r.BPS * part}
}

func add(sum *snap.Rate, r snap.Rate) {
	sum.PPS += r.PPS
	sum.BPS += r.BPS
}

// boolean puts ways in before the rest.
func boolean(w snap.WayIn) int {
	if w == snap.NoWayIn {
		return 0
	}
	return 1
}

// judged picks the flows that a policy decides, and makes a packet of each. Flows inside tunnels that are only counted are
// looked at, not judged.
func judged(flows []snap.Flow) ([]snap.Flow, []acl.Packet) {
	var list []snap.Flow
	var packets []acl.Packet
	for i := range flows {
		f := &flows[i]
		if f.Key.VNI != 0 || f.Gone > 0 {
			continue
		}
		if len(list) == maxJudged {
			break
		}
		list, packets = append(list, *f), append(packets, packetOf(f))
	}
	return list, packets
}

func packetOf(f *snap.Flow) acl.Packet {
	k := acl.Packet{
		Dir: acl.In, Dev: f.Device, Src: f.Key.Src.Netip(), Dst: f.Key.Dst.Netip(), Proto: f.Key.Proto,
		Frag: acl.Frag(f.Key.Frag), VLAN: f.Key.VLAN,
	}
	if f.Key.Egress {
		k.Dir = acl.Out
	}
	switch {
	case k.Frag == acl.Later:
	case acl.HasPorts(k.Proto):
		k.SPort, k.DPort = f.Key.SPort, f.Key.DPort
	case k.Proto == acl.ICMP || k.Proto == acl.ICMPv6:
		k.Type, k.Code = uint8(f.Key.SPort>>8), uint8(f.Key.SPort)
	}
	return k
}

// oneWay counts the packets that established would decide, and whose other direction is not among them.
func oneWay(packets []acl.Packet, p *acl.Policy) int {
	if !slices.ContainsFunc(p.Rules, func(r acl.Rule) bool { return r.Established && !r.Off }) {
		return 0
	}
	seen := map[acl.Packet]bool{}
	for _, k := range packets {
		k.Dev = ""
		seen[k] = true
	}
	n := 0
	for _, k := range packets {
		back := reverse(k)
		there := back
		there.Dev = ""
		if seen[there] {
			continue
		}
		state := acl.NewState(time.Time{})
		state.Saw(back)
		if d := acl.Evaluate(p, k, state); d.By == acl.ByRule && p.Rules[d.Index].Established {
			n++
		}
	}
	return n
}

// reverse is the packet that answers.
func reverse(k acl.Packet) acl.Packet {
	k.Src, k.Dst, k.SPort, k.DPort = k.Dst, k.Src, k.DPort, k.SPort
	k.Dir = acl.In + acl.Out - k.Dir
	return k
}
