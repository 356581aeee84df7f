// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"reflect"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"hooktop/bpf"
)

// Structs that cross between kernel and user space lie the same on both sides: Go's types against the BTF of the objects.

func objects(t *testing.T) map[string]*ebpf.CollectionSpec {
	t.Helper()
	out := map[string]*ebpf.CollectionSpec{}
	for name, load := range map[string]func() (*ebpf.CollectionSpec, error){"xdp": bpf.LoadXdp, "tc": bpf.LoadTc, "trace": bpf.LoadTrace} {
		spec, err := load()
		if err != nil {
			t.Fatal(err)
		}
		out[name] = spec
	}
	return out
}

func TestLayouts(t *testing.T) {
	trace := map[string]reflect.Type{
		"trace_event": reflect.TypeFor[TraceEvent](), "trace_stack": reflect.TypeFor[bpf.TraceTraceStack](), "trace_term": reflect.TypeFor[TraceTerm](),
	}
	types := map[string]reflect.Type{
		"flow_key": reflect.TypeFor[bpf.XdpFlowKey](), "flow_entry": reflect.TypeFor[bpf.XdpFlowEntry](),
		"flow_bucket": reflect.TypeFor[bpf.XdpFlowBucket](), "counter": reflect.TypeFor[bpf.XdpCounter](),
		"dev_counters": reflect.TypeFor[bpf.XdpDevCounters](), "dev_state": reflect.TypeFor[bpf.XdpDevState](),
		"shadow_io": reflect.TypeFor[bpf.XdpShadowIo](), "tunnel_key": reflect.TypeFor[bpf.XdpTunnelKey](), "tunnel_row": reflect.TypeFor[bpf.XdpTunnelRow](), "tunnel_lane": reflect.TypeFor[bpf.XdpTunnelLane](),
		"acl_image": reflect.TypeFor[bpf.XdpAclImage](), "acl_hits": reflect.TypeFor[bpf.XdpAclHits](), "policy_event": reflect.TypeFor[bpf.XdpPolicyEvent](),
	}
	sizes := map[string]uint32{"flow_key": 44, "flow_entry": entryBytes, "flow_bucket": bucketBytes, "flow_tags": tagBytes, "counter": counterBytes, "acl_image": uint32(imageBytes), "acl_hits": hitBytes, "dev_counters": deviceBytes, "tunnel_lane": laneBytes, "dev_state": stateBytes}
	for object, spec := range objects(t) {
		here := types
		if object == "trace" {
			here = trace
		}
		for name, goType := range here {
			var s *btf.Struct
			if err := spec.Types.TypeByName(name, &s); err != nil {
				if object == "tc" && name == "shadow_io" {
					continue // not used there
				}
				t.Errorf("%s: %s: %v", object, name, err)
				continue
			}
			if want, ok := sizes[name]; ok && s.Size != want {
				t.Errorf("%s: %s has %d bytes, want %d", object, name, s.Size, want)
			}
			compareLayout(t, object+": "+name, s, goType)
		}
	}
}

func compareLayout(t *testing.T, name string, s *btf.Struct, g reflect.Type) {
	t.Helper()
	if int(s.Size) != int(g.Size()) {
		t.Errorf("%s: %d bytes in C, %d in Go", name, s.Size, g.Size())
	}
	var fields []reflect.StructField
	for i := range g.NumField() {
		if f := g.Field(i); f.Name != "_" {
			fields = append(fields, f)
		}
	}
	if len(fields) != len(s.Members) {
		t.Errorf("%s: %d members in C, %d in Go", name, len(s.Members), len(fields))
		return
	}
	for i, m := range s.Members {
		f := fields[i]
		size, err := btf.Sizeof(m.Type)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.EqualFold(strings.ReplaceAll(m.Name, "_", ""), f.Name) || m.Offset.Bytes() != uint32(f.Offset) || size != int(f.Type.Size()) {
			t.Errorf("%s: member %s at %d with %d bytes in C, %s at %d with %d in Go", name, m.Name, m.Offset.Bytes(), size, f.Name, f.Offset, f.Type.Size())
		}
	}
}

// Entry is written by hand, so that it is comparable and decoded only where it is needed.
func TestEntryLayout(t *testing.T) {
	ours, theirs := reflect.TypeFor[Entry](), reflect.TypeFor[bpf.XdpFlowEntry]()
	if ours.Size() != theirs.Size() {
		t.Fatalf("%d bytes, generated %d", ours.Size(), theirs.Size())
	}
	for i := range ours.NumField() {
		f := ours.Field(i)
		g, ok := theirs.FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, f.Name) })
		if !ok || g.Offset != f.Offset || g.Type.Size() != f.Type.Size() {
			t.Errorf("%s at %d with %d bytes, generated %+v", f.Name, f.Offset, f.Type.Size(), g)
		}
	}
}

// What hooktop makes can be told by its name: the kernel shows 15 characters.
func TestNames(t *testing.T) {
	for object, spec := range objects(t) {
		for name := range spec.Programs {
			if !strings.HasPrefix(name, Prefix) || len(name) > 15 {
				t.Errorf("%s: program %s", object, name)
			}
		}
		for name := range spec.Maps {
			own := strings.HasPrefix(name, Prefix) && len(name) <= 15
			if !own && sections[name] == "" && name != constSection { // renamed when they are made
				t.Errorf("%s: map %s", object, name)
			}
		}
	}
	p := openPipeline(t, Options{Flows: 16})
	for section, m := range p.maps {
		info, err := m.Info()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(info.Name, Prefix) {
			t.Errorf("map of %s is called %q", section, info.Name)
		}
	}
}

func TestMalformedNames(t *testing.T) {
	seen := map[string]bool{}
	for i := range int(bpf.XdpMalformedMAL_MAX) {
		name := Malformed(i)
		if name == "" || seen[name] {
			t.Errorf("reason %d is called %q", i, name)
		}
		seen[name] = true
	}
	if Malformed(-1) != "" || Malformed(int(bpf.XdpMalformedMAL_MAX)) != "" {
		t.Error("a reason that does not exist has a name")
	}
}

func TestKeyRoundTrip(t *testing.T) {
	for _, k := range []RawKey{{}, frameKey(udpFrame(7, 64), 9)} {
		for bit := range 16 {
			k := k
			k[40+bit/8] |= 1 << (bit % 8)
			if k[41]&0x60 == 0x60 {
				continue // first and later at a time
			}
			if got := EncodeKey(k.Decode()); got != k {
				t.Errorf("%x became %x", k, got)
			}
		}
	}
}
