// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"encoding/json"
	"strings"
	"testing"

	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

// TestTheEditorSaysWhatALineDecides of live flows, now and after, before anything is staged.
func TestTheEditorSaysWhatALineDecides(t *testing.T) {
	b := bench(t, "allow in udp\ndeny in tcp from 203.0.113.9\ncount in icmp\n", 100, 24)
	onLine(b, 2)
	b.Press("e")
	b.Frame() // the ways in are known: now the fastest are
	b.Press("backspace")
	b.Type("9")
	has(t, b, "now decides 1 flow 88.1kpps, edited 1 flow 88.1kpps, of the 60 fastest")
	b.Type(" port 1")
	has(t, b, "edited no flow")
	b.Press("ctrl+u")
	b.Type("deny in tcp from 10.4.1.0/24")
	text := b.Draw().Text()
	if !strings.Contains(text, "now decides 1 flow 88.1kpps, edited ") || strings.Contains(text, "edited 1 flow 88.1kpps") {
		t.Error(text)
	}
	b.Press("esc")
	onLine(b, 3)
	b.Press("a")
	b.Frame()
	b.Type("count in udp")
	has(t, b, "would decide none of the 60 fastest flows; all are checked once it is staged") // line 1 takes all of it
	b.Press("ctrl+u")
	b.Type("count in icmp")
	has(t, b, "would decide ")
}

func TestARowIsCopiedAsJSON(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	for _, c := range []struct {
		line int
		want map[string]any
	}{{8, map[string]any{"line": 8.0, "text": "deny  in  from 203.0.113.0/24  # SSH scan", "pps": 88100.0, "last_s": 0.0}}, {1, map[string]any{"text": "# edge of the lab"}}} {
		onLine(b, c.line)
		b.Press("Y")
		m, _ := uitest.Last[core.CopyMsg](b)
		var o map[string]any
		if err := json.Unmarshal([]byte(m.Text), &o); err != nil {
			t.Fatal(err)
		}
		for k, v := range c.want {
			if o[k] != v {
				t.Errorf("line %d: %s is %v, want %v", c.line, k, o[k], v)
			}
		}
	}
	b.Press("G", "Y", "g", "Y")
	if m, _ := uitest.Last[core.CopyMsg](b); !strings.Contains(m.Text, `"text":"guard: 7 lines`) {
		t.Errorf("%q", m.Text)
	}
}

func TestColumnsOfThePolicyAreChosen(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	b.Press("c")
	b.Pick("LAST")
	if text := b.Draw().Text(); strings.Contains(text, "LAST") {
		t.Error(text)
	}
	b.Press("c")
	b.Pick("LAST")
	has(t, b, "LAST")
}

func TestEnterSaysWhyALineIsNotStaged(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	onLine(b, 8)
	b.Press("e")
	b.Press("ctrl+u")
	for _, c := range [][2]string{{"", "the line is empty: esc, then D deletes it"}, {"deny in tcp to any port 8000-80", "blocked by the error above"}} {
		b.Type(c[0])
		b.Press("enter")
		if m, ok := uitest.Last[core.ToastMsg](b); !ok || m.Text != "stage: "+c[1] {
			t.Errorf("%q: %q", c[0], m.Text)
		}
		if help := keys.Find(b.Tab.Bindings(), "enter").Help; help != "stage (blocked)" {
			t.Errorf("%q: the hint says %q", c[0], help)
		}
	}
}

func TestDroppingTheDraftStandsWithTheEdits(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	onLine(b, 8)
	b.Press("D")
	b.Press("x")
	m, _ := uitest.Last[core.PickMsg](b)
	for i, c := range m.Items {
		if c.Label == "drop the draft" && i < 9 {
			return
		}
	}
	t.Errorf("not among the nine that a low menu shows: %v", m.Items)
}
