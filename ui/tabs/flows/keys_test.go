// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/filter"
)

func tab(b *uitest.Bench) *Tab { return b.Tab.(*Tab) }

// selected is the flow under the cursor.
func selected(t *testing.T, b *uitest.Bench) snap.FlowKey {
	t.Helper()
	f, ok := tab(b).flows.Selected()
	if !ok {
		t.Fatal("nothing is selected")
	}
	return f.Key
}

func TestBindingsAreSound(t *testing.T) {
	b := bench(t, 100, 160, 46)
	for _, err := range keys.Check(b.Tab.Bindings()) {
		t.Error(err)
	}
	for _, k := range b.Tab.Bindings() {
		if k.Do == nil || k.Help == "" || k.Section == "" || len(strings.Fields(k.Help)) > 5 {
			t.Errorf("binding %q is incomplete: %+v", k.Name, k)
		}
	}
	b.Press("/")
	if !b.Tab.Capturing() {
		t.Error("the field does not capture")
	}
	for _, err := range keys.Check(b.Tab.Bindings()) {
		t.Error(err)
	}
}

func TestCursorStaysOnItsFlow(t *testing.T) {
	b := bench(t, 100, 80, 20)
	b.Press("j", "j", "j", "j", "j")
	want := selected(t, b)
	for _, k := range []string{"I", "I", "<", ">", ">", "<", "o", "o", "A", "A", "A", "d", "ctrl+d"} {
		if k == "ctrl+d" {
			break
		}
		b.Press(k)
		b.Draw()
		b.Frame()
		if got := selected(t, b); got != want {
			t.Fatalf("%s took the cursor to %v", k, got)
		}
		if s := b.Draw().Text(); !strings.Contains(s, "\n>") {
			t.Fatalf("after %s the cursor is out of view:\n%s", k, s)
		}
	}
	b.Press("s")
	b.Pick("SOURCE")
	b.Draw()
	b.Frame()
	if got := selected(t, b); got != want {
		t.Errorf("sorting by source took the cursor to %v", got)
	}
	if q := b.Asked.Flows; q.Sort != "source" || !q.Asc || q.Follow != want {
		t.Errorf("asked %+v", q)
	}
}

func TestAFlowThatVanishesIsSaidToBeGone(t *testing.T) {
	b := bench(t, 30, 80, 20)
	b.Press("j", "j")
	want := selected(t, b)
	b.All = append(append([]snap.Flow{}, b.All[:2]...), b.All[3:]...)
	b.Frame()
	b.Clock.Pass(2e9)
	b.Frame()
	if s := b.Draw(); !strings.Contains(s.Line(3), "gone 2 s") {
		t.Errorf("line of the vanished flow: %q", s.Line(3))
	}
	b.Press("y")
	c, ok := uitest.Last[core.CopyMsg](b)
	if !ok || !strings.Contains(c.Text, want.Src.String()) {
		t.Errorf("a key meant for the vanished flow hit another: %q", c.Text)
	}
	b.Clock.Pass(4e9)
	b.Draw()
	b.Frame()
	if got := selected(t, b); got == want {
		t.Error("after 5 s the next flow has not taken over")
	}
}

func TestOnlyRowsInReachAreAskedFor(t *testing.T) {
	b := bench(t, 5000, 80, 20)
	q := b.Asked.Flows
	if q.Limit > 60 || q.Offset != 0 {
		t.Errorf("first question %+v", q)
	}
	b.Press("G")
	if q = b.Asked.Flows; q.Offset+q.Limit < 5000 || q.Limit > 60 {
		t.Errorf("question at the bottom %+v", q)
	}
	if s := b.Tab.Message(79); !strings.HasSuffix(s, "4982-5000 of 5 000") {
		t.Errorf("position %q", s)
	}
	asked := b.Asked
	b.Press("k", "k", "k")
	if b.Asked.Flows.Offset != asked.Flows.Offset {
		t.Errorf("moving by a row asks for other rows: %d then %d", asked.Flows.Offset, b.Asked.Flows.Offset)
	}
	b.Press("g", "pgdown", "pgdown", "pgdown", "ctrl+u", "home", "end")
	b.Press("g")
	if b.Asked.Flows.Follow != (snap.FlowKey{}) {
		t.Error("at the top the list still follows a flow")
	}
}

func TestFilterIsLive(t *testing.T) {
	b := bench(t, 100, 80, 20)
	b.Press("/")
	b.Type("proto:icmp")
	if got := ansi.Strip(b.Tab.Message(79)); !strings.HasPrefix(got, " / proto:icmp ") {
		t.Errorf("field %q", got)
	}
	if q := b.Asked.Flows.Filter; q != "proto:icmp" {
		t.Errorf("asked %q while typing", q)
	}
	b.Draw()
	if c := b.Tab.Cursor(); c == nil || c.X != len(" / proto:icmp") || c.Y != 20 {
		t.Errorf("the cursor is not in the field: %+v", c)
	}
	if s := b.Draw(); strings.Contains(s.Text(), "nginx") || !strings.Contains(s.Text(), "10.9.0.1 echo") {
		t.Errorf("rows are not filtered:\n%s", s.Text())
	}
	b.Press("esc")
	if b.Asked.Flows.Filter != "" || b.Tab.Capturing() {
		t.Errorf("esc leaves %q", b.Asked.Flows.Filter)
	}
	b.Press("/")
	b.Type("port:443 foo:bar")
	if got := b.Tab.Message(79); !strings.Contains(got, "✗ column ") || !strings.Contains(got, "foo") {
		t.Errorf("error %q", got)
	}
	if q := b.Asked.Flows.Filter; !strings.HasPrefix(q, "port:443") || strings.Contains(q, "foo:bar") {
		t.Errorf("with an error the filter in force is %q", q)
	}
	b.Press("enter")
	if !b.Tab.Capturing() {
		t.Error("enter threw an unfinished filter away")
	}
	b.Press("ctrl+w", "enter")
	if q := b.Asked.Flows.Filter; q != "port:443" || b.Tab.Capturing() {
		t.Errorf("kept %q", q)
	}
	if got := b.Tab.Message(79); !strings.HasPrefix(got, " filter port:443 ") || !strings.HasSuffix(got, " /100") {
		t.Errorf("message %q", got)
	}
	b.Press("u")
	if q := b.Asked.Flows.Filter; q != "" {
		t.Errorf("after undo %q", q)
	}
	b.Press("ctrl+r", "0")
	if q := b.Asked.Flows.Filter; q != "" {
		t.Errorf("after 0 %q", q)
	}
}

func TestFilterCompletes(t *testing.T) {
	b := bench(t, 100, 80, 20)
	b.Press("/")
	b.Type("prot")
	b.Press("tab")
	if got := ansi.Strip(b.Tab.Message(79)); !strings.HasPrefix(got, " / proto:") {
		t.Errorf("completed %q", got)
	}
	b.Type("ic")
	if got := b.Tab.Message(79); !strings.Contains(got, "tab icmp icmpv6") {
		t.Errorf("offered %q", got)
	}
	b.Press("tab", "tab", "enter")
	if q := b.Asked.Flows.Filter; q != "proto:icmpv6" {
		t.Errorf("the second tab took %q", q)
	}
	b.Press("0", "/")
	b.Type("process:ngi")
	b.Press("tab", "enter")
	if q := b.Asked.Flows.Filter; q != "process:nginx" {
		t.Errorf("a name seen in the traffic: %q", q)
	}
}

func TestFilterByTheCell(t *testing.T) {
	b := bench(t, 100, 80, 20)
	b.Press("h", "h", "h", "h", "h", "+")
	if q := b.Asked.Flows.Filter; q != "src:10.4.1.17" {
		t.Errorf("+ on the source: %q", q)
	}
	b.Press("0", "l", "-")
	if q := b.Asked.Flows.Filter; q != "!dst:10.9.0.10" {
		t.Errorf("- on the destination: %q", q)
	}
	b.Press("l", "l", "+")
	if q := b.Asked.Flows.Filter; q != "!dst:10.9.0.10 dev:=eth0" {
		t.Errorf("+ on the device: %q", q)
	}
	b.Press("l", "l", "+")
	if m, ok := uitest.Last[core.ToastMsg](b); !ok || m.Sev != snap.Warn {
		t.Errorf("+ on a rate says nothing: %+v", m)
	}
}

func TestGroupsOpenIntoTheirFlows(t *testing.T) {
	b := bench(t, 100, 80, 20)
	b.Press("p")
	b.Pick("DESTINATION")
	s := b.Draw()
	if !strings.Contains(s.Text(), "  DESTINATION   ") || !strings.Contains(s.Text(), "10.9.0.10") {
		t.Fatalf("no groups:\n%s", s.Text())
	}
	b.Press("j", "k", "enter")
	q := b.Asked.Flows
	if q.Group != "" || !strings.HasPrefix(q.Filter, "dst:") {
		t.Errorf("enter on a group asks %+v", q)
	}
	b.Press("u")
	if q = b.Asked.Flows; q.Group != "destination" || q.Filter != "" {
		t.Errorf("undo asks %+v", q)
	}
	for _, g := range groupings() {
		b.Press("p")
		b.Pick(g.title)
		if g.key == "" {
			continue
		}
		// Every group opens into exactly as many flows as it says, and without it all the others remain.
		for i := range tab(b).frame.Flows.Groups {
			gr := tab(b).frame.Flows.Groups[i]
			term := groupTerm(g.key, gr.Value)
			for _, c := range []struct {
				term string
				want int
			}{{term, gr.Flows}, {filter.Negate(term), 100 - gr.Flows}} {
				v := uitest.Answer(b.Base, b.All, snap.FlowQuery{Filter: c.term, Limit: 300}).Flows
				if v.Err != "" || v.Matched != c.want && g.key != "port" && g.key != "subnet" {
					t.Errorf("%s group %q: %q passes %d flows, want %d %s", g.key, gr.Value, c.term, v.Matched, c.want, v.Err)
				}
			}
		}
	}
}

func TestActionsHitTheRowOfTheKeyPress(t *testing.T) {
	b := bench(t, 100, 80, 20)
	b.Press("j", "x")
	want := selected(t, b)
	b.All = b.All[10:] // the list changes while the menu is open
	b.Frame()
	b.Pick("not this source")
	if q := b.Asked.Flows.Filter; q != "!src:"+want.Src.String() {
		t.Errorf("the menu of %v acted as %q", want.Src, q)
	}
}

// TestPickersFit: a picker's line holds label and detail in 62 cells, or the detail is not shown.
func TestPickersFit(t *testing.T) {
	b := bench(t, 100, 80, 20)
	b.Press("s", "p", "c", "v", "x", "w")
	for _, m := range b.Msgs {
		p, ok := m.(core.PickMsg)
		if !ok {
			continue
		}
		for _, it := range p.Items {
			if n := len([]rune(it.Label + it.Detail)); n > 60 {
				t.Errorf("%q: %q %q takes %d cells", p.Title, it.Label, it.Detail, n)
			}
		}
	}
}

func TestMouse(t *testing.T) {
	b := bench(t, 100, 160, 46)
	b.Tab.Update(tea.MouseClickMsg{X: 30, Y: 4, Button: tea.MouseLeft})
	if got := selected(t, b); got != b.All[3].Key {
		t.Errorf("a click on line 4 selects %v", got)
	}
	b.Tab.Update(tea.MouseClickMsg{X: 3, Y: 0, Button: tea.MouseLeft})
	b.Frame()
	if q := b.Asked.Flows; q.Sort != "source" {
		t.Errorf("a click on SOURCE sorts by %q", q.Sort)
	}
	before := tab(b).flows.At()
	b.Tab.Update(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	if at := tab(b).flows.At(); at != before+3 {
		t.Errorf("the wheel goes from %d to %d", before, at)
	}
	b.Tab.Update(tea.MouseClickMsg{X: 150, Y: 9, Button: tea.MouseLeft})
	if at := tab(b).flows.At(); at != before+3 {
		t.Error("a click into the pane moves the list's cursor")
	}
}

func TestCopyAndSave(t *testing.T) {
	b := bench(t, 100, 80, 20)
	b.Press("Y")
	c, _ := uitest.Last[core.CopyMsg](b)
	var o map[string]any
	if err := json.Unmarshal([]byte(c.Text), &o); err != nil || o["src"] != "10.4.1.17" || o["dport"] != 443.0 {
		t.Errorf("JSON of a row: %v %q", err, c.Text)
	}
	t.Chdir(t.TempDir())
	for _, kind := range []string{"CSV", "JSON", "text"} {
		b.Press("w")
		b.Pick(kind)
		if m, ok := uitest.Last[core.ToastMsg](b); !ok || !m.OK {
			t.Fatalf("%s: %+v", kind, m)
		}
	}
	f, err := os.Open("hooktop-flows-20260307-140231.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", st.Mode(), err)
	}
	recs, err := csv.NewReader(f).ReadAll()
	if err != nil || len(recs) != 61 {
		t.Errorf("%d records, %v", len(recs), err)
	}
	b.Press("w")
	b.Pick("CSV")
	if m, _ := uitest.Last[core.ToastMsg](b); m.OK || m.Sev != snap.Crit || !strings.Contains(m.Text, "Nothing was kept") {
		t.Errorf("a file that exists is overwritten: %+v", m)
	}
}
