// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf/btf"

	"hooktop/probes/trace/types"
)

// host is a made-up host: a directory with the files that a catalogue is read from.
type host struct {
	t    testing.TB
	root string
}

// newHost has kprobes, four functions in the kernel, two in a module, and three tracepoints.
func newHost(t testing.TB) *host {
	h := &host{t: t, root: t.TempDir()}
	base := kernelTypes(t)
	h.write("/sys/kernel/btf/vmlinux", string(base))
	h.write("/sys/kernel/btf/nf_conntrack", string(moduleTypes(t, base, "nf_conntrack_in", "ip_rcv")))
	h.write("/sys/kernel/tracing/events/enable", "0\n")
	h.write("/sys/kernel/tracing/available_filter_functions", "ip_rcv\ntcp_v4_rcv\nkfree\ntwice\ntwice\n__ftrace_invalid_address___4\n"+
		"tcp_ack.isra.0\nnf_conntrack_in [nf_conntrack]\nnameless [foreign]\nbad\x1bname\n")
	h.write("/sys/kernel/tracing/available_events", "skb:kfree_skb\ntcp:tcp_probe\nsyscalls:sys_enter_open\n")
	h.write("/sys/bus/event_source/devices/kprobe/type", "8\n")
	h.write("/sys/kernel/debug/kprobes/blacklist", "0xffffffff81000000-0xffffffff81000040\tkfree\n")
	h.write("/sys/kernel/debug/kprobes/enabled", "1\n")
	h.write("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n")
	h.write("/proc/kallsyms", "ffffffff81000100 T ip_rcv\nffffffff81000200 t tcp_v4_rcv\nffffffff81000200 T alias\nffffffff82000000 D jiffies\n"+
		"ffffffffc0000100 t later\t[nf_conntrack]\nffffffffc0000000 t nf_conntrack_in\t[nf_conntrack]\n")
	return h
}

func (h *host) write(name, text string) {
	h.t.Helper()
	path := filepath.Join(h.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) remove(name string) {
	h.t.Helper()
	if err := os.RemoveAll(filepath.Join(h.root, name)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) load() *Catalog {
	h.t.Helper()
	c, err := Load(Options{Root: h.root})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// kernelTypes is the BTF of the made-up kernel.
func kernelTypes(t testing.TB) []byte {
	t.Helper()
	void := &btf.Void{}
	long := &btf.Int{Name: "long int", Size: 8, Encoding: btf.Signed}
	number := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	skb := &btf.Pointer{Target: &btf.Struct{Name: "sk_buff", Size: 232}}
	reason := &btf.Enum{Name: "skb_drop_reason", Size: 4, Values: []btf.EnumValue{{Name: "SKB_NOT_DROPPED_YET", Value: 0}, {Name: "SKB_CONSUMED", Value: 1},
		{Name: "SKB_DROP_REASON_NO_SOCKET", Value: 3}, {Name: "SKB_DROP_REASON_MAX", Value: 4}, {Name: "SKB_DROP_REASON_SUBSYS_MASK", Value: 0xffff0000}}}
	subsys := &btf.Enum{Name: "skb_drop_reason_subsys", Size: 4, Values: []btf.EnumValue{{Name: "SKB_DROP_REASON_SUBSYS_CORE", Value: 0},
		{Name: "SKB_DROP_REASON_SUBSYS_OPENVSWITCH", Value: 3}, {Name: "SKB_DROP_REASON_SUBSYS_NUM", Value: 4}}}
	ovs := &btf.Enum{Name: "ovs_drop_reason", Size: 4, Values: []btf.EnumValue{{Name: "__OVS_DROP_REASON", Value: 3 << 16}, {Name: "OVS_DROP_METER", Value: 3<<16 | 5}}}
	other := &btf.Enum{Name: "xfs_drop_reason", Size: 4, Values: []btf.EnumValue{{Name: "XFS_ELSEWHERE", Value: 2}}}
	param := func(name string, typ btf.Type) btf.FuncParam { return btf.FuncParam{Name: name, Type: typ} }
	fn := func(name string, ret btf.Type, params ...btf.FuncParam) btf.Type {
		return &btf.Func{Name: name, Type: &btf.FuncProto{Return: ret, Params: params}, Linkage: btf.StaticFunc}
	}
	trace := func(name string, params ...btf.FuncParam) btf.Type {
		return &btf.Typedef{Name: "btf_trace_" + name, Type: &btf.Pointer{Target: &btf.FuncProto{Return: void, Params: params}}}
	}
	data, nothing := param("__data", &btf.Pointer{Target: void}), param("", &btf.Pointer{Target: void})
	b, err := btf.NewBuilder([]btf.Type{
		fn("ip_rcv", number, param("skb", skb), param("dev", &btf.Pointer{Target: &btf.Struct{Name: "net_device", Size: 64}})),
		fn("tcp_v4_rcv", number, param("skb", skb)),
		fn("kfree", void, param("object", &btf.Pointer{Target: &btf.Const{Type: void}})),
		fn("twice", void), fn("inlined", long, param("n", number)),
		fn("mixed", &btf.Typedef{Name: "ssize_t", Type: long}, param("n", number), param("u", &btf.Int{Name: "u16", Size: 2}),
			param("c", &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}), param("ok", &btf.Int{Name: "bool", Size: 1, Encoding: btf.Bool}), param("why", reason), param("more", number)),
		fn("flagged", void, param("flags", &btf.Int{Name: "unsigned int", Size: 4}), param("pair", &btf.Struct{Name: "pair", Size: 16}), param("end", skb)),
		trace("kfree_skb", nothing, param("", skb), param("", reason)),
		fn("__traceiter_kfree_skb", number, data, param("skb", skb), param("reason", reason)),
		trace("tcp_probe", nothing, param("", long), param("", skb)), trace("groupless", nothing, param("", long)),
		reason, subsys, ovs, other,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

// moduleTypes is the BTF of a module on top of the kernel's, with functions that take what tcp_v4_rcv takes. The library writes
// no such BTF.
func moduleTypes(t testing.TB, base []byte, functions ...string) []byte {
	t.Helper()
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(base))
	if err != nil {
		t.Fatal(err)
	}
	var like *btf.Func
	if err := spec.TypeByName("tcp_v4_rcv", &like); err != nil {
		t.Fatal(err)
	}
	proto, err := spec.TypeID(like.Type)
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	taken := le.Uint32(base[20:]) // strings of the kernel
	var all, names []byte
	for _, f := range functions {
		all = le.AppendUint32(le.AppendUint32(le.AppendUint32(all, taken+uint32(len(names))), uint32(types.Func)<<24), uint32(proto))
		names = append(append(names, f...), 0)
	}
	head := []byte{0x9f, 0xeb, 1, 0}
	for _, word := range []int{24, 0, len(all), len(all), len(names)} {
		head = le.AppendUint32(head, uint32(word))
	}
	return append(append(head, all...), names...)
}
