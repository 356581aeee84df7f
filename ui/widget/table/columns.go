// SPDX-License-Identifier: Apache-2.0

package table

// Columns returns the columns; read only.
func (m *Model[R, ID]) Columns() []Column[R] { return m.cols }

// Show switches a column on or off.
func (m *Model[R, ID]) Show(key string, on bool) {
	for i := range m.cols {
		if m.cols[i].Key == key {
			m.cols[i].Hidden = !on
			m.gen++
		}
	}
}

// SetSort tells which column carries the arrow.
func (m *Model[R, ID]) SetSort(key string, asc bool) { m.sort, m.asc = key, asc }

// SetColumn puts the column cursor on a column.
func (m *Model[R, ID]) SetColumn(key string) {
	for i := range m.cols {
		if m.cols[i].Key == key {
			m.col = i
		}
	}
}

// Column is the column under the column cursor.
func (m *Model[R, ID]) Column() *Column[R] { return &m.cols[m.col] }

// MoveColumn moves the column cursor over the columns that are not hidden.
func (m *Model[R, ID]) MoveColumn(n int) { m.col = m.step(m.col, n, false) }

// SortBeside returns the key of the column n places beside the one sorted by.
func (m *Model[R, ID]) SortBeside(n int) string {
	at := m.col
	for i := range m.cols {
		if m.cols[i].Key == m.sort {
			at = i
		}
	}
	return m.cols[m.step(at, n, true)].Key
}

func (m *Model[R, ID]) step(i, n int, sortable bool) int {
	for j := i + n; j >= 0 && j < len(m.cols); j += n {
		if !m.cols[j].Hidden && !(sortable && m.cols[j].NoSort) {
			return j
		}
	}
	return i
}

// Cell returns the text of a cell as shown, without limit of width.
func (m *Model[R, ID]) Cell(r *R, c *Column[R]) string { return string(c.Cell(nil, r, 256)) }
