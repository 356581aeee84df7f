// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
)

// fullFilter has as many terms as there can be, of every kind but the cheapest.
func fullFilter() []TraceTerm {
	terms := make([]TraceTerm, MaxTraceTerms)
	for i := range terms {
		terms[i].Kind = uint32(bpf.TraceTraceTermKindTERM_PROTO) + uint32(i)
		terms[i].Dir = 3
	}
	return terms
}

// Every program of a trace passes this kernel's verifier, whatever the options switch on.
func TestTraceProgramsLoad(t *testing.T) {
	terms := fullFilter()
	for _, o := range []TraceOptions{
		{Rate: 1000}, {Rate: 1000, Stack: true, Returns: true, Terms: terms}, {Rate: 1000, ByHead: true, Terms: terms, Stack: true},
	} {
		t.Run(fmt.Sprintf("stack %v, returns %v, heads %v, %d terms", o.Stack, o.Returns, o.ByHead, len(o.Terms)), func(t *testing.T) {
			trace, err := OpenTrace(o)
			if err != nil {
				t.Fatal(err)
			}
			defer trace.Close()
			for _, name := range []string{bpf.TraceProgHtTrCall, bpf.TraceProgHtTrReturn, bpf.TraceProgHtTrFree, bpf.TraceProgHtTrCopy} {
				prog, err := trace.shared(name, 0)
				if err != nil {
					refused(t, err)
				}
				tell(t, name, prog)
			}
			for args := range 6 {
				target := TraceTarget{SKB: args - 1, Sock: -1, Reason: -1, Args: args}
				prog, err := trace.loadPoint(target, false)
				if err != nil {
					refused(t, err)
				}
				tell(t, bpf.TraceProgHtTrPoint, prog)
				prog.Close()
			}
			for _, target := range []TraceTarget{
				{Name: "kfree_skb", SKB: 0, Sock: -1, Reason: -1, Args: 2, Flags: TraceFrees}, {Name: "consume_skb", SKB: 0, Sock: -1, Reason: -1, Args: 1},
				{Name: "netif_receive_skb", SKB: 0, Sock: -1, Reason: -1, Args: 1, Flags: TraceReceives}, {Name: "net_dev_xmit", SKB: 0, Sock: -1, Reason: -1, Args: 4},
				{Name: "inet_sock_set_state", SKB: -1, Sock: 0, Reason: -1, Args: 3, States: 4}, {Name: "tcp_probe", SKB: 1, Sock: 0, Reason: -1, Args: 2},
			} {
				prog, err := trace.loadPoint(target, true)
				if err != nil {
					refused(t, err)
				}
				tell(t, target.Name, prog)
				prog.Close()
			}
		})
	}
}

// refused fails with the end of the verifier's log.
func refused(t *testing.T, err error) {
	t.Helper()
	var why *ebpf.VerifierError
	if errors.As(err, &why) {
		t.Log(strings.Join(why.Log[max(0, len(why.Log)-30):], "\n"))
	}
	t.Fatal(err)
}

func tell(t *testing.T, name string, prog *ebpf.Program) {
	t.Helper()
	info, err := DescribeProgram(prog)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d instructions", name, info.Insns)
}
