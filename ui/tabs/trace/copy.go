// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"encoding/json"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/export"
	"hooktop/ui/format"
)

func copied(text, what string) tea.Cmd {
	return func() tea.Msg { return core.CopyMsg{Text: text, What: what} }
}

func (t *Tab) copyText() tea.Cmd {
	if t.dead {
		if r, ok := t.ledger.Selected(); ok {
			return copied(counterText(r), "row")
		}
		return nil
	}
	if e, ok := t.selected(); ok {
		return copied(export.EventText(e), "row")
	}
	return nil
}

func (t *Tab) copyJSON() tea.Cmd {
	if t.dead {
		if r, ok := t.ledger.Selected(); ok {
			return copied(counterJSON(r), "row as JSON")
		}
		return nil
	}
	if e, ok := t.selected(); ok {
		return copied(export.EventJSON(e), "row as JSON")
	}
	return nil
}

// counterText is a counter as one line for a ticket.
func counterText(r *snap.LedgerRow) string {
	dev := ""
	if r.Dev != "" {
		dev = " " + format.Clean(r.Dev)
	}
	return fmt.Sprintf("%s %s%s  %s/s  %d since hooktop looks  %d in all  %s (%s)", format.Clean(r.Stage), format.Clean(r.Name), dev,
		format.SI(r.Rate), r.Since, r.Total, format.Clean(r.Help), format.Clean(r.Source))
}

func counterJSON(r *snap.LedgerRow) string {
	b, err := json.Marshal(map[string]any{"stage": format.Clean(r.Stage), "name": format.Clean(r.Name), "dev": format.Clean(r.Dev),
		"rate": r.Rate, "since": r.Since, "total": r.Total, "source": format.Clean(r.Source)})
	if err != nil { // a rate that is no number
		return err.Error()
	}
	return string(b)
}

// pickSave saves the rows at hand: of the stream, of the journey that is open, or the ledger.
func (t *Tab) pickSave() tea.Cmd {
	if t.dead {
		list := t.frame.Ledger.Rows // immutable: the command runs beside Update
		return export.Pick(export.Rows{
			Name: "ledger", At: t.env.Now(), N: len(list), Matched: len(list), Twin: "copying a row",
			CSV: func() ([]byte, error) {
				return export.CSV([]string{"stage", "name", "dev", "rate", "since", "total", "source", "help"}, len(list), func(i int) []string {
					r := &list[i]
					return []string{r.Stage, r.Name, r.Dev, fmt.Sprint(r.Rate), fmt.Sprint(r.Since), fmt.Sprint(r.Total), r.Source, r.Help}
				})
			},
			JSON: func() ([]byte, error) {
				return export.Lines(len(list), func(i int) string { return counterJSON(&list[i]) })
			},
			Text: func() ([]byte, error) {
				return export.Lines(len(list), func(i int) string { return counterText(&list[i]) })
			},
		})
	}
	v := &t.frame.Trace
	return export.Pick(export.Rows{
		Name: "trace", At: t.env.Now(), N: len(v.Rows), Matched: v.Matched, Twin: "hooktop trace --json",
		CSV: func() ([]byte, error) { return export.EventCSV(v.Rows) },
		JSON: func() ([]byte, error) {
			return export.Lines(len(v.Rows), func(i int) string { return export.EventJSON(&v.Rows[i]) })
		},
		Text: func() ([]byte, error) {
			return export.Lines(len(v.Rows), func(i int) string { return export.EventText(&v.Rows[i]) })
		},
	})
}
