// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func fixed() Report {
	row := func(id, part string, goal Goal, rounds ...float64) Row {
		r := FromRounds(id, "ours / theirs | piped", "x", goal, rounds, "ours 1.0 ns")
		r.Part, r.Day = part, "2026-01-0"+string('0'+byte(len(rounds)))
		return r
	}
	growth := Curve{Name: "rules", Part: "S5", Title: "A <packet> & rules", X: "rules", Y: "ns a packet"}
	for _, n := range []float64{10, 1000, 65536} {
		growth.Add("hooktop", At(n, []float64{n / 5, n / 4, n}))
		growth.Add("theirs", At(n, []float64{n / 4, n / 3}))
		growth.Add("nothing", At(n, []float64{0, -1}))
	}
	return Report{Schema: "hooktop.performance/1", Machine: "2 x CPU", Seconds: 7, Measured: []string{"S5", "S10", "T1", "S6,S7"},
		Rows:   []Row{row("S5", "S5", AtLeast(2), 1, 2, 4), row("S10", "S10", AtMost(1.0/6), 3), row("T1", "T1", AtMost(0), 0)},
		Curves: []Curve{growth}, Failed: []Failure{{"S6,S7", "no iptables | here\nat all"}}}
}

const fixedSection = `
2 x CPU; measured from 2026-01-01 to 2026-01-03.

| # | what | goal | measured (median) | min – max | rounds | met |
|---|---|---|---|---|---|---|
| S5 | ours / theirs \| piped | ≥ 2 x | 2.00 x | 1.00 – 4.00 | 3 | yes |
| S10 | ours / theirs \| piped | ≤ 0.167 x | 3.00 x | 3.00 – 3.00 | 1 | no |
| T1 | ours / theirs \| piped | ≤ 0 x | 0.00 x | 0.00 – 0.00 | 1 | yes |
| S6, S7 | no iptables \| here at all | | not measured | | | no |

Not met:

* S10: REASON Figures: ours 1.0 ns.

How the costs grow (medians; strokes reach from the fastest to the slowest round):

![A <packet> & rules: ns a packet over rules](pictures/rules.svg)

`

func TestTheSectionSaysWhatTheReportHolds(t *testing.T) {
	want := strings.Replace(fixedSection, "REASON", Reason("S10"), 1)
	if got := fixed().Section("pictures/"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var b strings.Builder
	if err := fixed().Markdown(&b, "pictures/"); err != nil || !strings.HasPrefix(b.String(), want) || !strings.HasSuffix(b.String(), "\nT1: ours 1.0 ns\n") {
		t.Errorf("the report does not begin with the section and end with the figures behind it (%v):\n%s", err, b.String())
	}
}

func TestTheReportComesBackFromJSON(t *testing.T) {
	var b bytes.Buffer
	if err := fixed().JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got Report
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || !reflect.DeepEqual(got, fixed()) {
		t.Errorf("%+v came back (%v)", got, err)
	}
}

func TestAPartMeasuredAgainTakesItsPlace(t *testing.T) {
	again := Report{Machine: "4 x CPU", Measured: []string{"S6,S7", "S10", "S1"}, Failed: []Failure{{"S10", "gone"}},
		Rows: []Row{FromRounds("S1", "new", "x", AtMost(1), []float64{1}), FromRounds("S7", "at last", "x", AtMost(1), []float64{1})}}
	got := again.Merge(fixed())
	var ids []string
	for _, r := range got.Rows {
		ids = append(ids, r.ID)
	}
	if s := strings.Join(ids, " "); s != "S1 S5 S7 T1" {
		t.Errorf("rows %s", s)
	}
	if len(got.Failed) != 1 || got.Failed[0].Goals != "S10" || len(got.Curves) != 1 || got.Machine != "4 x CPU" || len(got.Measured) != 5 {
		t.Errorf("%+v", got)
	}
}

// A picture is one well-formed document whose marks lie inside it, and that names its axes, sizes and lines.
func TestPicturesAreWellFormed(t *testing.T) {
	one, flat := fixed().Curves[0], Curve{Name: "one", Title: "one point", X: "x", Y: "y"}
	flat.Add("hooktop", At(3, []float64{5}))
	crowd := Curve{Name: "crowd", Title: "many lines that end together", X: "x", Y: "y"}
	for _, name := range strings.Fields("a b c d e f g h i j k l m n") {
		crowd.Add(name, At(1, []float64{1}))
		crowd.Add(name, At(100, []float64{1000}))
	}
	for _, c := range []Curve{one, flat, crowd} {
		var b bytes.Buffer
		if err := c.SVG(&b); err != nil {
			t.Fatal(err)
		}
		texts := wellFormed(t, c.Name, b.Bytes())
		for _, want := range append([]string{c.Title, c.X, c.Y}, c.Lines[0].Name) {
			if !strings.Contains(texts, "\n"+want+"\n") {
				t.Errorf("%s: the text %q is missing in %s", c.Name, want, texts)
			}
		}
	}
	var b bytes.Buffer
	if err := one.SVG(&b); err != nil || strings.Contains(b.String(), "nothing") {
		t.Errorf("a line without points above zero is drawn (%v)", err)
	}
	if err := (Curve{Name: "empty"}).SVG(io.Discard); err == nil {
		t.Error("a curve without points is drawn")
	}
}

// wellFormed reads the document to its end and gives its texts, a line each.
func wellFormed(t *testing.T, name string, svg []byte) string {
	t.Helper()
	number := regexp.MustCompile(`-?[0-9.]+`)
	bounds := map[string]float64{"x": svgWidth, "y": svgHeight, "cx": svgWidth, "cy": svgHeight}
	texts := "\n"
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, svg)
		}
		switch token := token.(type) {
		case xml.CharData:
			texts += string(token) + "\n"
		case xml.StartElement:
			for _, a := range token.Attr {
				values := []string{}
				if a.Name.Local == "d" {
					values = number.FindAllString(a.Value, -1)
				} else if bounds[a.Name.Local] > 0 {
					values = []string{a.Value}
				}
				for _, v := range values {
					n, err := strconv.ParseFloat(v, 64)
					if limit := max(bounds[a.Name.Local], 0); err != nil || n < 0 || n > svgWidth || limit > 0 && n > limit {
						t.Errorf("%s: %s of <%s> is %q: outside the picture", name, a.Name.Local, token.Name.Local, v)
					}
				}
			}
		}
	}
}

func TestSizesAreWrittenAsTheyAreCalled(t *testing.T) {
	for v, want := range map[float64]string{0.5: "0.5", 10: "10", 1000: "1k", 10000: "10k", 65536: "64ki", 1 << 20: "1Mi", 1e6: "1M", 123456: "123k"} {
		if got := short(v); got != want {
			t.Errorf("%g is written %q, want %q", v, got, want)
		}
	}
}
