// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/acltest"
	"hooktop/netcfg/acl/compile"
)

const samples = 1 << 14

// spread4 is a policy of so many IPv4 rules for ingress.
func spread4(t *testing.T, rules int) acl.Policy {
	text := acltest.Spread(rand.New(rand.NewPCG(uint64(rules), 2)), 2*rules)
	a := parsed(t, strings.ReplaceAll(text, " out ", " in "))
	six := func(e acl.End) bool { return e.Prefix.IsValid() && e.Prefix.Addr().Is6() }
	a.Rules = slices.DeleteFunc(a.Rules, func(r acl.Rule) bool { return six(r.From) || six(r.To) })[:rules]
	return a
}

// headers are packets for rules of a policy by chance, and next to them.
func headers(a *acl.Policy) []acl.Packet {
	s, rnd := acl.NewSampler(1, a), rand.New(rand.NewPCG(1, 1))
	var out []acl.Packet
	for len(out) < samples {
		k := s.For(&a.Rules[rnd.IntN(len(a.Rules))])
		if k.Src.Is4() && k.Dst.Is4() && k.Frag == acl.Whole && (k.Proto == acl.TCP || k.Proto == acl.UDP) {
			k.Dir, k.VLAN, k.VNI, k.SPort = acl.In, 0, 0, 0
			out = append(out, k)
		}
	}
	return out
}

// roomForSamples makes room for samples.
func roomForSamples(t *testing.T, spec *ebpf.CollectionSpec) {
	t.Helper()
	set(t, spec, map[string]any{"sample_mask": uint32(samples - 1)})
	spec.Maps["samples"].MaxEntries = samples
}

// fillSamples gives the generator its packets.
func fillSamples(t *testing.T, col *ebpf.Collection, packets []acl.Packet) {
	t.Helper()
	for i, k := range packets {
		src, dst := k.Src.As4(), k.Dst.As4()
		b := append(append([]byte{}, src[:]...), dst[:]...)
		b = binary.NativeEndian.AppendUint32(append(binary.BigEndian.AppendUint16(b, k.DPort), 0, 0), uint32(k.Proto))
		if err := col.Maps["samples"].Put(uint32(i), b); err != nil {
			t.Fatal(err)
		}
	}
}

// classifiers loads hooktop's image and the vectors of one policy behind the same generator, and holds what both decide against
// the oracle.
func classifiers(t *testing.T, rules int) (*ebpf.Collection, []byte) {
	t.Helper()
	const flows = 1 << 16
	a := spread4(t, rules)
	v, packets := newVectors(&a), headers(&a)
	img, err := compile.Compile(&a, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		t.Fatal(err)
	}
	sizes, err := kern.SizesFor(cpus, flows, 0)
	if err != nil {
		t.Fatal(err)
	}
	col := plane(t, flows, slotsPerFlow*flows, v.sizes, func(spec *ebpf.CollectionSpec) {
		deny := uint32(0)
		if a.In == acl.Deny {
			deny = 1
		}
		set(t, spec, map[string]any{"bv_words": uint32(v.words), "bv_deny": deny})
		roomForSamples(t, spec)
		// Counters of rules as the product has them on a host with so many CPUs: a shard for each if they are few.
		own := uint8(0)
		if sizes.Shards >= cpus {
			own = 1
		}
		set(t, spec, map[string]any{"hit_shards": uint32(sizes.Shards - 1), "hits_own": own})
		spec.Maps["ht_hits"].MaxEntries = uint32(3 * sizes.Shards * compile.MaxHits) // slots of images
		shift := bits.Len(uint(sizes.DeniedPerCPU)) - 1
		set(t, spec, map[string]any{"denied_shift": uint32(shift), "denied_mask": uint32(1<<shift - 1)})
		spec.Maps["ht_denied"].MaxEntries = uint32(cpus << shift)
		spec.Maps["ht_denied_tags"].MaxEntries = uint32(cpus << shift)
	})
	v.fill(t, col.Maps)
	fillSamples(t, col, packets)
	if err := kern.WriteImage(col.Maps["ht_policy"], 1, img); err != nil {
		t.Fatal(err)
	}
	decide(t, col, bpf.XdpDevState{Word: 1<<48 | 1<<32, Expiry: [2]uint64{^uint64(0), ^uint64(0)}, Mask: slotsPerFlow*flows/8 - 1})
	frame := tcp4()
	binary.BigEndian.PutUint16(frame[38:], 30) // as UDP, its length
	agree(t, col, frame, &a, packets[:2000])
	return col, frame
}

// agree runs one packet after the other through what is to be measured.
func agree(t *testing.T, col *ebpf.Collection, frame []byte, a *acl.Policy, packets []acl.Packet) {
	t.Helper()
	denied, ruled := 0, 0
	for _, name := range []string{"sample_ours", "sample_vectors", "new_ours", "new_vectors"} {
		if err := col.Variables["turn"].Set(uint32(0)); err != nil {
			t.Fatal(err)
		}
		for i, k := range packets {
			want := uint32(2) // XDP_PASS
			d := acl.Evaluate(a, k, nil)
			if d.By == acl.ByRule {
				ruled++
			}
			if d.Verdict == acl.Deny {
				want = 1
				denied++
			}
			got, err := col.Programs[name].Run(&ebpf.RunOptions{Data: frame})
			if err != nil || got != want {
				t.Fatalf("%s, packet %d (%v): %d (%v), want %d", name, i, k, got, err, want)
			}
		}
	}
	t.Logf("%d rules: of %d packets %d met one, %d were denied", len(a.Rules), 4*len(packets), ruled, denied)
}

// measureClassify is S5 and how the cost grows, then S4 on the table of its size.
func measureClassify(t *testing.T, r *Report) {
	pin(t)
	var ours, theirs [4][]float64
	var growth []string
	curve := Curve{Name: "rules-judged", Title: "Judging a packet of an unknown flow", X: "rules", Y: "ns a packet"}
	for i, rules := range []int{10, 100, 1000, 10000} {
		col, frame := classifiers(t, rules)
		p := col.Programs
		x := rounds(t, 9, frame, p["sample_parse"], p["sample_ours"], p["sample_vectors"])
		for n := range x[0] {
			ours[i] = append(ours[i], max(x[1][n]-x[0][n], 0.5))
			theirs[i] = append(theirs[i], max(x[2][n]-x[0][n], 0.5))
		}
		curve.Add("hooktop", At(float64(rules), ours[i]))
		curve.Add("bit vectors, LPM tries", At(float64(rules), theirs[i]))
		growth = append(growth, fmt.Sprintf("%d rules: hooktop %.0f ns, vectors %.0f ns", rules, Median(ours[i]), Median(theirs[i])))
		if rules == 1000 {
			measureNew(t, r, col, frame)
		}
		col.Close()
	}
	r.Curves = append(r.Curves, curve)
	r.Rows = append(r.Rows,
		FromRounds("S5", "classification of a packet of an unknown flow, 10000 rules: hooktop / bit vectors over LPM tries, both net of generator and parser", "x",
			AtMost(0.25), Ratios(ours[3], theirs[3]), strings.Join(growth, "; ")),
		FromRounds("S5", "classification of a packet of an unknown flow: 10000 rules / 10 rules", "x", AtMost(4), Ratios(ours[3], ours[0])))
}

// measureNew is a new flow with every packet.
func measureNew(t *testing.T, r *Report, col *ebpf.Collection, frame []byte) {
	p := col.Programs
	for _, fill := range []string{"new_ours", "new_vectors"} {
		perPacket(t, p[fill], frame, 2*runs)
	}
	x := rounds(t, 9, frame, p["sample_pass"], p["new_vectors"], p["new_ours"])
	r.Rows = append(r.Rows, FromRounds("S4", "a new flow with every packet, 1000 rules: LRU_HASH and bit vectors over LPM tries / hooktop, both net of the generator", "x",
		AtLeast(4), NetRatios(x[1], x[2], x[0]), ns("generator", x[0])+", "+ns("LRU_HASH and vectors", x[1])+", "+ns("hooktop", x[2])))
}
