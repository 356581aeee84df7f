// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"reflect"
	"testing"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

func TestAFlowCanBeTraced(t *testing.T) {
	b := bench(t, 30, 80, 20)
	for _, ks := range [][]string{{"i"}, {"x"}} {
		b.Msgs = nil
		b.Press(ks...)
		if ks[0] == "x" {
			b.Pick("trace its packets")
		}
		want := snap.Intent{Kind: snap.StartTrace, Trace: snap.TraceSpec{Pattern: snap.JourneyPreset, Filter: "tcp flow 10.4.1.17:51544 > 10.9.0.10:443"}}
		if d, ok := uitest.Last[core.DoMsg](b); !ok || !reflect.DeepEqual(d.Intent, want) {
			t.Errorf("%v: asked for %+v", ks, d.Intent)
		}
		if g, ok := uitest.Last[core.GoMsg](b); !ok || g.Tab != "Trace" {
			t.Errorf("%v: goes to %q", ks, g.Tab)
		}
	}
	why := func() string { return keys.Find(b.Tab.Bindings(), "i").Disabled }
	b.Press("p")
	b.Pick("PROCESS")
	if got := why(); got != "choose one flow: enter opens the group" {
		t.Errorf("on a group: %q", got)
	}
	b.Press("p")
	b.Pick("FLOWS")
	b.Base.State.Fallback = "no BTF"
	b.Frame()
	if got := why(); got != "eBPF can't run here" {
		t.Errorf("without eBPF: %q", got)
	}
}
