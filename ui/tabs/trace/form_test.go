// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"reflect"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

func TestTheFormStartsWhatItShows(t *testing.T) {
	for _, c := range []struct {
		name string
		fill func(*uitest.Bench)
		want snap.TraceSpec
	}{
		{"the first preset", func(b *uitest.Bench) {}, snap.TraceSpec{Pattern: "@default"}},
		{"another preset", func(b *uitest.Bench) { b.Press("down") }, snap.TraceSpec{Pattern: "@drops"}},
		{"a preset typed", func(b *uitest.Bench) { b.Type("@net") }, snap.TraceSpec{Pattern: "@netfilter"}},
		{"a function", func(b *uitest.Bench) { b.Type("tcp_v4_r") }, snap.TraceSpec{Pattern: "tcp_v4_rcv"}},
		{"the second match", func(b *uitest.Bench) { b.Type("tcp_v"); b.Press("down") }, snap.TraceSpec{Pattern: "tcp_v4_connect"}},
		{"a pattern", func(b *uitest.Bench) { b.Type("tcp_*") }, snap.TraceSpec{Pattern: "tcp_*"}},
		{"a pattern with an exception", func(b *uitest.Bench) { b.Type("tcp_*,!tcp_v4_rcv") }, snap.TraceSpec{Pattern: "tcp_*,!tcp_v4_rcv"}},
		{"two words", func(b *uitest.Bench) { b.Type("connect tcp") }, snap.TraceSpec{Pattern: "tcp_v4_connect"}},
		{"two", func(b *uitest.Bench) { b.Type("tcp_v4_r,icmp") }, snap.TraceSpec{Pattern: "tcp_v4_rcv,icmp_rcv"}},
		{"a name unknown here", func(b *uitest.Bench) { b.Type("tcp_v4_rvc") }, snap.TraceSpec{Pattern: "tcp_v4_rvc"}},
		{"everything", func(b *uitest.Bench) {
			b.Type("ip_rcv")
			b.Press("tab")
			b.Type("tcp port 443")
			b.Press("tab")
			b.Type("5")
			b.Press("down")
			b.Type("30")
			b.Press("tab")
			b.Type("900")
			b.Press("tab", "space", "tab", "tab", "space")
		}, snap.TraceSpec{Pattern: "ip_rcv", Filter: "tcp port 443", Packets: 5, Seconds: 30, Rate: 900, Stack: true, Latency: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := bench(t, 60, 80, 20)
			b.Press("n")
			c.fill(b)
			b.Press("enter")
			if got := asked(t, b).Intent; !reflect.DeepEqual(got, snap.Intent{Kind: snap.StartTrace, Trace: c.want}) {
				t.Errorf("%+v\nwant %+v", got.Trace, c.want)
			}
			answerer{b}.answer(t, "")
			if b.Tab.Capturing() {
				t.Error("the form is open although the trace runs")
			}
		})
	}
}

// TestBadInputLosesNothing: what the engine refuses stays in the form with the reason, and esc keeps it for the next time.
func TestBadInputLosesNothing(t *testing.T) {
	b := bench(t, 60, 80, 20)
	b.Press("n")
	b.Type("tcp_v4_rvc")
	b.Press("tab")
	b.Type("tpc port 443")
	b.Press("enter")
	answerer{b}.answer(t, "filter: column 1: tpc: no such word: did you mean tcp?")
	text := b.Draw().Text() + b.Tab.Message(80)
	for _, want := range []string{"[tcp_v4_rvc ", "[tpc port 443 ", "did you mean tcp?", " ✗ filter: column 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	if m, ok := uitest.Last[core.ToastMsg](b); ok {
		t.Errorf("the error is said twice: %+v", m)
	}
	b.Press("tab")
	b.Type("many")
	b.Press("enter")
	if text = b.Tab.Message(80); !strings.Contains(text, `packets: "many" is no number above 0`) || !b.Tab.Capturing() {
		t.Errorf("a bad number: %q", text)
	}
	b.Press("esc", "n")
	if text = b.Draw().Text(); !strings.Contains(text, "[tcp_v4_rvc ") || !strings.Contains(text, "[tpc port 443 ") || !strings.Contains(text, "[many   ]") {
		t.Errorf("esc lost what was typed:\n%s", text)
	}
	b.Press("tab", "tab", "ctrl+u", "enter", "esc") // closed before the answer
	answerer{b}.answer(t, "no such function")
	if m, ok := uitest.Last[core.ToastMsg](b); !ok || m.Text != "no such function" {
		t.Errorf("an error that comes after esc is lost: %+v", m)
	}
}

// TestAFastEnterStartsWhatWasTyped: functions at hand belong to an older text until the engine has answered.
func TestAFastEnterStartsWhatWasTyped(t *testing.T) {
	b := bench(t, 60, 80, 20)
	b.Press("n")
	f := tab(b).form
	b.Type("tcp_v4_rc")
	for _, r := range "_x" { // no frame comes in between
		b.Tab.Update(pressed(string(r)))
	}
	f.view.Functions = append(f.view.Functions, snap.TraceFunction{Name: "tcp_v4_rc_other_x"})
	f.search()
	if got := f.pattern(); got != "tcp_v4_rc_x" {
		t.Errorf("enter would start %q", got)
	}
	b.Tab.Update(pressed("down"))
	if got := f.pattern(); got != "tcp_v4_rc_other_x" {
		t.Errorf("a function that was chosen by a key is not started: %q", got)
	}
}

func TestPasteIsOneEdit(t *testing.T) {
	b := bench(t, 60, 80, 20)
	b.Press("n")
	b.Tab.Update(tea.PasteMsg{Content: "ip_rcv,\nip_output"})
	if got := tab(b).form.texts[fieldFuncs].Value(); got != "ip_rcv, ip_output" {
		t.Errorf("pasted %q", got)
	}
	b.Frame()
	b.Press("enter")
	if got := asked(t, b).Intent.Trace.Pattern; got != "ip_rcv,ip_output" {
		t.Errorf("started %q", got)
	}
}
