// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/compile"
	"hooktop/probes/dryrun"
)

// prepare writes the policy, and makes the packets that stand for all.
func (r *course) prepare() error {
	p := &r.wish.Policy
	if Decides(p) {
		var err error
		if r.gen, err = r.write(p, r.wish.Dev); err != nil {
			return err
		}
	} else {
		r.whys[StageClassify] = "there is no policy: nothing is judged"
	}
	packets := r.wish.Packets
	if packets == nil {
		packets = sample(p, r.wish.Dev)
	}
	packets, frames := built(p, packets)
	if len(frames) == 0 {
		return fmt.Errorf("none of %d packets could be built", len(r.wish.Packets))
	}
	r.cold = flowsOf(p, packets, frames)
	for i := range min(hotPackets, len(frames)) {
		r.hot = append(r.hot, frames[i*len(frames)/min(hotPackets, len(frames))])
	}
	if err := r.m.Decide(r.gen); err != nil {
		return err
	}
	if err := r.cached(packets, frames); err != nil {
		return err
	}
	if err := r.strip(); err != nil {
		return err
	}
	if err := r.mark(); err != nil {
		return err
	}
	if err := r.m.Decide(r.gen); err != nil {
		return err
	}
	return r.pace()
}

// Decides reports whether a policy says anything at all.
func Decides(p *acl.Policy) bool {
	return p.In == acl.Deny || p.Out == acl.Deny || len(p.Rules)+len(p.Tunnels)+len(p.Chains) > 0
}

func (r *course) write(p *acl.Policy, dev string) (uint32, error) {
	o := compile.Options{Devices: map[string]uint16{}, Now: time.Now()}
	if dev != "" {
		o.Devices[dev] = 1
	}
	img, err := compile.Compile(p, o)
	if err != nil {
		return 0, err
	}
	return r.m.Write(img)
}

// pace finds how many single runs there is time for.
func (r *course) pace() error {
	r.calls = map[kern.Hook]int{}
	const passes = 6
	for _, h := range meterHooks() {
		begin := time.Now()
		for range minCalls {
			if _, _, err := r.m.Run(h, kern.PartWhole, r.cold[0], 1); err != nil {
				return err
			}
		}
		call := max(time.Since(begin)/minCalls, 1)
		room := r.wish.For / time.Duration(minRounds*passes*len(meterHooks()))
		r.calls[h] = max(minCalls, min(len(r.cold), int(room/call)))
	}
	return nil
}

// sample draws packets that rules of a policy are about, and others.
func sample(p *acl.Policy, dev string) []acl.Packet {
	rules := slices.DeleteFunc(slices.Clone(p.Rules), func(r acl.Rule) bool { return r.Off || r.Dir == acl.Out })
	s, rnd := acl.NewSampler(1, p), rand.New(rand.NewPCG(1, 1))
	var out []acl.Packet
	for range 4 * sampled {
		k := s.Any()
		if len(rules) > 0 && rnd.IntN(4) > 0 {
			k = s.For(&rules[rnd.IntN(len(rules))])
		}
		if k.Dir, k.Dev, k.VNI = acl.In, dev, 0; k.Frag == acl.Whole {
			out = append(out, k)
		}
		if len(out) == sampled {
			break
		}
	}
	return out
}

// built leaves out the packets that no frame can be made of.
func built(p *acl.Policy, list []acl.Packet) (packets []acl.Packet, frames [][]byte) {
	for _, k := range list {
		if b, err := dryrun.Build(p, k); err == nil {
			packets, frames = append(packets, k), append(frames, b)
		}
	}
	return packets, frames
}

// flowsOf makes packets of different flows out of some: by their source ports, from the first of the dynamic ones on.
func flowsOf(p *acl.Policy, packets []acl.Packet, frames [][]byte) [][]byte {
	out := slices.Clone(frames)
	if !slices.ContainsFunc(packets, func(k acl.Packet) bool { return acl.HasPorts(k.Proto) }) {
		return out
	}
	for port := uint16(49152); len(out) < maxFlows; port++ {
		for i := 0; i < len(packets) && len(out) < maxFlows; i++ {
			k := packets[i]
			if !acl.HasPorts(k.Proto) || k.SPort == port {
				continue
			}
			k.SPort = port
			if b, err := dryrun.Build(p, k); err == nil {
				out = append(out, b)
			}
		}
	}
	return out
}

// cached finds packets whose verdict is kept with their flow: those that are let pass, that no count or limit rule sees, and of which
// there are as many flows as ports.
func (r *course) cached(packets []acl.Packet, frames [][]byte) error {
	said, err := r.judge(r.gen, frames)
	if err != nil {
		return err
	}
	rules := r.wish.Policy.Rules
	keeps := func(j *kern.Judgement) bool {
		return j.Flow && !j.Deny && len(j.Counted) == 0 && !(j.By == acl.ByRule && rules[j.Index].Action == acl.Limit)
	}
	for i := range packets {
		if acl.HasPorts(packets[i].Proto) && (said == nil || keeps(&said[i])) {
			r.base, r.known = frames[i], flowsOf(&r.wish.Policy, packets[i:i+1], frames[i:i+1])
			break
		}
	}
	if r.base == nil {
		r.whys[StageHit] = fmt.Sprintf("the policy lets none of %d packets pass without counting or limiting it: no verdict is kept with a flow", len(packets))
		return nil
	}
	if said, err = r.judge(r.gen, r.known); err != nil || said == nil {
		return err
	}
	kept := r.known[:0]
	for i := range said {
		if keeps(&said[i]) {
			kept = append(kept, r.known[i])
		}
	}
	r.known = kept
	return nil
}

// judge asks what a policy makes of frames; nil: there is none.
func (r *course) judge(gen uint32, frames [][]byte) ([]kern.Judgement, error) {
	if gen == 0 {
		return nil, nil
	}
	return r.m.Judge(gen, frames)
}

// strip finds a packet that a line of the policy unwraps, and the one that comes out of it.
func (r *course) strip() error {
	p := &r.wish.Policy
	r.whys[StageStrip] = "no line of the policy unwraps a tunnel"
	for i := range p.Tunnels {
		t := &p.Tunnels[i]
		if t.Off || !t.Strip {
			continue
		}
		r.whys[StageStrip] = fmt.Sprintf("line %d: no packet for it could be made", t.Line)
		for _, inner := range t.Inner {
			k := acl.Packet{Dir: acl.In, Dev: r.wish.Dev, Src: host(inner), Dst: host(inner), SPort: 49152, DPort: 443, Proto: acl.TCP, VNI: t.VNI}
			with, err := dryrun.Build(p, k)
			if err != nil {
				continue
			}
			k.VNI = 0
			plain, err := dryrun.Build(p, k)
			if err != nil {
				continue
			}
			said, err := r.judge(r.gen, [][]byte{with})
			if err != nil {
				return err
			}
			if f := said[0].Tunnel; f != nil && f.Strips {
				r.pairs = append(r.pairs, contrast{StageStrip, with, plain, r.gen, r.gen})
				delete(r.whys, StageStrip)
				return nil
			}
		}
	}
	return nil
}

// host is an address inside a prefix.
func host(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr()
	if p.Bits() < a.BitLen() {
		a = a.Next()
	}
	return a
}

// mark finds a packet of a chain. Packets are on the device of that chain meanwhile, and held against the policy without it.
func (r *course) mark() error {
	p := r.wish.Policy
	at := slices.IndexFunc(p.Chains, func(c acl.Chain) bool { return !c.Off })
	if at < 0 {
		r.whys[StageMark] = "the policy has no chain"
		return nil
	}
	c := &p.Chains[at]
	r.whys[StageMark] = fmt.Sprintf("chain %s: no packet for it could be made", c.Name)
	with, err := r.write(&p, c.In)
	if err != nil {
		return err
	}
	bare := p
	bare.Chains = slices.Clone(p.Chains)
	bare.Chains[at].Off = true
	otherwise, err := r.write(&bare, c.In)
	if err != nil {
		return err
	}
	s := acl.NewSampler(1, &p)
	for range sampled {
		k := s.For(&c.Match)
		k.Dir, k.Dev, k.VLAN, k.VNI, k.Frag = acl.In, c.In, 0, 0, acl.Whole
		b, err := dryrun.Build(&p, k)
		if err != nil {
			continue
		}
		said, err := r.judge(with, [][]byte{b})
		if err != nil {
			return err
		}
		if j := &said[0]; !j.Deny && j.Leg.Chain == at+1 && j.Leg.Kind == acl.ToService {
			r.pairs = append(r.pairs, contrast{StageMark, b, b, with, otherwise})
			delete(r.whys, StageMark)
			return nil
		}
	}
	return nil
}
