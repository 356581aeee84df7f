// SPDX-License-Identifier: Apache-2.0

package export

import "hooktop/ui/column"

// Fields is a row under the names of the JSON output; what it has not is left out.
func Fields(set *column.Set, row column.Row) map[string]any {
	out := map[string]any{}
	cols := set.All()
	for i := range cols {
		if c := &cols[i]; c.Export != "" {
			if v := c.Value(row); v != nil && v != "" {
				out[c.Export] = v
			}
		}
	}
	return out
}

// Table writes n rows as CSV under the same names.
func Table(set *column.Set, n int, row func(i int) column.Row) ([]byte, error) {
	var head []string
	cols := set.All()
	for i := range cols {
		if cols[i].Export != "" {
			head = append(head, cols[i].Export)
		}
	}
	return CSV(head, n, func(r int) []string {
		at, cells := row(r), make([]string, 0, len(head))
		for i := range cols {
			if cols[i].Export != "" {
				cells = append(cells, cols[i].Plain(at))
			}
		}
		return cells
	})
}
