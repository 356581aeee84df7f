// SPDX-License-Identifier: Apache-2.0

package kern

import "hooktop/bpf"

// TraceTerm is one term of a packet filter as the kernel reads it (struct trace_term of bpf/include/wire.h).
type TraceTerm = bpf.TraceTraceTerm

// MaxTraceTerms is how many terms a filter may have, one that nobody typed among them.
const MaxTraceTerms = 9

// Kinds of a TraceTerm.
const (
	TermFamily = uint32(bpf.TraceTraceTermKindTERM_FAMILY)
	TermProto  = uint32(bpf.TraceTraceTermKindTERM_PROTO)
	TermNet    = uint32(bpf.TraceTraceTermKindTERM_NET)
	TermPort   = uint32(bpf.TraceTraceTermKindTERM_PORT)
	TermDev    = uint32(bpf.TraceTraceTermKindTERM_DEV)
	TermMark   = uint32(bpf.TraceTraceTermKindTERM_MARK)
	TermPID    = uint32(bpf.TraceTraceTermKindTERM_PID)
	TermComm   = uint32(bpf.TraceTraceTermKindTERM_COMM)
	TermFlow   = uint32(bpf.TraceTraceTermKindTERM_FLOW)
	TermNetNS  = uint32(bpf.TraceTraceTermKindTERM_NETNS)
)

// Values of TraceTerm.Dir.
const (
	TermSrc uint32 = 1 << iota
	TermDst
)
