// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"reflect"
	"strings"
	"testing"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

func plain(t testing.TB) *uitest.Bench { return bench(t, 80, 20, "dark", themes.TrueColor, false) }

func TestBindingsAreSound(t *testing.T) {
	b := plain(t)
	for _, err := range keys.Check(b.Tab.Bindings()) {
		t.Error(err)
	}
	for _, k := range b.Tab.Bindings() {
		if k.Do == nil || k.Help == "" || k.Section == "" {
			t.Errorf("binding %q is incomplete", k.Name)
		}
	}
}

// intent is what the tab asked for last, directly or by a question that is answered yes.
func intent(t *testing.T, b *uitest.Bench) snap.Intent {
	t.Helper()
	if len(b.Msgs) == 0 {
		t.Fatal("nothing was asked of the shell")
	}
	switch m := b.Msgs[len(b.Msgs)-1].(type) {
	case core.DoMsg:
		return m.Intent
	case core.ConfirmMsg:
		if d, ok := m.Do()().(core.DoMsg); ok {
			return d.Intent
		}
	}
	t.Fatalf("last message %+v", b.Msgs[len(b.Msgs)-1])
	return snap.Intent{}
}

func TestModesAndInterfaces(t *testing.T) {
	b := plain(t)
	b.Press("e")
	b.Pick("tc")
	if got := intent(t, b); !reflect.DeepEqual(got, snap.Intent{Kind: snap.SetMode, Target: "eth0", Arg: "tc"}) {
		t.Errorf("mode of a program's device: %+v", got)
	}
	b.Press("e")
	b.Pick("native")
	c, ok := uitest.Last[core.ConfirmMsg](b)
	if !ok || !strings.Contains(c.Question, "reset its link") {
		t.Errorf("native does not ask: %+v", c)
	}
	if got := intent(t, b); got.Arg != "native" {
		t.Errorf("confirmed: %+v", got)
	}
	b.Press("D")
	if got := intent(t, b); !reflect.DeepEqual(got, snap.Intent{Kind: snap.UnwatchInterface, Target: "eth0"}) {
		t.Errorf("stop watching: %+v", got)
	}
	b.Press("tab", "j", "j", "j")
	if got := b.Tab.Message(79); !strings.HasPrefix(got, " a adds docker0: no route") || !strings.HasSuffix(got, "4 of 6") {
		t.Errorf("message %q", got)
	}
	b.Press("a")
	if got := intent(t, b); !reflect.DeepEqual(got, snap.Intent{Kind: snap.WatchInterface, Target: "docker0"}) {
		t.Errorf("watch: %+v", got)
	}
	for _, k := range b.Tab.Bindings() {
		if (k.Keys[0] == "e" || k.Keys[0] == "D") != strings.Contains(k.Disabled, "not watched") {
			t.Errorf("%s on an interface left out: disabled %q", k.Keys[0], k.Disabled)
		}
	}
	b.Press("x", "y")
	if m, ok := uitest.Last[core.CopyMsg](b); !ok || !strings.Contains(m.Text, "docker0") {
		t.Errorf("copied %+v", m)
	}
}

func TestReadOnlySaysWhy(t *testing.T) {
	b := plain(t)
	b.Base.State.ReadOnly = "pid 4711 holds the pen"
	b.Frame()
	for _, k := range b.Tab.Bindings() {
		if strings.Contains("e a D", k.Keys[0]) && !strings.Contains(k.Disabled, "pid 4711") {
			t.Errorf("%s: disabled %q", k.Keys[0], k.Disabled)
		}
	}
}

func TestSweep(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		b := bench(t, 80, 20, "dark", themes.TrueColor, ascii)
		b.Press("j", "j")
		uitest.Sweep(t, true, b.Tab.View)
		b.Press("tab", "j", "j")
		uitest.Sweep(t, true, b.Tab.View)
		b.Press("enter")
		uitest.Sweep(t, true, b.Tab.View)
		for w := 1; w < 100; w++ {
			for _, f := range uitest.Faults([]string{b.Tab.Message(w), b.Tab.Context(w)}, w, 2, true) {
				t.Errorf("at %d: %s", w, f)
			}
		}
	}
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	uitest.Sweep(t, true, New(env).View)
}

func TestHostileTextStaysText(t *testing.T) {
	for _, s := range []string{"\x1b[2J", "\u202egnp", "\xff\xc0\xaf", "a\nb", strings.Repeat("世", 40), strings.Repeat("x", 300)} {
		b := plain(t)
		f := b.Base
		for i := range f.Programs {
			p := &f.Programs[i]
			p.Name, p.Type, p.Hook, p.Dev, p.State, p.Reason = s, s, s, s, s, s
		}
		for i := range f.Interfaces {
			l := &f.Interfaces[i]
			l.Name, l.Mode, l.Why, l.Reason = s, s, s, s
		}
		f.LeftOut[0] = snap.LeftOut{Name: s, Why: s}
		f.Lost = []snap.Count{{Name: s, N: 3}}
		b.Frame()
		for _, k := range []string{"tab", "enter", "tab"} {
			b.Press(k)
			for _, w := range []int{40, 80, 160, 300} {
				for _, fault := range uitest.Faults(append(b.Tab.View(w, 30), b.Tab.Message(w)), w, 31, false) {
					t.Errorf("%q at %d: %s", s, w, fault)
				}
			}
		}
	}
}
