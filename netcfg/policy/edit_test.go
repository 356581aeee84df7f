// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hooktop/netcfg/acl"
)

func line(t *testing.T, text string) Line {
	t.Helper()
	l, errs := ParseLine(text)
	if errs != nil {
		t.Fatalf("%q: %v", text, errs)
	}
	return l
}

// ids lists the counters of a file's rules, in order.
func ids(f File) (out []acl.ID) {
	for _, r := range f.ACL().Rules {
		out = append(out, r.ID)
	}
	return out
}

// twin is the naive editor: a list of texts for each moment.
type twin struct {
	moments [][]string
	at      int
}

func (w *twin) now() []string { return w.moments[w.at] }

func (w *twin) put(lines []string) {
	w.moments = append(w.moments[:w.at+1], lines)
	w.at++
}

func (w *twin) edit(e Edit) {
	lines := slices.Clone(w.now())
	i := e.At - 1
	switch e.Verb {
	case Insert:
		lines = slices.Insert(lines, i, e.Line.String())
	case Delete:
		lines = slices.Delete(lines, i, i+1)
	case Replace:
		lines[i] = e.Line.String()
	case Move:
		text := lines[i]
		lines = slices.Insert(slices.Delete(lines, i, i+1), e.To-1, text)
	case Toggle:
		if text, off := strings.CutPrefix(lines[i], "off "); off {
			lines[i] = text
		} else {
			lines[i] = "off " + text
		}
	}
	w.put(lines)
}

func (w *twin) text() string {
	return strings.Join(append(slices.Clone(w.now()), ""), "\n")
}

func TestRandomEditsAgainstSnapshots(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 3))
	texts := []string{"deny  in  tcp to any port 23", "allow out", "# note", "", "deny  in  tcp to any port 23", "default in deny",
		"tunnel vxlan port 4789 vni any count", "limit in  rate 5/s per source burst 5", "set a { 10.0.0.0/8 }", "count # x", chain + " fail open"}
	for range 60 {
		base := parsed(t, strings.Join([]string{texts[0], texts[1], texts[2], texts[0]}, "\n"))
		d := NewDraft(base)
		w := &twin{moments: [][]string{strings.Split(strings.TrimSuffix(base.String(), "\n"), "\n")}}
		history := map[int][]acl.ID{0: ids(base)}
		for range 120 {
			switch op := rnd.IntN(10); {
			case op < 2 && w.at > 0:
				d, _ = d.Undo()
				w.at--
			case op < 4 && w.at < len(w.moments)-1:
				d, _ = d.Redo()
				w.at++
			default:
				n := d.File.Len()
				e := Edit{Verb: Verb(rnd.IntN(5)), At: 1 + rnd.IntN(n+1), To: 1 + rnd.IntN(n+1), Line: line(t, texts[rnd.IntN(len(texts))])}
				next, err := d.Do(e)
				last := n
				if e.Verb == Insert {
					last++
				}
				if bad := e.At > last || e.Verb == Move && e.To > last || e.Verb == Toggle && !switches(d.File.Line(e.At)); bad != (err != nil) {
					t.Fatalf("%+v of\n%s%v", e, d.File, err)
				}
				if err != nil {
					continue
				}
				d = next
				w.edit(e)
				delete(history, w.at)
			}
			if d.File.String() != w.text() {
				t.Fatalf("draft\n%s\nsnapshot\n%s", d.File, w.text())
			}
			if undo, redo := d.Steps(); undo != w.at || redo != len(w.moments)-1-w.at {
				t.Fatalf("%d edits to undo and %d to redo, want %d and %d", undo, redo, w.at, len(w.moments)-1-w.at)
			}
			now := ids(d.File)
			if known, ok := history[w.at]; ok && !slices.Equal(known, now) {
				t.Fatalf("identities after undo or redo are %v, were %v", now, known)
			}
			history[w.at] = now
			if unique := map[acl.ID]bool{}; slices.ContainsFunc(now, func(id acl.ID) bool { was := unique[id]; unique[id] = true; return was || id.Ordinal == 0 }) {
				t.Fatalf("identities %v are not unique", now)
			}
		}
		if base.String() != strings.Join(w.moments[0], "\n")+"\n" {
			t.Fatal("editing changed the base")
		}
	}
}

func switches(l Line) bool { return l.Kind != Blank && l.Kind != Comment && l.Kind != Set }

func TestIdentitySurvivesMovingCommentingAndEditing(t *testing.T) {
	f := parsed(t, "deny in tcp\nallow in udp\ndeny in tcp\n")
	one, other := f.Line(1).Rule.ID, f.Line(3).Rule.ID
	if one == other || one.Text != "deny in tcp" || one.Ordinal != 1 || other.Ordinal != 2 {
		t.Fatalf("%v and %v", one, other)
	}
	d := NewDraft(f)
	for _, e := range []Edit{
		{Verb: Move, At: 1, To: 3},
		{Verb: Replace, At: 3, Line: line(t, "deny in tcp  # moved")},
		{Verb: Toggle, At: 3},
		{Verb: Replace, At: 3, Line: line(t, "deny in tcp to any port 22 log")},
		{Verb: Insert, At: 1, Line: line(t, "deny in tcp")},
	} {
		var err error
		if d, err = d.Do(e); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.File.Line(4).Rule.ID; got != one {
		t.Errorf("the edited rule's counters are %v, were %v", got, one)
	}
	if got := d.File.Line(1).Rule.ID; got == one || got == other || got.Text != "deny in tcp" {
		t.Errorf("a new rule took the counters %v", got)
	}
	copied, err := d.Do(Edit{Verb: Insert, At: 1, Line: d.File.Line(4)})
	if err != nil || copied.File.Line(1).Rule.ID == one {
		t.Errorf("a copy of a rule has the counters of the first: %v", err)
	}
}

func TestInheritKeepsCountersOfAFileEditedElsewhere(t *testing.T) {
	old := parsed(t, "deny in tcp\nallow in udp\n")
	d, err := NewDraft(old).Do(Edit{Verb: Replace, At: 1, Line: line(t, "deny in tcp to any port 22")})
	if err != nil {
		t.Fatal(err)
	}
	live := d.File // line 1 hangs on the counters of "deny in tcp"
	again := parsed(t, "# new head\ndeny in tcp\nallow in udp log # x\noff deny in tcp to any port 22\n").Inherit(live)
	got := ids(again)
	want := []acl.ID{{Text: "deny in tcp", Ordinal: 2}, old.Line(2).Rule.ID, old.Line(1).Rule.ID}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// The rule that held the first ones is gone: a new rule that reads as it once did is not it.
	if got := ids(parsed(t, "deny in tcp\n").Inherit(live)); !slices.Equal(got, want[:1]) {
		t.Errorf("%v, want %v", got, want[:1])
	}
}

func TestEditsThatCannotBe(t *testing.T) {
	f := parsed(t, "deny in\nset a { }\n# x\n")
	for _, e := range []Edit{{Verb: Delete, At: 4}, {Verb: Delete}, {Verb: Insert, At: 5}, {Verb: Move, At: 1, To: 4}, {Verb: Toggle, At: 3},
		{Verb: Verb(9), At: 1}} {
		if g, _, err := f.Apply(e); err == nil || !reflect.DeepEqual(f, g) {
			t.Errorf("%+v: %v", e, err)
		}
	}
	if _, _, err := f.Apply(Edit{Verb: Toggle, At: 2}); !errors.Is(err, ErrNoSwitch) {
		t.Errorf("a set switched off: %v", err)
	}
	g, _, err := parsed(t, "deny from @a\nset a { }\n").Apply(Edit{Verb: Delete, At: 2})
	if err != nil || g.Check() == nil || g.Check().Error() != "line 1, column 12: set @a is not made anywhere: add set a { … }" {
		t.Errorf("a rule that lost its set: %v, %v", err, g.Check())
	}
}
