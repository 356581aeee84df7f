// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"strings"

	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/table"
)

// View implements core.Tab.
func (t *Tab) View(w, h int) []string {
	t.width, t.high = w, h
	if w < 1 || h < 1 {
		return nil
	}
	if t.zoom && t.view.group == "" {
		if out := t.paneView(w, h, false); out != nil {
			return out
		}
	}
	if !t.split() {
		return t.listView(w, h)
	}
	left, right := detail.Split(w)
	list := t.listView(left, h)
	side := t.paneView(right, h, true)
	if side == nil {
		side = detail.Pane(t.env, right, h, true, t.pane, "", "", nil, 0)
	}
	for i := range side {
		if i >= len(list) {
			list = append(list, "")
		}
		if list[i] == "" {
			list[i] = strings.Repeat(" ", left)
		}
		list[i] += side[i]
	}
	return list
}

func (t *Tab) listView(w, h int) []string {
	out := t.list().View(w, h)
	if t.list().Total() > 0 {
		return out
	}
	table.Say(t.env, out, 2, w, t.empty()...)
	return out
}

// empty says why there is nothing to see and which key changes it.
func (t *Tab) empty() []string {
	v, total := &t.frame.Flows, uint64(t.frame.Flows.Total)
	switch {
	case t.frame.Seq == 0:
		return []string{"Waiting for the first snapshot."}
	case v.Err != "":
		return []string{"The question could not be answered: " + format.Clean(v.Err), "", "/  edits the filter      0  clears it"}
	case t.view.filter != "" && total > 0:
		return []string{
			"No flow matches   " + format.Clean(t.view.filter),
			format.Count(total) + " flows are hidden by this filter.",
			"",
			"0  clears it      /  edits it      u  brings the former view back",
		}
	case t.view.filter != "":
		return []string{"No flow matches   " + format.Clean(t.view.filter), "No flow has been seen at all.", "", "0  clears the filter"}
	case t.frame.State.Fallback != "":
		return []string{"No connections known to the kernel's connection tracking.", "Without eBPF: " + format.Clean(t.frame.State.Fallback)}
	case len(t.frame.Interfaces) == 0:
		return []string{"No interface is watched, so there are no flows.", "", "8  Programs shows which ones were left out, and adds them"}
	}
	names := make([]string, 0, len(t.frame.Interfaces))
	for i := range t.frame.Interfaces {
		names = append(names, format.Clean(t.frame.Interfaces[i].Name))
	}
	return []string{
		"No packets yet on " + strings.Join(names, " "),
		"",
		"8  Programs shows what is attached where, and adds interfaces",
	}
}
