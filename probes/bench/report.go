// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Row is one measured goal.
type Row struct {
	ID     string   `json:"id"`   // "S1"
	What   string   `json:"what"` // what is compared
	Goal   Goal     `json:"goal"`
	Value  float64  `json:"value"` // median
	Min    float64  `json:"min"`
	Max    float64  `json:"max"`
	Unit   string   `json:"unit"` // "x", "ms", "%", "MiB", "B"
	Rounds int      `json:"rounds"`
	Detail []string `json:"detail,omitempty"` // absolute figures behind the ratio, for the curious
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
	Schema  string `json:"schema"` // "hooktop.bench/1"
	Machine string `json:"machine"`
	Rows    []Row  `json:"rows"`
}

// FromRounds makes a row out of one value a round.
func FromRounds(id, what, unit string, goal Goal, rounds []float64, detail ...string) Row {
	return Row{ID: id, What: what, Unit: unit, Goal: goal, Value: Median(rounds), Min: slices.Min(rounds), Max: slices.Max(rounds),
		Rounds: len(rounds), Detail: detail}
}

// Markdown writes the report as a table.
func (r Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Machine: %s\n\n| # | what | goal | measured (median) | min – max | rounds | met |\n|---|---|---|---|---|---|---|\n", r.Machine)
	for _, row := range r.Rows {
		met := "no"
		if row.Met() {
			met = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s %s | %s %s | %s – %s | %d | %s |\n", row.ID, row.What, row.Goal, row.Unit,
			num(row.Value), row.Unit, num(row.Min), num(row.Max), row.Rounds, met)
	}
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
