// SPDX-License-Identifier: Apache-2.0

package toast

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

func TestLifeOfMessages(t *testing.T) {
	env, clock := uitest.Env(t, "dark", themes.TrueColor, false)
	var l List
	show := func() string { return strings.TrimSpace(ansi.Strip(l.Line(env, 60))) }
	after := func(d time.Duration, want string) {
		t.Helper()
		clock.Pass(d)
		l.Expire(clock.Now())
		if got := show(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	l.Add(clock.Now(), core.ToastMsg{Sev: snap.Warn, Text: "map is 97 % full"})
	l.Add(clock.Now(), core.ToastMsg{OK: true, Text: "kept"})
	after(3900*time.Millisecond, "✓ kept")
	after(200*time.Millisecond, "! map is 97 % full")
	l.Add(clock.Now(), core.ToastMsg{Sev: snap.Crit, Text: "apply failed"})
	l.Add(clock.Now(), core.ToastMsg{Text: "later"})
	after(time.Hour, "✗ apply failed  esc")
	if !l.Dismiss() || l.Dismiss() {
		t.Error("esc dismisses the error, once")
	}
	after(0, "")
}

func TestAPartsNewerMessageEndsItsOlderOne(t *testing.T) {
	env, clock := uitest.Env(t, "dark", themes.TrueColor, false)
	var l List
	l.Add(clock.Now(), core.ToastMsg{Sev: snap.Crit, Text: "policy: not saved", From: "policy"})
	l.Add(clock.Now(), core.ToastMsg{Sev: snap.Warn, Text: "eth0 is gone", From: "attach"})
	l.Add(clock.Now(), core.ToastMsg{Sev: snap.Warn, Text: "policy: v1 is on trial", From: "policy"})
	l.Add(clock.Now(), core.ToastMsg{Text: "policy: v1 is kept", From: "policy"})
	l.Dismiss() // the error stood
	for _, want := range []string{"policy: v1 is kept", "eth0 is gone", ""} {
		if got := strings.TrimSpace(ansi.Strip(l.Line(env, 60))); !strings.HasSuffix(got, want) || want == "" && got != "" {
			t.Errorf("%q, want %q", got, want)
		}
		clock.Pass(5 * time.Second)
		l.Expire(clock.Now())
	}
}

func TestRepeatsFold(t *testing.T) {
	env, clock := uitest.Env(t, "dark", themes.TrueColor, false)
	var l List
	for range 412 {
		l.Add(clock.Now(), core.ToastMsg{Sev: snap.Warn, Text: "unknown VNI"})
	}
	if got := ansi.Strip(l.Line(env, 60)); !strings.Contains(got, "unknown VNI (412 times)") {
		t.Error(got)
	}
	for i := range 100 {
		l.Add(clock.Now(), core.ToastMsg{Sev: snap.Crit, Text: strings.Repeat("x", i)})
	}
	if len(l.items) > maxKept {
		t.Error(len(l.items))
	}
}

func TestLongAndHostileTextFits(t *testing.T) {
	env, clock := uitest.Env(t, "dark", themes.TrueColor, false)
	for w := 1; w < 90; w++ {
		var l List
		l.Add(clock.Now(), core.ToastMsg{Sev: snap.Crit, Text: "error \x1b[2J\x9b世界 " + strings.Repeat("long 世 ", 30)})
		if f := uitest.Faults([]string{l.Line(env, w)}, w, 1, false); len(f) > 0 {
			t.Fatal(w, f)
		}
	}
}
