// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"
	"testing"

	"hooktop/probes/snap"
	"hooktop/ui/uitest"
)

// TestTheEditorWatchesOverTheWayIn while a rule is typed, before anything is staged; the guard's word counts.
func TestTheEditorWatchesOverTheWayIn(t *testing.T) {
	const own = "◆ your own session 10.0.0.8:50122 > 10.9.0.5:22 would be dropped"
	shown := func(b *uitest.Bench) bool { return strings.Contains(b.Draw().Text(), own) }
	b := bench(t, uitest.PolicyText, 100, 24)
	onLine(b, 4)
	b.Press("A")
	b.Type("deny in tcp to 10.9.0.5 port 22")
	if !shown(b) {
		t.Errorf("nothing is said of it:\n%s", b.Draw().Text())
	}
	b.Type("2") // another port
	if shown(b) {
		t.Errorf("port 222 is not in use:\n%s", b.Draw().Text())
	}
	b.Press("backspace")
	b.Type(",80")
	if !shown(b) {
		t.Error("nothing is said of it once more")
	}
	b.Press("enter") // staging is no applying
	if !strings.Contains(staged(b), "port 22,80") {
		t.Error("it is not staged")
	}

	b = bench(t, uitest.PolicyText, 100, 24)
	b.Engine.Policy.Guard = append(b.Engine.Policy.Guard, snap.GuardHits{Name: "way in: ssh", Text: "allow in  tcp from 10.0.0.8 to 10.9.0.5 port 22"},
		snap.GuardHits{Name: "way in: ssh", Text: "allow in  tcp from 10.0.0.9 to 10.9.0.5 port 22"})
	b.Frame()
	onLine(b, 4)
	b.Press("A")
	b.Type("deny in")
	if text := b.Draw().Text(); strings.Contains(text, "would be dropped") {
		t.Errorf("the guard lets it pass:\n%s", text)
	}
}

// TestSocketsMayNeedALook: an answer that is not final is waited for, not for ever.
func TestSocketsMayNeedALook(t *testing.T) {
	var w ways
	v := &snap.FlowsView{Query: snap.FlowQuery{Filter: waysFilter}, Partial: true}
	for i := 1; i < patience; i++ {
		if w.take(v, nil) {
			t.Fatalf("look %d is taken for the last", i)
		}
	}
	if !w.take(v, nil) || !w.known || w.take(v, nil) {
		t.Error("it is waited for without end")
	}
	if w.take(&snap.FlowsView{}, nil) {
		t.Error("another question's answer is taken")
	}
}
