// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

func tab(b *uitest.Bench) *Tab { return b.Tab.(*Tab) }

func seq(t *testing.T, b *uitest.Bench) uint64 {
	t.Helper()
	e, ok := tab(b).selected()
	if !ok {
		t.Fatal("no row is selected")
	}
	return e.Seq
}

// asked is the trace that the tab asked for last.
func asked(t *testing.T, b *uitest.Bench) core.DoMsg {
	t.Helper()
	d, ok := uitest.Last[core.DoMsg](b)
	if !ok {
		t.Fatal("nothing was asked of the shell")
	}
	return d
}

func (b answerer) answer(t *testing.T, err string) {
	t.Helper()
	d := asked(t, b.Bench)
	if cmd := b.Tab.Update(core.AnswerMsg{Intent: d.Intent, Answer: snap.Answer{Err: err}, Quiet: d.Quiet}); cmd != nil {
		b.Msgs = append(b.Msgs, cmd())
	}
}

type answerer struct{ *uitest.Bench }

func TestBindingsAreSound(t *testing.T) {
	for _, ks := range [][]string{nil, {"enter"}, {"tab"}, {"n"}, {"n", "tab"}, {"n", "shift+tab"}, {"/"}} {
		b := bench(t, 60, 80, 20)
		b.Press(ks...)
		for _, err := range keys.Check(b.Tab.Bindings()) {
			t.Errorf("%v: %v", ks, err)
		}
		for _, k := range b.Tab.Bindings() {
			if k.Do == nil {
				t.Errorf("%v: %s does nothing", ks, k.Name)
			}
		}
	}
}

func TestTheStreamFollowsUntilSomebodyMoves(t *testing.T) {
	b := bench(t, 100, 80, 20)
	if got := seq(t, b); got != 100 {
		t.Fatalf("the cursor is on event %d of 100", got)
	}
	b.Trace = uitest.Events(110)
	b.Quiet() // the same question: following asks nothing new
	if got := seq(t, b); got != 110 || tab(b).query() != b.Asked.Trace {
		t.Fatalf("after ten more: event %d, %+v", got, tab(b).query())
	}
	b.Press("k", "k")
	b.Trace = uitest.Events(130)
	b.Frame()
	if got := seq(t, b); got != 108 {
		t.Errorf("after k k and twenty more the cursor is on event %d", got)
	}
	if got := b.Tab.Message(79); !strings.HasPrefix(got, " follow off, 20 newer") {
		t.Errorf("message %q", got)
	}
	b.Trace = b.Trace[50:] // older ones are forgotten
	b.Frame()
	if got := seq(t, b); got != 108 {
		t.Errorf("after old rows left the cursor is on event %d", got)
	}
	b.Press("G")
	if got := seq(t, b); got != 130 || strings.Contains(b.Tab.Message(79), "follow off") {
		t.Errorf("after G: event %d, %q", got, b.Tab.Message(79))
	}
	b.Press("g")
	if got := seq(t, b); got != 51 {
		t.Errorf("after g: event %d", got)
	}
}

func TestAJourneyIsWhole(t *testing.T) {
	b := bench(t, 120, 80, 20)
	b.Press("/")
	b.Type("reason:netfilter_drop")
	b.Press("enter")
	at := seq(t, b)
	b.Press("enter")
	if b.Asked.Trace.Packet == 0 || b.Asked.Trace.Filter != "" || tab(b).hops.Total() != 9 || seq(t, b) != at {
		t.Fatalf("journey of %d hops at %d, want 9 at %d; %+v", tab(b).hops.Total(), seq(t, b), at, b.Asked.Trace)
	}
	b.Press("g")
	if h, _ := tab(b).hops.Selected(); h.since != 0 || h.Func != "__netif_receive_skb_core" {
		t.Errorf("first hop %+v", h)
	}
	if !strings.Contains(b.Draw().Text(), "__netif_receive_skb_core+0x1") {
		t.Errorf("the stack of the row under the cursor is not named:\n%s", b.Draw().Text())
	}
	for _, k := range b.Tab.Bindings() {
		if k.Keys[0] == "/" && k.Disabled == "" {
			t.Error("a filter would take hops out of a journey")
		}
	}
	b.Press("esc")
	if b.Asked.Trace.Packet != 0 || b.Asked.Trace.Filter == "" || seq(t, b) != at {
		t.Errorf("after esc: %+v at %d", b.Asked.Trace, seq(t, b))
	}
	b.Press("enter")
	b.Base.Trace.Session.Started = b.Base.Trace.Session.Started.Add(time.Minute) // another trace begins
	b.Frame()
	if tab(b).zoom || b.Asked.Trace.Packet != 0 || !b.Asked.Trace.Follow {
		t.Errorf("the journey of a former trace stays open: %+v", b.Asked.Trace)
	}
}

func TestFilterByCell(t *testing.T) {
	b := bench(t, 120, 80, 20)
	b.Press("+")
	if got := b.Asked.Trace.Filter; got != "func:=tcp_v4_rcv" {
		t.Errorf("+ on the function: %q", got)
	}
	b.Press("0", "-")
	if got := b.Asked.Trace.Filter; got != "!func:=tcp_v4_rcv" {
		t.Errorf("- on the function: %q", got)
	}
	b.Press("/", "ctrl+u")
	b.Type("fun:x")
	b.Press("enter")
	if !b.Tab.Capturing() || strings.Contains(b.Asked.Trace.Filter, ":") {
		t.Errorf("a text that is no filter was taken: %q", b.Asked.Trace.Filter)
	}
	b.Press("esc")
	if got := b.Asked.Trace.Filter; got != "!func:=tcp_v4_rcv" {
		t.Errorf("esc brought back %q", got)
	}
}

func TestTheLedgerTracesItsRows(t *testing.T) {
	b := bench(t, 60, 80, 20)
	b.Press("tab")
	if why := keys.Find(b.Tab.Bindings(), "i").Disabled; why != "no function tells of these packets" {
		t.Errorf("i on a row without a function: %q", why)
	}
	b.Press("j", "i")
	if got := asked(t, b).Intent; !reflect.DeepEqual(got, snap.Intent{Kind: snap.StartTrace, Trace: snap.TraceSpec{Pattern: "@drops", Filter: "dev eth0"}}) {
		t.Errorf("i: %+v", got)
	}
	answerer{b}.answer(t, "")
	if tab(b).dead {
		t.Error("the ledger hides the trace that it started")
	}
	b.Press("tab", "enter", "x")
	b.Pick("copy row")
	if m, _ := uitest.Last[core.CopyMsg](b); !strings.HasPrefix(m.Text, "softnet dropped CPU 3  1.5/s  12 since") {
		t.Errorf("copied %q", m.Text)
	}
}

func TestActionsOfARow(t *testing.T) {
	b := bench(t, 16, 80, 20)
	b.Press("i") // a TCP flow
	if got := asked(t, b).Intent.Trace; got != (snap.TraceSpec{Pattern: "@journey", Filter: "tcp flow 10.0.0.9:41002 > 10.9.0.5:22"}) {
		t.Errorf("i: %+v", got)
	}
	answerer{b}.answer(t, "nothing can be attached")
	if m, ok := uitest.Last[core.ToastMsg](b); !ok || m.Text != "nothing can be attached" {
		t.Errorf("a failure without a form is said to nobody: %+v", m)
	}
	b.Press("x")
	b.Pick("trace only ip_")
	if got := asked(t, b).Intent.Trace.Pattern; !strings.HasPrefix(got, "ip_") {
		t.Errorf("trace only: %q", got)
	}
	b.Press("p")
	b.Pick("@drops")
	if got := asked(t, b).Intent.Trace; got != (snap.TraceSpec{Pattern: "@drops"}) {
		t.Errorf("preset: %+v", got)
	}
	b.Press("S")
	if got := asked(t, b).Intent; !reflect.DeepEqual(got, snap.Intent{Kind: snap.StopTrace}) {
		t.Errorf("S: %+v", got)
	}
	b.Base.Trace.Session.State = snap.TraceStopped
	b.Base.State.Fallback = "no BTF"
	b.Frame()
	for key, want := range map[string]string{"S": "no trace runs", "n": "eBPF can't run here", "p": "eBPF can't run here", "i": "eBPF can't run here"} {
		if got := keys.Find(b.Tab.Bindings(), key).Disabled; got != want {
			t.Errorf("%s is disabled for %q, want %q", key, got, want)
		}
	}
}

func TestCopyAndSave(t *testing.T) {
	b := bench(t, 60, 80, 20)
	b.Press("y")
	if m, _ := uitest.Last[core.CopyMsg](b); !strings.Contains(m.Text, " packet 7 ") || !strings.Contains(m.Text, "10.4.1.93:40112 > 10.9.0.10:443 TCP") {
		t.Errorf("copied %q", m.Text)
	}
	b.Press("Y")
	if m, _ := uitest.Last[core.CopyMsg](b); !strings.HasPrefix(m.Text, `{"schema":"hooktop.trace/1","at_ns":`) {
		t.Errorf("copied %q", m.Text)
	}
	t.Chdir(t.TempDir())
	for _, kind := range []string{"CSV", "JSON", "text"} {
		for _, ks := range [][]string{{"w"}, {"tab", "w"}} {
			b.Press(ks...)
			b.Pick(kind)
		}
		b.Press("tab")
	}
	files, err := filepath.Glob("hooktop-*")
	if err != nil || len(files) != 6 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if want := map[bool]int{true: 6, false: 60}[strings.Contains(name, "ledger")]; err != nil || strings.Count(string(data), "\n") < want {
			t.Errorf("%s: %v, %d lines", name, err, strings.Count(string(data), "\n"))
		}
		if info, _ := os.Stat(name); info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %v", name, info.Mode())
		}
	}
}
