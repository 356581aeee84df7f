// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"strings"

	"hooktop/bpf/kern"
	"hooktop/probes/snap"
	"hooktop/probes/trace/functions"
)

// Limits of a session that names none, and what may be asked for at most.
const (
	defaultPackets = 1000
	defaultSeconds = 60
	defaultRate    = 10000
	maxFunctions   = 4096
)

// AtLaunch is what runs before anybody asks for a trace: it is there as long as people look around, cheap on a busy host, and
// samples.
func AtLaunch() snap.TraceSpec {
	return snap.TraceSpec{Pattern: Default, Packets: 1_000_000, Seconds: 3600, Rate: 50, Sample: true}
}

// means is how functions are hooked.
type means string

const (
	byMulti      means = "kprobe.multi"
	byKprobe     means = "kprobe"
	byTracepoint means = "tracepoint"
)

// plan is what a session attaches.
type plan struct {
	means   means
	why     string               // why not by better means
	points  []functions.Function // by TraceTarget.Func
	funcs   []kern.TraceTarget
	events  []kern.TraceTarget
	free    []string // keepers, see kern.Trace
	copies  []string
	asked   int  // of points: those that were asked for
	within  bool // only packets of hooktop's own namespace
	options kern.TraceOptions
}

// withLimits fills in the limits in force.
func withLimits(spec snap.TraceSpec) snap.TraceSpec {
	or := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	or(&spec.Packets, defaultPackets)
	or(&spec.Seconds, defaultSeconds)
	or(&spec.Rate, defaultRate)
	spec.Ret = spec.Ret || spec.Latency
	return spec
}

// lastOfTCP is the last tracepoint of a segment that TCP takes: it frees it by no tracepoint.
const lastOfTCP = "tcp:tcp_probe"

// Check says what is wrong with a wish, as far as that can be told before anything is attached.
func Check(cat *functions.Catalog, spec snap.TraceSpec) error {
	_, err := makePlan(cat, withLimits(spec), kern.HaveKprobeMulti(), 0)
	return err
}

// makePlan resolves a wish for this kernel. multi says why kprobe.multi can't be had, nil when it can. own is the namespace that
// a filter which names none is restricted to, 0: none.
func makePlan(cat *functions.Catalog, spec snap.TraceSpec, multi error, own uint32) (*plan, error) {
	filter, err := ParseFilter(spec.Filter)
	if err != nil {
		return nil, err
	}
	p := &plan{means: byMulti}
	if own != 0 {
		filter, p.within = filter.within(own)
	}
	most := maxFunctions
	switch {
	case cat.Lacks() != "":
		p.means, p.why = byTracepoint, cat.Lacks()
	case multi != nil:
		p.means, most = byKprobe, kern.MaxKprobes
		p.why = fmt.Sprintf("this kernel has no kprobe.multi (Linux 5.18 built with CONFIG_FPROBE): functions are hooked one by one, at most %d", kern.MaxKprobes)
	}
	rare, states := false, uint32(0)
	if strings.HasPrefix(spec.Pattern, "@") {
		preset, err := findPreset(spec.Pattern)
		if err != nil {
			return nil, err
		}
		rare, states = preset.rare, preset.states
		if preset.functions == "" {
			p.why = ""
		}
		p.points, err = preset.pick(cat, most)
		if err != nil {
			return nil, err
		}
	} else if p.points, err = cat.Match(spec.Pattern, most); err != nil {
		return nil, err
	} else if onlyEvents(spec.Pattern) {
		p.why = ""
	}
	p.asked = len(p.points)
	for i := range p.points {
		p.add(i, rare)
		if p.points[i].Name == "sock:inet_sock_set_state" {
			p.events[len(p.events)-1].States = states
		}
	}
	if len(p.funcs) == 0 && p.means != byTracepoint {
		p.means, p.why = byTracepoint, "" // nothing else was asked for
	}
	p.options = kern.TraceOptions{
		Terms: filter.compile(), Rate: spec.Rate, Stack: spec.Stack, Returns: spec.Ret && len(p.funcs) > 0,
		ByHead: cat.Lacks() != "" && !rare,
	}
	switch {
	case spec.Ret && len(p.funcs) == 0:
		p.lesser("tracepoints have no returns")
	case spec.Ret && p.means == byKprobe && kern.HaveReturns() != nil:
		p.options.Returns = false
		p.lesser("returns of single functions need Linux 5.15")
	}
	if rare {
		p.options.Packets = 1024 // none is kept
	} else {
		p.addKeepers(cat)
	}
	return p, nil
}

// lesser adds to what this kernel does not give.
func (p *plan) lesser(why string) {
	if p.why != "" {
		p.why += "; "
	}
	p.why += why
}

// onlyEvents says whether a pattern asks for nothing but tracepoints: then they are no lesser means.
func onlyEvents(pattern string) bool {
	for _, term := range strings.FieldsFunc(pattern, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		if !strings.Contains(term, ":") && !strings.HasPrefix(term, "!") {
			return false
		}
	}
	return true
}

func (p *plan) add(i int, rare bool) {
	f := &p.points[i]
	t := kern.TraceTarget{Name: f.Name, Func: uint32(i), SKB: f.SKB, Sock: sockArg(f), Reason: -1, Flags: placeOf(f.Name)}
	if rare || f.Name == lastOfTCP && p.means == byTracepoint {
		t.Flags |= kern.TraceFrees
	}
	if !f.Event {
		p.funcs = append(p.funcs, t)
		return
	}
	t.Name, t.Args = f.Tracepoint(), min(len(f.Args), 5)
	if t.SKB >= t.Args { // the kernel tells no such argument
		t.SKB = -1
	}
	t.Reason = reasonArg(f)
	p.events = append(p.events, t)
}

// addKeepers attaches, unseen, to where sk_buffs end and are copied, and shows where packets of a journey are dropped.
func (p *plan) addKeepers(cat *functions.Catalog) {
	keep := map[string]uint8{"skb:kfree_skb": kern.TraceFollows, "skb:consume_skb": kern.TraceQuiet}
	if p.means == byTracepoint && cat.Lacks() != "" {
		keep[lastOfTCP] = kern.TraceQuiet
	}
	for name, flags := range keep {
		if p.has(name) {
			continue
		}
		if found, err := cat.Match(name, 1); err == nil {
			p.points = append(p.points, found[0])
			p.add(len(p.points)-1, false)
			p.events[len(p.events)-1].Flags |= flags
		}
	}
	if cat.Lacks() != "" {
		return
	}
	can := func(names ...string) (out []string) {
		for _, name := range names {
			if found, err := cat.Match(name, 1); err == nil && !found[0].Event {
				out = append(out, name)
			}
		}
		return out
	}
	// net/core/skbuff.c: every way to free an sk_buff comes by one of these, and every clone, copy and segment by __copy_skb_header.
	p.free = can("skb_release_head_state", "__kfree_skb", "kfree_skbmem", "napi_skb_free_stolen_head", "napi_skb_cache_put")
	p.copies = can("__copy_skb_header", "__skb_clone")
}

func (p *plan) has(name string) bool {
	for i := range p.points {
		if p.points[i].Name == name {
			return true
		}
	}
	return false
}

// sockArg is the argument that is a socket whose packets these are, -1: none. Dropped packets were for the one that is named.
func sockArg(f *functions.Function) int {
	if f.Name == "skb:kfree_skb" {
		return -1
	}
	for _, a := range f.Args {
		if a.Slot >= 0 && a.Slot < 5 && a.Pointer && strings.Contains(strings.TrimPrefix(a.Type, "const "), "struct sock *") {
			return a.Slot
		}
	}
	return -1
}

// reasonArg is the argument that is a drop reason, -1: none (before Linux 5.17).
func reasonArg(f *functions.Function) int {
	for i, a := range f.Args {
		if strings.HasSuffix(a.Type, "skb_drop_reason") && i < 5 {
			return i
		}
	}
	return -1
}

// placeOf tells what the programs must know of a function beside its arguments (TRACE flags of kern.TraceTarget).
func placeOf(name string) uint8 {
	switch name {
	case "skb:kfree_skb", "skb:consume_skb":
		return kern.TraceFrees
	case "net:netif_receive_skb", "net:netif_receive_skb_entry", "net:netif_receive_skb_list_entry", "net:netif_rx", "net:netif_rx_entry",
		"net:napi_gro_receive_entry", "net:napi_gro_frags_entry":
		return kern.TraceReceives
	case "net:net_dev_queue", "net:net_dev_start_xmit", "net:net_dev_xmit":
		return kern.TraceSends
	case "skb_release_head_state", "skb_release_data", "skb_release_all", "__kfree_skb", "kfree_skbmem", "kfree_skb_partial", "skb_free_head",
		"napi_skb_free_stolen_head", "napi_skb_cache_put", "skb_attempt_defer_free", "__napi_kfree_skb", "__kfree_skb_defer", "napi_consume_skb",
		"__consume_stateless_skb", "sock_wfree", "__sock_wfree", "sock_rfree", "sock_efree", "sock_edemux", "tcp_wfree", "skb_pp_recycle", "skb_pp_cow_data",
		"unix_destruct_scm", "nf_ct_skb_ext_free", "skb_ext_put", "skb_free_datagram":
		return kern.TraceLate
	}
	return 0
}
