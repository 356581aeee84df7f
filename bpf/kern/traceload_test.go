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

// pointValues are the constants of a tracepoint's program.
func pointValues(target TraceTarget) map[string]any {
	return map[string]any{
		bpf.TraceVarTpCookie: target.cookie(), bpf.TraceVarTpArgs: uint8(target.Args), bpf.TraceVarTpReason: uint8(noArg), bpf.TraceVarTpStates: uint32(1),
	}
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
				prog, err := trace.load(bpf.TraceProgHtTrPoint, 0, pointValues(target))
				if err != nil {
					refused(t, err)
				}
				tell(t, bpf.TraceProgHtTrPoint, prog)
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
