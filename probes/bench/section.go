// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"slices"
	"strings"
)

// ReportFile is the report that README's section is written from, in a folder with its pictures.
const ReportFile = "report.json"

// Section is the report for README: nothing stands there that `make bench` does not write. A picture's path is before, and the
// curve's name.
func (r Report) Section(before string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s; %s.\n\n| # | what | goal | measured (median) | min – max | rounds | met |\n|---|---|---|---|---|---|---|\n", r.Machine, r.days())
	missed, behind := []string{}, map[string][]string{}
	for _, row := range r.Rows {
		met := "yes"
		if !row.Met() {
			met = "no"
			if !slices.Contains(missed, row.ID) {
				missed = append(missed, row.ID)
			}
			behind[row.ID] = append(behind[row.ID], row.Detail...)
		}
		fmt.Fprintf(&b, "| %s | %s | %s %s | %s %s | %s – %s | %d | %s |\n", row.ID, tableCell(row.What), row.Goal, row.Unit,
			num(row.Value), row.Unit, num(row.Min), num(row.Max), row.Rounds, met)
	}
	for _, f := range r.Failed {
		fmt.Fprintf(&b, "| %s | %s | | not measured | | | no |\n", strings.ReplaceAll(f.Goals, ",", ", "), tableCell(f.Why))
	}
	if len(missed) > 0 {
		b.WriteString("\nNot met:\n\n")
		for _, id := range missed {
			fmt.Fprintf(&b, "* %s: %s", id, Reason(id))
			if figures := behind[id]; len(figures) > 0 {
				fmt.Fprintf(&b, " Figures: %s.", strings.Join(figures, "; "))
			}
			b.WriteString("\n")
		}
	}
	if len(r.Curves) > 0 {
		b.WriteString("\nHow the costs grow (medians; strokes reach from the fastest to the slowest round):\n")
	}
	for _, c := range r.Curves {
		fmt.Fprintf(&b, "\n![%s: %s over %s](%s%s.svg)\n", c.Title, c.Y, c.X, before, c.Name)
	}
	return b.String() + "\n"
}

// days are those on which something was measured.
func (r Report) days() string {
	var all []string
	for _, row := range r.Rows {
		all = append(all, row.Day)
	}
	for _, c := range r.Curves {
		all = append(all, c.Day)
	}
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(day string) bool { return day == "" })
	switch len(all) {
	case 0:
		return "nothing is measured"
	case 1:
		return "measured on " + all[0]
	}
	return "measured from " + all[0] + " to " + all[len(all)-1]
}

// tableCell keeps a text inside a cell of a table.
func tableCell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ").Replace(s)
}
