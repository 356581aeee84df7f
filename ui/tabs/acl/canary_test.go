// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

// reviewing is a bench with three devices and the review of one edit open.
func reviewing(t *testing.T, w, h int) *uitest.Bench {
	t.Helper()
	b := bench(t, uitest.PolicyText, w, h)
	b.Engine.Several()
	b.Frame()
	onLine(b, 4)
	b.Press("D")
	b.Frame()
	b.Send(core.ReviewMsg{})
	return b
}

func committed(b *uitest.Bench) (snap.PolicyWish, bool) {
	m, _ := uitest.Last[core.DoMsg](b)
	return m.Intent.Policy, m.Intent.Kind == snap.CommitPolicy
}

func TestDevicesGoFirst(t *testing.T) {
	b := reviewing(t, 80, 20)
	has(t, b, "c    canary: choose devices to decide on first; now all 3 at once")
	b.Press("c")
	has(t, b, "decide first on", "> [ ] eth0  decided by v41", "[ ] bond0", "s watched for 5m once kept, then the rest follows")
	b.Press("j", "space", "enter", "t", "n", "r")
	has(t, b, "> [x] bond0")
	if b.Engine.Began != 0 {
		t.Fatal("a key in the list began a trial")
	}
	b.Press("s")
	b.Type("9x")
	b.Press("enter")
	has(t, b, "✗ write it as 90s, 5m or 1h")
	b.Press("backspace", "backspace")
	b.Type("90s")
	b.Press("enter")
	has(t, b, "s watched for 1m30s once kept, then the rest follows")
	b.Press("c")
	has(t, b, "canary: bond0 first; once kept it is watched for 1m30s, then eth0, wg0")
	b.Press("t")
	if w, ok := committed(b); !ok || !slices.Equal(w.On, []string{"bond0"}) || w.Soak != 90*time.Second {
		t.Errorf("%+v", w)
	}
}

func TestACanaryNeedsARest(t *testing.T) {
	b := reviewing(t, 80, 20)
	b.Press("c", "space", "j", "space", "j", "space", "esc", "t")
	has(t, b, "t waits: all devices are marked to go first")
	b.Press("c", "space", "esc") // the list begins at its top again
	has(t, b, "bond0, wg0 first")
	b.Engine.Policy.Draft.Cuts = []string{"ssh"}
	b.Frame()
	b.Press("t")
	has(t, b, "t waits: it closes a way in, and the rest would follow without a lease")
	if b.Engine.Began != 0 {
		t.Error("it began")
	}
	b = bench(t, uitest.PolicyText, 80, 20) // one device
	onLine(b, 4)
	b.Press("D")
	b.Frame()
	b.Send(core.ReviewMsg{})
	if k := keys.Find(b.Tab.Bindings(), "c"); !strings.Contains(k.Disabled, "1 device only") {
		t.Errorf("%q", k.Disabled)
	}
	b.Press("c")
	if tab(b).review.canary.open {
		t.Error("there is nothing to choose")
	}
	b.Press("t")
	if w, ok := committed(b); !ok || w.On != nil || w.Soak != 0 {
		t.Errorf("%+v", w)
	}
}

// TestACanaryIsWhatTheTableShows: its rules decide and count, and the draft stays comparable with what stands.
func TestACanaryIsWhatTheTableShows(t *testing.T) {
	b := reviewing(t, 80, 20)
	b.Press("c", "space", "c", "t")
	b.Frame()
	b.Engine.Do(snap.Intent{Kind: snap.KeepPolicy, Arg: b.Engine.Policy.Trial.Code})
	b.Frame()
	if text := b.Tab.Context(60); !strings.HasPrefix(text, "v42 CANARY") || strings.Contains(text, "STAGED") {
		t.Errorf("%q", text)
	}
	onLine(b, 4)
	if r, _ := tab(b).list.Selected(); tab(b).hits(r) == nil || tab(b).hits(r).Line != 4 {
		t.Errorf("counters of the canary: %+v", tab(b).hits(r))
	}
	b.Send(core.ReviewMsg{})
	b.Press("t")
	has(t, b, "t waits: a canary is watched: C lets the rest follow or rolls it back")
	b.Press("esc")
	b.Engine.Do(snap.Intent{Kind: snap.KeepPolicy, Arg: snap.Rest})
	b.Frame()
	has(t, b, "saved as")
}

func TestSoakIsATime(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, " 5m ": 5 * time.Minute, "2": 2 * time.Minute, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "24h": 24 * time.Hour} {
		if got, err := soakOf(text); err != "" || got != want {
			t.Errorf("%q: %s %q", text, got, err)
		}
	}
	for _, text := range []string{"x", "-5m", "0", "25h", "5 m", "10ms", "99999999999999999999"} {
		if got, err := soakOf(text); err == "" {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// TestTheChoiceFits at every size, with more devices than lines.
func TestTheChoiceFits(t *testing.T) {
	for _, ks := range [][]string{{"c"}, {"c", "j", "space", "s"}, {"c", "space", "c"}} {
		b := reviewing(t, 80, 20)
		for i := range 40 {
			b.Engine.Policy.Devices = append(b.Engine.Policy.Devices, snap.PolicyDevice{Name: "x\x1b]52;c;AAAA\x07\u202e" + itoa(i), Gen: 41})
		}
		b.Frame()
		b.Press(ks...)
		uitest.Sweep(t, true, b.Tab.View)
	}
}
