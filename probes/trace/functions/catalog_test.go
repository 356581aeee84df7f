// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"strings"
	"sync"
	"testing"
)

func TestLookup(t *testing.T) {
	c := newHost(t).load()
	for name, want := range map[string]Function{
		"ip_rcv":          {Signature: "int ip_rcv(struct sk_buff *skb, struct net_device *dev)", SKB: 0, Returns: "int"},
		"tcp_ack.isra.0":  {SKB: -1},
		"nf_conntrack_in": {Signature: "int nf_conntrack_in(struct sk_buff *skb)", Module: "nf_conntrack", SKB: 0, Returns: "int"},
		"nameless":        {Module: "foreign", SKB: -1},
		"inlined":         {Signature: "long int inlined(int n)", SKB: -1, Returns: "long int"},
		"skb:kfree_skb":   {Signature: "skb:kfree_skb(struct sk_buff *skb, enum skb_drop_reason reason)", SKB: 0, Event: true},
		"tcp:tcp_probe":   {Signature: "tcp:tcp_probe(long int, struct sk_buff *)", SKB: 1, Event: true},
		"groupless":       {Signature: "groupless(long int)", SKB: -1, Event: true},
	} {
		got, ok := c.Lookup(name)
		if !ok || got.Signature != want.Signature || got.Module != want.Module || got.SKB != want.SKB || got.Returns != want.Returns || got.Event != want.Event {
			t.Errorf("%s is %+v", name, got)
		}
		if (got.ID == 0) != (want.Signature == "") || got.Name != name {
			t.Errorf("%s has id %d and name %q", name, got.ID, got.Name)
		}
	}
	for _, name := range []string{"bad\x1bname", "bad", "__ftrace_invalid_address___4", "ip", ""} {
		if f, ok := c.Lookup(name); ok {
			t.Errorf("%q was found: %+v", name, f)
		}
	}
	if f, _ := c.Lookup("skb:kfree_skb"); f.Tracepoint() != "kfree_skb" {
		t.Errorf("the tracepoint is %q", f.Tracepoint())
	}
	if got, want := c.Count(), (Count{Functions: 5, Packet: 3, Events: 3}); got != want {
		t.Errorf("%+v can be traced, want %+v", got, want)
	}
	if len(c.Notes()) > 0 || c.Lacks() != "" {
		t.Errorf("notes %q, lacks %q", c.Notes(), c.Lacks())
	}
}

func TestDropReasons(t *testing.T) {
	c := newHost(t).load()
	for code, want := range map[uint32]string{0: "", 1: "SKB_CONSUMED", 2: "", 3: "NO_SOCKET", 4: "", 3<<16 | 5: "OVS_DROP_METER", 3<<16 | 6: "OPENVSWITCH:0x6",
		3 << 16: "OPENVSWITCH:0x0", 9<<16 | 1: "", 0xffff0000: ""} {
		if got := c.DropReason(code); got != want {
			t.Errorf("reason %#x is %q, want %q", code, got, want)
		}
	}
}

func TestFormatArgs(t *testing.T) {
	c := newHost(t).load()
	const dirty = 0xdeadbeef_00000000 // what callers leave in the rest of a register
	for _, test := range []struct {
		name string
		regs [5]uint64
		want string
	}{
		{"mixed", [5]uint64{dirty | 0xffffffff, dirty | 0x1ffff, dirty | 'x', dirty | 0xff00, dirty | 3}, "n=-1 u=65535 c='x' ok=false why=SKB_DROP_REASON_NO_SOCKET more=?"},
		{"mixed", [5]uint64{1, 2, 7, 1, 99}, "n=1 u=2 c=7 ok=true why=99 more=?"},
		{"flagged", [5]uint64{0x40, 1, 2, 0xffff888004a1c000}, "flags=0x40 pair=? end=0xffff888004a1c000"},
		{"ip_rcv", [5]uint64{}, "skb=NULL dev=NULL"},
		{"skb:kfree_skb", [5]uint64{0x10, 3}, "reason=SKB_DROP_REASON_NO_SOCKET skb=0x10"},
		{"tcp:tcp_probe", [5]uint64{^uint64(0), 0x20}, "-1 0x20"},
		{"nf_conntrack_in", [5]uint64{0x30}, "skb=0x30"},
		{"twice", [5]uint64{1, 2, 3, 4, 5}, ""},
		{"nameless", [5]uint64{1, 2, 3, 4, 5}, "arg0=0x1 arg1=0x2 arg2=0x3 arg3=0x4 arg4=0x5"},
	} {
		f, _ := c.Lookup(test.name)
		if test.name == "twice" {
			f.ID, f.Args = 1, nil // it has a signature, though two may bear it
		}
		if got := c.FormatArgs(&f, test.regs); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	for name, want := range map[string]string{"mixed": "-5", "ip_rcv": "-5", "kfree": "", "nameless": "", "skb:kfree_skb": ""} {
		f, _ := c.Lookup(name)
		if got := c.FormatReturn(&f, ^uint64(4)); got != want {
			t.Errorf("%s returned %q, want %q", name, got, want)
		}
	}
}

func TestSymbols(t *testing.T) {
	h := newHost(t)
	c := h.load()
	for addr, want := range map[uint64]struct {
		name string
		off  uint64
	}{
		0xffffffff81000000: {}, 0xffffffff81000100: {"ip_rcv", 0}, 0xffffffff810001ff: {"ip_rcv", 0xff}, 0xffffffff81000204: {"tcp_v4_rcv", 4},
		0xffffffff82000000: {}, 0xffffffffc0000080: {"nf_conntrack_in", 0x80}, 0xffffffffc0000108: {"later", 8}, 0: {},
	} {
		if name, off := c.Symbol(addr); name != want.name || off != want.off {
			t.Errorf("%#x is %s+%#x, want %s+%#x", addr, name, off, want.name, want.off)
		}
	}
	h.write("/proc/kallsyms", "0000000000000000 T ip_rcv\n0000000000000000 T tcp_v4_rcv\n")
	if name, _ := h.load().Symbol(0xffffffff81000100); name != "" {
		t.Errorf("hidden addresses name %q", name)
	}
	h.remove("/proc/kallsyms")
	if name, _ := h.load().Symbol(0xffffffff81000100); name != "" {
		t.Errorf("no symbols name %q", name)
	}
}

func TestLoadSaysWhatIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		change func(h *host)
		lacks  string
		note   string
		count  Count
	}{
		"locked down": {func(h *host) { h.write("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n") },
			"the kernel is locked down (confidentiality)", "", Count{Events: 3}},
		"no kprobes": {func(h *host) {
			h.remove("/sys/bus/event_source/devices/kprobe")
		}, "offers no kprobes (/sys/bus/event_source/devices/kprobe is missing)", "", Count{Events: 3}},
		"switched off": {func(h *host) { h.write("/sys/kernel/debug/kprobes/enabled", "0\n") }, "echo 1 > /sys/kernel/debug/kprobes/enabled", "", Count{Events: 3}},
		"no tracefs": {func(h *host) { h.remove("/sys/kernel/tracing") }, "", "mount -t tracefs tracefs /sys/kernel/tracing",
			Count{Functions: 5, Packet: 3, Events: 3}},
		"no list": {func(h *host) { h.remove("/sys/kernel/tracing/available_filter_functions") }, "", "read available_filter_functions: no such file",
			Count{Functions: 5, Packet: 3, Events: 3}},
		"empty list": {func(h *host) { h.write("/sys/kernel/tracing/available_filter_functions", "") }, "", "it lists no function",
			Count{Functions: 5, Packet: 3, Events: 3}},
		"broken module": {func(h *host) { h.write("/sys/kernel/btf/broken", "what") }, "", "signatures of module broken: ", Count{Functions: 5, Packet: 3, Events: 3}},
		"elsewhere": {func(h *host) {
			h.write("/sys/kernel/debug/tracing/available_filter_functions", "ip_rcv\n")
			h.write("/sys/kernel/debug/tracing/events/enable", "0\n")
			h.write("/sys/kernel/debug/tracing/available_events", "skb:kfree_skb\n")
			h.remove("/sys/kernel/tracing")
		}, "", "", Count{Functions: 1, Packet: 1, Events: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			test.change(h)
			c := h.load()
			if !strings.Contains(c.Lacks(), test.lacks) || (test.lacks == "") != (c.Lacks() == "") {
				t.Errorf("lacks %q, want %q", c.Lacks(), test.lacks)
			}
			if notes := strings.Join(c.Notes(), "\n"); !strings.Contains(notes, test.note) || (test.note == "") != (notes == "") {
				t.Errorf("notes %q, want %q", notes, test.note)
			}
			if c.Count() != test.count {
				t.Errorf("%+v can be traced, want %+v", c.Count(), test.count)
			}
			if _, ok := c.Lookup("skb:kfree_skb"); !ok {
				t.Error("skb:kfree_skb has lost its group")
			}
		})
	}
}

// All methods may be called at a time; the race detector watches.
func TestConcurrentUse(t *testing.T) {
	c := newHost(t).load()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if name, _ := c.Symbol(0xffffffff81000100); name != "ip_rcv" {
				t.Errorf("the address is in %q", name)
			}
			f, err := c.Match("tcp_v4_rcv", 1)
			if _, total := c.Search("tcp", 3); err != nil || total != 3 || c.FormatArgs(&f[0], [5]uint64{}) != "skb=NULL" || c.DropReason(3) != "NO_SOCKET" {
				t.Errorf("%v, %d found", err, total)
			}
		})
	}
	all.Wait()
}

func TestLoadWithoutTypes(t *testing.T) {
	h := newHost(t)
	h.remove("/sys/kernel/btf")
	if _, err := Load(Options{Root: h.root}); err == nil || !strings.Contains(err.Error(), "CONFIG_DEBUG_INFO_BTF=y") {
		t.Errorf("error %v", err)
	}
	h.write("/sys/kernel/btf/vmlinux", "no types")
	if _, err := Load(Options{Root: h.root}); err == nil || !strings.Contains(err.Error(), "no valid BTF") {
		t.Errorf("error %v", err)
	}
}
