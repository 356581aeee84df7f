// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Row is one measured goal.
type Row struct {
	ID     string   `json:"id"`   // "S1"
	Part   string   `json:"part"` // of the run, as in Failure.Goals
	What   string   `json:"what"` // what is compared
	Goal   Goal     `json:"goal"`
	Value  float64  `json:"value"` // median
	Min    float64  `json:"min"`
	Max    float64  `json:"max"`
	Unit   string   `json:"unit"` // "x", "ms", "%", "MiB", "B"
	Rounds int      `json:"rounds"`
	Day    string   `json:"day"`              // when it was measured: parts of a report may be measured again
	Detail []string `json:"detail,omitempty"` // absolute figures behind the ratio, for the curious
}

// Failure is a measurement that came to nothing.
type Failure struct {
	Goals string `json:"goals"` // "S6,S7"
	Why   string `json:"why"`
}

// Goal is a bound on a row's value.
type Goal struct {
	Bound   float64 `json:"bound"`
	AtLeast bool    `json:"at_least"` // true: value ≥ bound is met, false: value ≤ bound is
}

// AtMost is the goal "≤ x", AtLeast the goal "≥ x".
func AtMost(x float64) Goal  { return Goal{Bound: x} }
func AtLeast(x float64) Goal { return Goal{Bound: x, AtLeast: true} }

// Met reports whether the row reaches its goal.
func (r Row) Met() bool {
	if r.Goal.AtLeast {
		return r.Value >= r.Goal.Bound
	}
	return r.Value <= r.Goal.Bound
}

func (g Goal) String() string {
	if g.AtLeast {
		return fmt.Sprintf("≥ %.3g", g.Bound)
	}
	return fmt.Sprintf("≤ %.3g", g.Bound)
}

// Report is all rows of one run with the machine they were measured on.
type Report struct {
	Schema   string    `json:"schema"` // "hooktop.performance/1"
	Machine  string    `json:"machine"`
	Seconds  int       `json:"seconds"`  // what the run took
	Measured []string  `json:"measured"` // what was measured, as in Failure.Goals
	Rows     []Row     `json:"rows"`
	Curves   []Curve   `json:"curves"`
	Failed   []Failure `json:"failed"`
}

// Merge gives old with the parts that r measured in place of its own.
func (r Report) Merge(old Report) Report {
	again := func(goals string) bool { return slices.Contains(r.Measured, goals) }
	old.Schema, old.Machine = r.Schema, r.Machine
	old.Rows = append(slices.DeleteFunc(slices.Clone(old.Rows), func(x Row) bool { return again(x.Part) }), r.Rows...)
	old.Curves = append(slices.DeleteFunc(slices.Clone(old.Curves), func(x Curve) bool { return again(x.Part) }), r.Curves...)
	old.Failed = append(slices.DeleteFunc(slices.Clone(old.Failed), func(x Failure) bool { return again(x.Goals) }), r.Failed...)
	for _, goals := range r.Measured {
		if !slices.Contains(old.Measured, goals) {
			old.Measured = append(old.Measured, goals)
		}
	}
	slices.SortStableFunc(old.Rows, func(a, b Row) int { return cmp.Compare(order(a.ID), order(b.ID)) })
	slices.SortStableFunc(old.Curves, func(a, b Curve) int { return cmp.Compare(a.Name, b.Name) })
	return old
}

// order is the place of a goal's number: S9 before S10, and T1 behind all of them.
func order(id string) int {
	n, _ := strconv.Atoi(strings.TrimLeft(id, "ST"))
	if strings.HasPrefix(id, "T") {
		n += 1000
	}
	return n
}

// FromRounds makes a row out of one value a round.
func FromRounds(id, what, unit string, goal Goal, rounds []float64, detail ...string) Row {
	return Row{ID: id, What: what, Unit: unit, Goal: goal, Value: Median(rounds), Min: slices.Min(rounds), Max: slices.Max(rounds),
		Rounds: len(rounds), Detail: detail}
}

// Markdown writes the report: the table, why what is not met is not, pictures (see Section), and the figures behind the ratios.
func (r Report) Markdown(w io.Writer, before string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Section(before))
	for _, row := range r.Rows {
		for _, d := range row.Detail {
			fmt.Fprintf(&b, "\n%s: %s\n", row.ID, d)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// JSON writes the report for machines.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func num(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Median of a copy of x; 0 for none.
func Median(x []float64) float64 {
	y := slices.Clone(x)
	slices.Sort(y)
	switch n := len(y); {
	case n == 0:
		return 0
	case n%2 == 1:
		return y[n/2]
	default:
		return (y[n/2-1] + y[n/2]) / 2
	}
}

// Ratios pairs two series round by round: a[i]/b[i].
func Ratios(a, b []float64) []float64 {
	r := make([]float64, min(len(a), len(b)))
	for i := range r {
		r[i] = a[i] / b[i]
	}
	return r
}

// NetRatios is Ratios after the floor (the cost of the generator alone) was taken off both.
func NetRatios(a, b, floor []float64) []float64 {
	r := make([]float64, min(len(a), len(b), len(floor)))
	for i := range r {
		r[i] = (a[i] - floor[i]) / max(b[i]-floor[i], 0.5)
	}
	return r
}
