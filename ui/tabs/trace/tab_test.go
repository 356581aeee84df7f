// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"testing"
	"time"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/uitest"
)

// bench is a Trace tab over n events at a size that has been drawn once.
func bench(t testing.TB, n, w, h int) *uitest.Bench {
	t.Helper()
	return benchWith(t, n, w, h, "dark", themes.TrueColor, false)
}

func benchWith(t testing.TB, n, w, h int, theme string, p themes.Profile, ascii bool) *uitest.Bench {
	t.Helper()
	env, clock := uitest.Env(t, theme, p, ascii)
	env.Units.UTC = true
	b := &uitest.Bench{T: t, Tab: New(env), Env: env, Clock: clock, Base: uitest.TraceFrame(), Trace: uitest.Events(n), W: w, H: h}
	b.Draw()
	b.Frame()
	b.Draw()
	return b
}

// body is the height that the shell leaves to a tab: tab bar, context line or band, message, hints.
func body(h int) int {
	if h >= 40 {
		return h - 6
	}
	return h - 4
}

// scenes are the states of the tab that have golden frames.
func scenes() map[string]func(*uitest.Bench) {
	return map[string]func(*uitest.Bench){
		"stream": func(b *uitest.Bench) { b.Press("k", "k") },
		"follow": func(*uitest.Bench) {},
		"journey": func(b *uitest.Bench) {
			b.Press("/")
			b.Type("reason:netfilter_drop")
			b.Press("enter", "k", "enter", "k", "k", "k", "k")
		},
		"call":    func(b *uitest.Bench) { b.Press("/"); b.Type("tcp_set_state"); b.Press("enter", "enter") },
		"ledger":  func(b *uitest.Bench) { b.Press("tab", "j", "j") },
		"counter": func(b *uitest.Bench) { b.Press("tab", "j", "j", "j", "j", "enter") },
		"form":    func(b *uitest.Bench) { b.Press("n"); b.Type("tcp_v") },
		"presets": func(b *uitest.Bench) { b.Press("n") },
		"filter":  func(b *uitest.Bench) { b.Press("/"); b.Type("dport:22 or drop:ye") },
		"hidden":  func(b *uitest.Bench) { b.Press("/"); b.Type("dev:wg9"); b.Press("enter") },
		"empty": func(b *uitest.Bench) {
			b.Trace, b.Base.Trace.Session = nil, snap.TraceSession{}
			b.Frame()
		},
		"waiting": func(b *uitest.Bench) {
			b.Trace = nil
			b.Base.Trace.Session.Packets = 0
			b.Base.Trace.Session.Events = 0
			b.Frame()
		},
		"failed": func(b *uitest.Bench) {
			b.Trace = nil
			b.Base.Trace.Session = snap.TraceSession{Spec: snap.TraceSpec{Pattern: "tcp_v4_rvc"}, State: snap.TraceFailed,
				Why: "trace tcp_v4_rvc: this kernel has no such function: did you mean tcp_v4_rcv?"}
			b.Frame()
		},
		"attaching": func(b *uitest.Bench) {
			b.Trace = nil
			s := &b.Base.Trace.Session
			s.State, s.Means, s.MeansWhy, s.Wanted, s.Attached = snap.TraceAttaching, "kprobe", "kprobe.multi needs Linux 5.18", 100, 37
			b.Frame()
		},
		"degraded": func(b *uitest.Bench) {
			s := &b.Base.Trace.Session
			s.Spec.Pattern, s.Spec.Filter = "@default", ""
			s.Means, s.MeansWhy, s.Wanted, s.Attached = "tracepoint", "this kernel has no kprobes (CONFIG_KPROBES is not set)", 16, 14
			s.Failed = []snap.Count{{Name: "no such tracepoint", N: 2}}
			s.Lost = []snap.Count{{Name: "rate", N: 20}, {Name: "ring", N: 100}}
			b.Frame()
		},
		"launch": func(b *uitest.Bench) { // in a namespace of its own
			s := &b.Base.Trace.Session
			s.Spec = snap.TraceSpec{Pattern: "@default", Packets: 1_000_000, Seconds: 3600, Rate: 50, Sample: true}
			s.Left, s.Sampled, s.NetNS, s.Within = 59*time.Minute, 2516, 4026532177, true
			s.Means, s.Wanted, s.Attached = "tracepoint", 5, 5
			for i := range b.Trace {
				b.Trace[i].NetNS = 4026532177 - uint32(i%2)
			}
			b.Frame()
		},
		"stopped": func(b *uitest.Bench) {
			s := &b.Base.Trace.Session
			s.State, s.Why, s.Left = snap.TraceStopped, "1 000 packets were seen", 0
			b.Frame()
		},
	}
}

func lines(b *uitest.Bench, w, h int) []string {
	return append(append([]string{b.Tab.Context(max(w-32, 20))}, b.Tab.View(w, h)...), b.Tab.Message(w))
}

func TestGoldenStates(t *testing.T) {
	for name, prepare := range scenes() {
		for _, s := range uitest.Sizes() {
			if s[0] > 100 && (name == "waiting" || name == "hidden" || name == "stopped" || name == "filter") {
				continue
			}
			b := bench(t, 120, s[0], body(s[1]))
			prepare(b)
			b.Draw()
			uitest.GoldenScreen(t, fmt.Sprintf("%s_%dx%d", name, s[0], s[1]), uitest.Draw(lines(b, s[0], b.H), s[0], b.H+2), s[0] == 80)
		}
	}
}
