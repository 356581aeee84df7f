// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/acltest"
	"hooktop/netcfg/acl/compile"
	"hooktop/netcfg/policy"
	"hooktop/probes/ktest"
)

// spread is a policy of so many rules, all for ingress, that lets what no rule decides through or not.
func spread(rules int, verdict acl.Action) string {
	text := acltest.Spread(rand.New(rand.NewPCG(uint64(rules), 1)), rules)
	_, text, _ = strings.Cut(text, "\n")
	return "default in " + verdict.String() + "\n" + strings.ReplaceAll(text, " out ", " in ")
}

func parsed(t *testing.T, text string) acl.Policy {
	t.Helper()
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return f.Resolve(time.Now()).ACL()
}

// written compiles a policy and writes it into a slot.
func written(t *testing.T, p *kern.Pipeline, a *acl.Policy) uint32 {
	t.Helper()
	img, err := compile.Compile(a, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	gen, err := p.WritePolicy(img)
	if err != nil {
		t.Fatal(err)
	}
	return gen
}

// edit takes a policy from its text to the first packet that it decides, a frame that only the default is for.
func edit(t *testing.T, p *kern.Pipeline, prog *ebpf.Program, text string, want uint32) (ms float64) {
	t.Helper()
	frame := udp4()
	frame[23] = 47 // GRE: no rule names it
	from := time.Now()
	a := parsed(t, text)
	gen := written(t, p, &a)
	if err := p.TryPolicy(gen, nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	got, err := prog.Run(&ebpf.RunOptions{Data: frame})
	ms = time.Since(from).Seconds() * 1000
	if err != nil || got != want {
		t.Fatalf("the first packet got %d (%v), want %d", got, err, want)
	}
	if err := p.KeepPolicy(gen); err != nil {
		t.Fatal(err)
	}
	if _, err := p.PolicyCounts(gen); err != nil { // as the engine does each second
		t.Fatal(err)
	}
	return ms
}

// nftEdit has nft replace the rules in one transaction, which decides when nft comes back.
func nftEdit(t *testing.T, n *ktest.NS, text string) (ms float64) {
	t.Helper()
	c := exec.Command("nft", "-f", "-")
	c.Stdin = strings.NewReader("add table netdev t\ndelete table netdev t\n" + text)
	n.Do(t, func() error {
		from := time.Now()
		said, err := c.CombinedOutput()
		ms = time.Since(from).Seconds() * 1000
		if err != nil {
			return fmt.Errorf("nft -f: %w: %.300s", err, said)
		}
		return nil
	})
	return ms
}

// measureEdit changes the default of a policy to and fro, which has either of the two read and load all of it.
func measureEdit(t *testing.T, r *Report) {
	_, b := pair(t)
	p, prog := productProgram(t)
	for _, rules := range []int{1000, 10000} {
		var ours, theirs []float64
		for i := range 12 {
			verdict, code := acl.Allow, uint32(2) // XDP_PASS
			if i%2 == 0 {
				verdict, code = acl.Deny, 1 // XDP_DROP
			}
			text := spread(rules, verdict)
			a := parsed(t, text)
			nft := acltest.ToNFT(&a, "v1", false)
			if len(nft.Owners) != rules+1 {
				t.Fatalf("%d rules are %d to nftables", rules, len(nft.Owners)-1)
			}
			us, them := edit(t, p, prog, text, code), nftEdit(t, b, nft.Text)
			if i > 0 { // the first fills caches
				ours, theirs = append(ours, us), append(theirs, them)
			}
		}
		r.Rows = append(r.Rows, FromRounds("S13", fmt.Sprintf("ACL edit of %d rules, from its text to the first packet decided by it / nft -f of the same rules", rules), "x", AtMost(0.1),
			Ratios(ours, theirs), fmt.Sprintf("hooktop %.1f ms, nft %.1f ms", Median(ours), Median(theirs))))
	}
}
