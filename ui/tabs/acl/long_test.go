// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

// addressList is n addresses as a set lists them.
func addressList(n int) string {
	var sb strings.Builder
	sb.WriteString("10.0.0.1")
	for i := 1; i < n; i++ {
		sb.WriteString(", 10." + itoa(1+i/40000) + "." + itoa(i/200%200) + "." + itoa(i%200))
	}
	return sb.String()
}

// TestALargeSetIsShownInPart, and edited whole: what was typed is in it, and nothing is lost.
func TestALargeSetIsShownInPart(t *testing.T) {
	b := bench(t, "set blocked { "+addressList(8000)+" }  # from the feed\ndeny in from @blocked\n", 100, 20)
	onLine(b, 1)
	has(t, b, "and 7997 more }  # from the feed")
	b.Press("e", "home")
	for range len("set blocked { ") {
		b.Press("right")
	}
	b.Send(tea.PasteMsg{Content: "192.0.2.7, "})
	b.Press("enter")
	if got := staged(b); strings.Count(got, ",") != 8000 || !strings.Contains(got, "192.0.2.7") || !strings.Contains(got, "10.1.39.199") {
		t.Errorf("%d characters were staged, with %d addresses", len(got), strings.Count(got, ",")+1)
	}
}

// TestALineThatIsTooLongIsNotCut: neither when it is opened nor when it is pasted.
func TestALineThatIsTooLongIsNotCut(t *testing.T) {
	long := "set blocked { " + addressList(12000) + " }"
	b := bench(t, long+"\ndeny in from @blocked\n", 100, 20)
	onLine(b, 1)
	b.Press("e")
	if m, _ := uitest.Last[core.ToastMsg](b); tab(b).edit != nil || !strings.Contains(m.Text, "characters are too many here (130 816): w saves a file to edit") {
		t.Errorf("%q", m.Text)
	}
	onLine(b, 2)
	b.Press("a")
	b.Send(tea.PasteMsg{Content: long})
	if m, _ := uitest.Last[core.ToastMsg](b); tab(b).edit.field.Value() != "" || !strings.Contains(m.Text, "characters are too many here (131 072)") {
		t.Errorf("%q", m.Text)
	}
}
