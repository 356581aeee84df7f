// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

// denied is a bench with the headers of line 8 open.
func denied(t *testing.T, w, h int, ascii bool) *uitest.Bench {
	t.Helper()
	b := benchWith(t, uitest.PolicyText, w, h, "dark", themes.TrueColor, ascii)
	b.Engine.Headers = uitest.Headers(12)
	onLine(b, 8)
	b.Press("p")
	return b
}

func TestHeadersOfADenyRule(t *testing.T) {
	b := denied(t, 80, 20, false)
	m, _ := uitest.Last[core.DoMsg](b)
	if m.Intent.Kind != snap.ShowHeaders || m.Intent.Line != 8 {
		t.Errorf("%+v", m.Intent)
	}
	has(t, b, "14:02:31.000 eth0", "tcp 203.0.113.9:44123 > 10.9.0.22:22", "the last 12 headers denied by deny  in  from 203.0.113.0/24",
		"PACKET 1 of 12", "ipv4       203.0.113.9 > 10.9.0.22 ttl 51", "tcp        44123 > 22 SYN seq 1", "0000  52 54 00 12 34 56")
	b.Press("j", "enter")
	has(t, b, "PACKET 2 of 12", "44124 > 22 SYN seq 2", "0040  ")
	b.Press("y")
	if m, _ := uitest.Last[core.CopyMsg](b); !strings.Contains(m.Text, "2026-03-07T14:02:30.883000Z eth0 tcp 203.0.113.10:44124 > 10.9.0.22:22 74 bytes\neth 52:54") {
		t.Errorf("%q", m.Text)
	}
	b.Press("esc", "w", "ctrl+u", "enter")
	b.Type("/tmp/x.pcapng")
	b.Press("enter")
	if m, _ := uitest.Last[core.DoMsg](b); m.Intent.Kind != snap.SaveHeaders || m.Intent.Line != 8 || m.Intent.Target != "/tmp/x.pcapng" {
		t.Errorf("%+v", m.Intent)
	}
	b.Engine.Headers = uitest.Headers(3)
	b.Press("p")
	has(t, b, "PACKET 1 of 3")
	b.Press("esc")
	has(t, b, "     8 deny  in  203.0.113.0/24")
}

// TestHeadersFollowTheirRule: its line is another one when the policy is edited above it.
func TestHeadersFollowTheirRule(t *testing.T) {
	b := denied(t, 80, 20, false)
	b.Engine.Policy.Kept, b.Engine.Policy.Text = 42, "deny in from 192.0.2.1\n"+uitest.PolicyText
	b.Frame()
	b.Press("w", "enter")
	if m, _ := uitest.Last[core.DoMsg](b); m.Intent.Line != 9 {
		t.Errorf("%+v", m.Intent)
	}
	b.Engine.Policy.Kept, b.Engine.Policy.Text = 43, "deny in from 192.0.2.1\n"
	b.Frame()
	b.Press("w", "enter")
	if m, _ := uitest.Last[core.ToastMsg](b); !strings.Contains(m.Text, "not in force any more") {
		t.Errorf("%+v", m)
	}
}

func TestWhatHasNoHeaders(t *testing.T) {
	b := bench(t, "default in deny\nallow in from 10.0.0.0/8\ndeny out\n", 80, 20)
	why := func(want string) {
		t.Helper()
		if k := keys.Find(b.Tab.Bindings(), "p"); !strings.Contains(k.Disabled, want) || want == "" && k.Disabled != "" {
			t.Errorf("%q, want %q", k.Disabled, want)
		}
	}
	why("choose a line that does") // the guard
	onLine(b, 2)
	why("choose a line that does")
	onLine(b, 3)
	why("")
	b.Press("p")
	if m, _ := uitest.Last[core.ToastMsg](b); m.Text != "no packet was denied by this line yet" || tab(b).heads != nil {
		t.Errorf("%+v", m)
	}
	onLine(b, 1)
	why("")
	b.Engine.Headers = uitest.Headers(2)
	b.Press("p")
	if m, _ := uitest.Last[core.DoMsg](b); m.Intent.Line != 1 {
		t.Errorf("%+v", m.Intent)
	}
	b.Press("esc", "G", "k") // what is left, in
	b.Press("p")
	if m, _ := uitest.Last[core.DoMsg](b); m.Intent.Line != 1 {
		t.Errorf("%+v", m.Intent)
	}
	b.Press("esc")
	onLine(b, 3)
	b.Press("a")
	b.Type("deny in from 192.0.2.1")
	b.Press("enter")
	why("not in force yet")
}

func TestGoldenHeaders(t *testing.T) {
	for _, s := range [][2]int{{80, 24}, {100, 30}, {200, 60}} {
		b := denied(t, s[0], body(s[1]), false)
		b.Press("j")
		lines := append(b.Tab.View(s[0], body(s[1])), b.Tab.Message(s[0]), b.Tab.Context(60))
		uitest.GoldenScreen(t, fmt.Sprintf("headers_%dx%d", s[0], s[1]), uitest.Draw(lines, s[0], body(s[1])+2), s[0] == 80)
	}
}

func TestHeadersFit(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		for _, ks := range [][]string{nil, {"enter"}, {"w"}} {
			b := denied(t, 80, 20, ascii)
			h := &tab(b).heads.rows[0]
			h.Dev, h.Text = "x\x1b]52;c;AAAA\x07\u202e", "x\x1b[2J"
			tab(b).heads.list.Goto(0)
			b.Press(ks...)
			b.Send(tea.PasteMsg{Content: "name"})
			uitest.Sweep(t, true, b.Tab.View)
			for w := 1; w < 120; w++ {
				for _, f := range uitest.Faults([]string{b.Tab.Message(w), b.Tab.Context(w)}, w, 2, true) {
					t.Errorf("at %d: %s", w, f)
				}
			}
		}
	}
}
