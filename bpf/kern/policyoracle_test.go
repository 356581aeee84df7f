// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"encoding/binary"
	stdflag "flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/acltest"
)

var (
	oraclePairs = stdflag.Int("pairs", 0, "policies times packets to compare with the oracle, 0: few")
	oracleSeed  = stdflag.Uint64("seed", 1, "where the random policies begin")
)

// frameOf builds the frame of a packet of the oracle's: what the parser knows of it is k again.
func frameOf(k acl.Packet, rnd *rand.Rand) []byte {
	b := []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}
	if k.VLAN != 0 {
		for range rnd.IntN(2) { // a priority tag in front is none
			b = binary.BigEndian.AppendUint32(b, 0x8100<<16)
		}
		b = binary.BigEndian.AppendUint32(b, 0x8100<<16|uint32(k.VLAN))
	}
	if k.NotIP {
		return append(b, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1)
	}
	if k.Malformed {
		return append(b, 0x08, 0x00, 0x41, 0)
	}
	l4 := l4Of(k)
	if k.Src.Is4() {
		return append(append(b, 0x08, 0x00), ip4Of(k, l4, rnd)...)
	}
	return append(append(b, 0x86, 0xdd), ip6Of(k, l4, rnd)...)
}

func l4Of(k acl.Packet) []byte {
	l4 := make([]byte, 20)
	binary.BigEndian.PutUint16(l4[0:], k.SPort)
	binary.BigEndian.PutUint16(l4[2:], k.DPort)
	switch k.Proto {
	case acl.TCP:
		l4[12] = 5 << 4
	case acl.UDP:
		binary.BigEndian.PutUint16(l4[4:], 20)
	case acl.ICMP, acl.ICMPv6:
		l4[0], l4[1] = k.Type, k.Code
	}
	return l4
}

func ip4Of(k acl.Packet, l4 []byte, rnd *rand.Rand) []byte {
	head := 20 + 4*rnd.IntN(3)
	h := make([]byte, head)
	h[0], h[8], h[9] = 0x40|byte(head/4), 64, k.Proto
	binary.BigEndian.PutUint16(h[2:], uint16(head+len(l4)))
	binary.BigEndian.PutUint16(h[6:], [...]uint16{acl.Whole: 0, acl.First: 0x2000, acl.Later: 0x20 | uint16(rnd.IntN(2))<<13}[k.Frag])
	src, dst := k.Src.As4(), k.Dst.As4()
	copy(h[12:], src[:])
	copy(h[16:], dst[:])
	return append(h, l4...)
}

func ip6Of(k acl.Packet, l4 []byte, rnd *rand.Rand) []byte {
	const options, fragment = 60, 44
	next, payload := k.Proto, l4
	if k.Frag != acl.Whole {
		f := make([]byte, 8)
		f[0] = next
		binary.BigEndian.PutUint16(f[2:], [...]uint16{acl.First: 1, acl.Later: 0x100}[k.Frag])
		next, payload = fragment, append(f, payload...)
	}
	if rnd.IntN(4) == 0 {
		next, payload = options, append([]byte{next, 0, 1, 4, 0, 0, 0, 0}, payload...)
	}
	h := make([]byte, 40)
	h[0], h[6], h[7] = 0x60, next, 64
	binary.BigEndian.PutUint16(h[4:], uint16(len(payload)))
	src, dst := k.Src.As16(), k.Dst.As16()
	copy(h[8:], src[:])
	copy(h[24:], dst[:])
	return append(h, payload...)
}

// framable reports whether a frame can show the packet: families mixed up, and protocols that the parser takes apart as extension
// headers, cannot.
func framable(k acl.Packet) bool {
	if k.NotIP || k.Malformed {
		return k.VNI == 0
	}
	ext := []uint8{0, 43, 44, 50, 51, 59, 60, 135, 139, 140}
	return k.VNI == 0 && k.Src.Is4() == k.Dst.Is4() && (k.Src.Is4() || !slices.Contains(ext, k.Proto)) && k.Dev != "" && !k.Src.Is4In6()
}

// instances are real programs, loaded for the devices of tests, by direction.
type instances struct {
	xdp, in, out map[string]*ebpf.Program
}

func loadInstances(t *testing.T, p *Pipeline) instances {
	i := instances{map[string]*ebpf.Program{}, map[string]*ebpf.Program{}, map[string]*ebpf.Program{}}
	for name, slot := range slotsByName {
		i.xdp[name], i.in[name], i.out[name] = loadFor(t, p, slot, XDPGeneric), loadFor(t, p, slot, TCIngress), loadFor(t, p, slot, TCEgress)
	}
	return i
}

// verdict runs a frame through the programs of its direction; they must agree.
func (i instances) verdict(t *testing.T, k acl.Packet, frame []byte, tcOnly bool) acl.Action {
	t.Helper()
	progs := map[*ebpf.Program][2]uint32{i.out[k.Dev]: {0xffffffff, 2}}
	if k.Dir != acl.Out {
		progs = map[*ebpf.Program][2]uint32{i.in[k.Dev]: {0xffffffff, 2}}
		if !tcOnly {
			progs[i.xdp[k.Dev]] = [2]uint32{2, 1}
		}
	}
	said := acl.Limit
	for prog, codes := range progs {
		code, err := prog.Run(&ebpf.RunOptions{Data: frame})
		if err != nil {
			t.Fatalf("run a frame of %d bytes: %v", len(frame), err)
		}
		v := acl.Allow
		switch code {
		case codes[0]:
		case codes[1]:
			v = acl.Deny
		default:
			t.Fatalf("action %d", code)
		}
		if said != acl.Limit && said != v {
			t.Fatalf("programs disagree about %v", k)
		}
		said = v
	}
	return said
}

// The kernel decides as the oracle: what it says of each packet in a dry run, and what the programs that are attached do.
func TestKernelDecidesAsTheOracle(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	progs := loadInstances(t, p)
	policies, packets := 40, 100
	if testing.Short() {
		policies = 6
	}
	if *oraclePairs > 0 {
		policies = *oraclePairs / packets
		t.Logf("seed %d", *oracleSeed)
	}
	var ruled, all, rules, met int
	for n := range policies {
		seed := *oracleSeed + uint64(n)
		rnd := rand.New(rand.NewPCG(seed, 3))
		text := acltest.Crowded(rnd, 1+rnd.IntN(60))
		if n%4 == 3 {
			text = acltest.Spread(rnd, []int{10, 100, 1000}[rnd.IntN(3)])
		}
		a := parsePolicy(t, text)
		a.Guard = acl.Guard(nil)[:rnd.IntN(8)]
		gen := writeACL(t, p, &a)
		for slot := range p.policy.states {
			p.setGeneration(uint16(slot), gen)
		}
		s := acl.NewSampler(seed, &a)
		hit := map[int]bool{}
		for i := range packets {
			k := s.Any()
			if len(a.Rules) > 0 && i%8 > 0 {
				k = s.For(&a.Rules[(i+n)%len(a.Rules)])
			}
			if k.Dir == acl.Both {
				k.Dir = acl.In
			}
			if _, known := slotsByName[k.Dev]; !known {
				k.Dev = "eth0"
			}
			if !framable(k) {
				continue
			}
			all++
			frame := frameOf(k, rnd)
			want := acl.Evaluate(&a, k, acl.NewState(time.Now()))
			out, err := p.JudgePolicy(gen, []Judge{{Frame: frame, Egress: k.Dir == acl.Out, Slot: slotsByName[k.Dev]}})
			if err != nil {
				t.Fatal(err)
			}
			got := out[0]
			slices.Sort(got.Counted)
			verdict := acl.Allow
			if got.Deny {
				verdict = acl.Deny
			}
			if verdict != want.Verdict || got.By != want.By || got.Index != want.Index || !slices.Equal(got.Counted, want.Counted) && len(want.Counted) <= 16 {
				t.Fatalf("seed %d: %v: kernel %+v, oracle %+v, in\n%s", seed, k, got, want, text)
			}
			if want.By == acl.ByRule {
				ruled++
				hit[want.Index] = true
			}
			if limited(&a) { // the programs take tokens
				continue
			}
			if v := progs.verdict(t, k, frame, false); v != want.Verdict {
				t.Fatalf("seed %d: %v: programs %v, oracle %+v, in\n%s", seed, k, v, want, text)
			}
		}
		rules += len(a.Rules)
		met += len(hit)
	}
	t.Logf("%d policies, %d packets, %d met a rule, %d of %d rules decided one", policies, all, ruled, met, rules)
}

func limited(a *acl.Policy) bool {
	return slices.ContainsFunc(a.Rules, func(r acl.Rule) bool { return r.Action == acl.Limit && !r.Off })
}
