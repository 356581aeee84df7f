// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"encoding/json"

	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/acl"
	"hooktop/ui/core"
	"hooktop/ui/format"
)

// copyJSON copies a row under the names of hooktop --once --json.
func (t *Tab) copyJSON() tea.Cmd {
	r, ok := t.selected()
	if !ok {
		return nil
	}
	o := map[string]any{"line": r.n}
	switch l, isLine := t.line(r); {
	case isLine:
		o["text"] = format.Clean(l.String())
		if was := map[stage]string{added: "added", changed: "changed", moved: "moved", removed: "removed"}[r.stage]; was != "" {
			o["staged"] = was
		}
	case r.kind == defaults:
		o["line"], o["text"] = 0, t.defaultText(acl.Dir(r.n))
	default:
		text, _, _ := t.span(r)
		o["line"], o["text"] = 0, text
	}
	if h := t.counters(r); h != nil {
		o["packets"], o["bytes"], o["pps"], o["last_s"] = h.Packets, h.Bytes, h.PPS, -1.0
		if h.Last >= 0 {
			o["last_s"] = h.Last.Seconds()
		}
	}
	if h := t.hits(r); h != nil {
		o["limited"] = h.Limited
	}
	text := ""
	if b, err := json.Marshal(o); err != nil { // a rate that is no number
		text = err.Error()
	} else {
		text = string(b)
	}
	return func() tea.Msg { return core.CopyMsg{Text: text, What: "row as JSON"} }
}
