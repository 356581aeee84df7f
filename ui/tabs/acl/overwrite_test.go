// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"testing"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

const unread = "save /etc/hooktop/policy.acl: it changed on disk since it was read: save to another name, or move it away"

// TestAFileIsOverwrittenByAKeyOfItsOwn, after what is in the way was shown.
func TestAFileIsOverwrittenByAKeyOfItsOwn(t *testing.T) {
	saves := func(b *uitest.Bench) (out []snap.Intent) {
		for _, m := range b.Msgs {
			if d, ok := m.(core.DoMsg); ok && d.Intent.Kind == snap.SavePolicy {
				out = append(out, d.Intent)
			}
		}
		return out
	}
	b := bench(t, uitest.PolicyText, 80, 20)
	b.Engine.Unread = unread
	b.Press("w", "enter", "w", "y", "k")
	has(t, b, "not saved", "it changed on disk since it was read", "o    overwrite it: what it says now is kept among its versions")
	if got := saves(b); len(got) != 1 || got[0].Arg != "" {
		t.Fatalf("%+v", got)
	}
	lines := append(b.Tab.View(80, 20), b.Tab.Message(80))
	uitest.GoldenScreen(t, "refused_80x24", uitest.Draw(lines, 80, 21), true)
	b.Press("o")
	if got := saves(b); len(got) != 2 || got[1].Arg != snap.Overwrite || tab(b).refused != nil {
		t.Errorf("%+v", got)
	}
	b.Press("w", "n")
	if got := tab(b).save.Value(); got != "/etc/hooktop/policy.acl" {
		t.Errorf("%q", got)
	}
	b.Type(".new")
	b.Press("enter")
	if got := saves(b); got[len(got)-1].Target != "/etc/hooktop/policy.acl.new" || got[len(got)-1].Arg != "" {
		t.Errorf("%+v", got[len(got)-1])
	}
	b.Press("o")
	if got := saves(b); got[len(got)-1].Target != "/etc/hooktop/policy.acl.new" || got[len(got)-1].Arg != snap.Overwrite {
		t.Errorf("%+v", got[len(got)-1])
	}
	b.Press("w", "esc")
	if tab(b).Capturing() {
		t.Error("esc is no way back")
	}
	b.Engine.Unread = ""
	b.Send(core.AnswerMsg{Intent: snap.Intent{Kind: snap.SavePolicy}, Answer: snap.Answer{Err: "save x: no space left on device"}})
	if m, _ := uitest.Last[core.ToastMsg](b); m.Text != "save x: no space left on device" || m.Sev != snap.Crit || tab(b).refused != nil {
		t.Errorf("%+v", m)
	}
}

func TestTheRefusalFits(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		b := benchWith(t, uitest.PolicyText, 80, 20, "dark", 0, ascii)
		b.Engine.Unread = unread + " x\x1b]52;c;AAAA\x07\u202e"
		b.Press("w")
		uitest.Sweep(t, true, b.Tab.View)
		for w := 1; w < 120; w++ {
			for _, f := range uitest.Faults([]string{b.Tab.Message(w)}, w, 1, true) {
				t.Errorf("at %d: %s", w, f)
			}
		}
	}
}
