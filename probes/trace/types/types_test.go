// SPDX-License-Identifier: Apache-2.0

package types

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// marshal builds a blob of BTF.
func marshal(t testing.TB, all ...btf.Type) []byte {
	t.Helper()
	b, err := btf.NewBuilder(all, nil)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

func parse(t testing.TB, blob []byte) *Set {
	t.Helper()
	s, err := Parse(blob, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ids(s *Set, want Kind) map[string]ID {
	out := map[string]ID{}
	s.All(func(id ID, kind Kind, name string) {
		if kind == want {
			out[name] = id
		}
	})
	return out
}

var (
	typeInt    = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	typeULong  = &btf.Int{Name: "long unsigned int", Size: 8}
	typeSKB    = &btf.Struct{Name: "sk_buff", Size: 232}
	typeSKBPtr = &btf.Pointer{Target: typeSKB}
	typePair   = &btf.Struct{Name: "pair", Size: 16}
	typeBlob   = &btf.Struct{Name: "blob", Size: 24}
)

func function(name string, ret btf.Type, params ...btf.FuncParam) *btf.Func {
	return &btf.Func{Name: name, Type: &btf.FuncProto{Return: ret, Params: params}, Linkage: btf.StaticFunc}
}

func TestSignatures(t *testing.T) {
	void := &btf.Void{}
	alias := &btf.Typedef{Name: "skb_t", Type: &btf.Const{Type: typeSKB}}
	for _, c := range []struct {
		f     *btf.Func
		want  string
		skb   int
		slots []int
	}{
		{function("none", void), "void none(void)", -1, nil},
		{function("rcv", typeInt, btf.FuncParam{Name: "skb", Type: typeSKBPtr}), "int rcv(struct sk_buff *skb)", 0, []int{0}},
		{function("second", void, btf.FuncParam{Name: "n", Type: typeInt}, btf.FuncParam{Name: "skb", Type: &btf.Pointer{Target: alias}}),
			"void second(int n, skb_t *skb)", 1, []int{0, 1}},
		{function("tagged", &btf.Pointer{Target: typeInt}, btf.FuncParam{Name: "skb", Type: &btf.Pointer{Target: &btf.TypeTag{Type: typeSKB, Value: "rcu"}}}),
			"int *tagged(struct sk_buff *skb)", 0, []int{0}},
		{function("list", void, btf.FuncParam{Name: "skbs", Type: &btf.Pointer{Target: typeSKBPtr}}), "void list(struct sk_buff **skbs)", -1, []int{0}},
		{function("callback", void, btf.FuncParam{Name: "f", Type: &btf.Pointer{Target: &btf.FuncProto{Return: typeInt}}}),
			"void callback(int (*f)())", -1, []int{0}},
		{function("pair", void, btf.FuncParam{Name: "p", Type: typePair}, btf.FuncParam{Name: "skb", Type: typeSKBPtr}),
			"void pair(struct pair p, struct sk_buff *skb)", 2, []int{0, 2}},
		{function("late", void, btf.FuncParam{Name: "a", Type: typePair}, btf.FuncParam{Name: "b", Type: typePair}, btf.FuncParam{Name: "n", Type: typeInt},
			btf.FuncParam{Name: "skb", Type: typeSKBPtr}), "void late(struct pair a, struct pair b, int n, struct sk_buff *skb)", -1, []int{0, 2, 4, 5}},
		{function("blob", void, btf.FuncParam{Name: "b", Type: typeBlob}, btf.FuncParam{Name: "skb", Type: &btf.Const{Type: typeSKBPtr}}),
			"void blob(struct blob b, struct sk_buff *const skb)", 0, []int{-1, 0}},
		{function("printk", typeInt, btf.FuncParam{Name: "fmt", Type: &btf.Pointer{Target: &btf.Const{Type: &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}}}},
			btf.FuncParam{Type: void}), "int printk(const char *fmt, ...)", -1, []int{0, 1}},
		{function("table", void, btf.FuncParam{Name: "t", Type: &btf.Array{Type: typeInt, Index: typeInt, Nelems: 3}}), "void table(int t[3])", -1, []int{0}},
		{function("far", void, btf.FuncParam{Name: "t", Type: &btf.Pointer{Target: &btf.Array{Type: typeInt, Index: typeInt, Nelems: 3}}},
			btf.FuncParam{Name: "f", Type: &btf.Pointer{Target: &btf.Pointer{Target: &btf.FuncProto{Return: typeInt}}}}),
			"void far(int (*t)[3], int (**f)())", -1, []int{0, 1}},
	} {
		s := parse(t, marshal(t, c.f))
		id := ids(s, Func)[c.f.Name]
		if got := s.Signature(c.f.Name, id, 0); got != c.want {
			t.Errorf("%s: %q, want %q", c.f.Name, got, c.want)
		}
		if got := s.PointerSlot(id, "sk_buff", 0); got != c.skb {
			t.Errorf("%s: sk_buff in register %d, want %d", c.f.Name, got, c.skb)
		}
		var got []int
		params, _ := s.Params(id)
		for _, p := range params {
			got = append(got, p.Slot)
		}
		if !slices.Equal(got, c.slots) {
			t.Errorf("%s: registers %v, want %v", c.f.Name, got, c.slots)
		}
	}
}

func TestTracepointsAreReadBehindTheirFirstParameter(t *testing.T) {
	proto := &btf.FuncProto{Return: &btf.Void{}, Params: []btf.FuncParam{{Name: "__data", Type: &btf.Pointer{Target: &btf.Void{}}},
		{Name: "sk", Type: typeULong}, {Name: "skb", Type: typeSKBPtr}}}
	s := parse(t, marshal(t, &btf.Typedef{Name: "btf_trace_x", Type: &btf.Pointer{Target: proto}}))
	id := ids(s, Typedef)["btf_trace_x"]
	if got := s.PointerSlot(id, "sk_buff", 1); got != 1 {
		t.Errorf("sk_buff is argument %d, want 1", got)
	}
	if got, want := s.Signature("x", id, 1), "void x(long unsigned int sk, struct sk_buff *skb)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestEnums(t *testing.T) {
	small := &btf.Enum{Name: "small", Size: 4, Signed: true, Values: []btf.EnumValue{{Name: "MINUS", Value: ^uint64(0)}, {Name: "ONE", Value: 1}, {Name: "ALSO", Value: 1}}}
	large := &btf.Enum{Name: "large", Size: 8, Values: []btf.EnumValue{{Name: "TOP", Value: 1 << 40}}}
	s := parse(t, marshal(t, small, large))
	for name, c := range map[string]struct {
		id    ID
		value uint64
	}{
		"MINUS": {ids(s, Enum)["small"], ^uint64(0)}, "ONE": {ids(s, Enum)["small"], 1}, "": {ids(s, Enum)["small"], 2},
		"TOP": {ids(s, Enum64)["large"], 1 << 40},
	} {
		if got := s.ValueName(c.id, c.value); got != name {
			t.Errorf("value %d is %q, want %q", int64(c.value), got, name)
		}
	}
	if s.ValueName(ids(s, Enum)["none"], 0) != "" {
		t.Error("void has a value")
	}
}

func TestBrokenBlobsAreRefused(t *testing.T) {
	good := marshal(t, function("rcv", typeInt, btf.FuncParam{Name: "skb", Type: typeSKBPtr}))
	change := func(f func(b []byte) []byte) []byte { return f(slices.Clone(good)) }
	for name, blob := range map[string][]byte{
		"empty":         nil,
		"short":         good[:20],
		"magic":         change(func(b []byte) []byte { b[0] = 0; return b }),
		"cut":           good[:len(good)-4],
		"type section":  change(func(b []byte) []byte { binary.LittleEndian.PutUint32(b[12:], 1<<31); return b }),
		"cut type":      change(func(b []byte) []byte { b[12] -= 4; return b }),
		"kind":          change(func(b []byte) []byte { b[headerLen+7] = 31; return b }),
		"name's end":    change(func(b []byte) []byte { b[len(b)-1] = 'x'; return b }),
		"string offset": change(func(b []byte) []byte { binary.LittleEndian.PutUint32(b[16:], 1<<31); return b }),
	} {
		if _, err := Parse(blob, nil); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzParse looks at everything that a blob claims to have.
func FuzzParse(f *testing.F) {
	f.Add(marshal(f, function("rcv", typeInt, btf.FuncParam{Name: "skb", Type: typeSKBPtr}), &btf.Enum{Name: "e", Size: 4, Values: []btf.EnumValue{{Name: "A"}}}))
	f.Fuzz(func(t *testing.T, blob []byte) {
		s, err := Parse(blob, nil)
		if err != nil {
			return
		}
		split, err := Parse(blob, s)
		if err != nil {
			t.Fatalf("the same blob on top of itself: %v", err)
		}
		for id := range ID(min(split.first+ID(split.Len()), 500)) {
			split.PointerSlot(id, "sk_buff", 0)
			split.Params(id)
			split.Signature("f", id, 1)
			split.Number(id)
			split.ValueName(id, 1)
		}
	})
}

// The library's decoder is the twin: what both read of this kernel's functions is the same.
func TestThisKernelAgainstTheLibrary(t *testing.T) {
	blob, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t, blob)
	functions, differ := 0, 0
	s.All(func(id ID, kind Kind, name string) {
		want, err := spec.TypeByID(btf.TypeID(id))
		if err != nil {
			t.Fatalf("type %d: %v", id, err)
		}
		if kind != DeclTag && kind != TypeTag && want.TypeName() != name { // the library makes those a part of what they tag
			t.Fatalf("type %d is named %q, the library says %q", id, name, want.TypeName())
		}
		switch want := want.(type) {
		case *btf.Func:
			functions++
			if !agree(t, s, id, want) {
				differ++
			}
		case *btf.Enum:
			i := 0
			s.Values(id, func(name string, value uint64) bool {
				if want.Values[i] != (btf.EnumValue{Name: name, Value: value}) {
					t.Errorf("enum %s: %s = %d, the library says %v", want.Name, name, value, want.Values[i])
				}
				i++
				return true
			})
			if i != len(want.Values) {
				t.Errorf("enum %s has %d values, the library says %d", want.Name, i, len(want.Values))
			}
		}
	})
	t.Logf("%d types, %d functions", s.Len(), functions)
	if differ > 0 || functions < 10_000 {
		t.Errorf("%d of %d functions differ", differ, functions)
	}
}

func agree(t *testing.T, s *Set, id ID, f *btf.Func) bool {
	t.Helper()
	proto := f.Type.(*btf.FuncProto)
	params, _ := s.Params(id)
	if len(params) != len(proto.Params) {
		t.Logf("%s takes %d parameters, the library says %d", f.Name, len(params), len(proto.Params))
		return false
	}
	skb, wide := -1, false
	for i, p := range proto.Params {
		size, err := btf.Sizeof(p.Type)
		if _, bad := btf.UnderlyingType(p.Type).(*btf.Array); err != nil || bad {
			size = s.Size(params[i].Type) // of incomplete types, and of arrays, the library means something else
		}
		if params[i].Name != p.Name || s.Size(params[i].Type) != size {
			t.Logf("%s: parameter %d is %q of %d bytes, the library says %q of %d", f.Name, i, params[i].Name, s.Size(params[i].Type), p.Name, size)
			return false
		}
		wide = wide || size > 8
		ptr, ok := btf.UnderlyingType(p.Type).(*btf.Pointer)
		if !ok || skb >= 0 || i >= slots {
			continue
		}
		if target, ok := btf.UnderlyingType(ptr.Target).(*btf.Struct); ok && target.Name == "sk_buff" {
			skb = i
		}
	}
	if got := s.PointerSlot(id, "sk_buff", 0); got != skb && !wide {
		t.Logf("%s: sk_buff in register %d, the library says %d", f.Name, got, skb)
		return false
	}
	return true
}
