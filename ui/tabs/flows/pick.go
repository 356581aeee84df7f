// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/block"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/filter"
)

func (t *Tab) pickSort() tea.Cmd {
	var list []core.Choice
	add := func(key, title, help string) {
		if key == t.view.sort {
			help = "sorted by now; again inverts"
		}
		list = append(list, core.Item(title, help, func() tea.Cmd { return t.sortBy(key) }))
	}
	if t.view.group != "" {
		for _, c := range t.groups.Columns() {
			if !c.NoSort {
				add(c.Key, c.Head(), "")
			}
		}
		return core.Pick("sort groups by", list)
	}
	for _, c := range t.flows.Columns() {
		if !c.NoSort {
			add(c.Key, c.Head(), t.help(c.Key))
		}
	}
	return core.Pick("sort by", list)
}

// help is a column's sentence out of its declaration, without what is said after a colon or semicolon: pickers are narrow.
func (t *Tab) help(key string) string {
	c := t.cols.Find(key)
	if c == nil {
		return ""
	}
	help, _, _ := strings.Cut(c.Help, ";")
	if head, _, more := strings.Cut(help, ": "); more && len(help) > 40 {
		return head
	}
	return help
}

func (t *Tab) pickGroup() tea.Cmd {
	var list []core.Choice
	for _, g := range groupings() {
		list = append(list, core.Item(g.title, g.help, func() tea.Cmd {
			v := t.view
			v.group = g.key
			switch {
			case g.key == "" && v.sort == "flows":
				v.sort = "pps"
			case g.key != "" && v.sort != "bps" && v.sort != "packets" && v.sort != "bytes" && v.sort != "flows":
				v.sort, v.asc = "pps", false
			}
			return t.change(v)
		}))
	}
	return core.Pick("group by", list)
}

func (t *Tab) pickColumns() tea.Cmd {
	if t.view.group != "" {
		return t.groups.PickColumns(nil)
	}
	return t.flows.PickColumns(t.help)
}

// pickView offers questions that are asked often.
func (t *Tab) pickView() tea.Cmd {
	preset := func(label, detail string, v view) core.Choice {
		v.window = t.view.window
		return core.Item(label, detail, func() tea.Cmd { return t.change(v) })
	}
	return core.Pick("views", []core.Choice{
		preset("busiest flows", "no filter, by packets", view{sort: "pps"}),
		preset("largest flows", "no filter, by bits", view{sort: "bps"}),
		preset("unanswered SYNs", "unanswered:yes", view{filter: "unanswered:yes", sort: "pps"}),
		preset("retransmitting", "retrans:>0", view{filter: "retrans:>0", sort: "retrans"}),
		preset("slow round trips", "rtt:>0.1, by RTT", view{filter: "rtt:>0.1", sort: "rtt"}),
		preset("fragments", "frag:first,later", view{filter: "frag:first,later", sort: "pps"}),
		preset("tagged or tunnelled", "vlan:>0 or vni:>0", view{filter: "vlan:>0 or vni:>0", sort: "pps"}),
		preset("without a process", "forwarded, or the socket is gone", view{filter: "!process:re:.", sort: "pps"}),
		preset("ways in", "your session and other access", view{filter: "way:own,access", sort: "idle", asc: true}),
		preset("who talks", "by source", view{group: "source", sort: "pps"}),
		preset("which process", "by process", view{group: "process", sort: "pps"}),
		preset("which service", "by port", view{group: "port", sort: "pps"}),
	})
}

// pickAction opens the menu of the row. The row is the one at the key press, whatever moves meanwhile.
func (t *Tab) pickAction() tea.Cmd {
	if t.view.group != "" {
		return t.pickGroupAction()
	}
	t.flows.Hold()
	row, ok := t.flows.Selected()
	if !ok {
		return nil
	}
	f := *row
	var list []core.Choice
	add := func(label, key string, do func() tea.Cmd) { list = append(list, core.Item(label, key, do)) }
	only := func(label, key string) {
		if term := t.term(&f, key); term != "" {
			add("only "+label, term, func() tea.Cmd { return t.narrow(term, false) })
			add("not "+label, filter.Negate(term), func() tea.Cmd { return t.narrow(term, true) })
		}
	}
	only("this source", "source")
	only("this destination", "destination")
	only("this destination port", "dport")
	only("this process", "process")
	only("this container", "container")
	only("this device", "dev")
	only("this VLAN", "vlan")
	if t.noBlock() == "" {
		for _, c := range block.Rules(&f.Key) {
			add(c.Label, c.Detail, func() tea.Cmd { return draft(&f, c.Text) })
		}
	}
	if t.noTrace() == "" {
		add("trace its packets", "i", func() tea.Cmd { return traceFlow(&f) })
	}
	if len(t.frame.Chains.Rows) > 0 {
		add("its way through the chains", "Chain", func() tea.Cmd {
			return func() tea.Msg { return core.GoMsg{Tab: snap.ChainTab, With: core.WayMsg{Flow: f.Key}} }
		})
	}
	add("open", "enter", func() tea.Cmd { t.zoom, t.down = true, 0; return t.ask() })
	add("copy row", "y", func() tea.Cmd { return copyText(flowText(&f, t.view.window), "row") })
	add("copy row as JSON", "Y", func() tea.Cmd { return copyText(flowJSON(t.cols, &f, t.view.window), "row as JSON") })
	add("names of addresses", "d", t.switchNames)
	return core.Pick(title(&f), list)
}

func (t *Tab) pickGroupAction() tea.Cmd {
	t.groups.Hold()
	row, ok := t.groups.Selected()
	if !ok {
		return nil
	}
	g := *row
	list := []core.Choice{core.Item("copy row", "y", func() tea.Cmd { return copyText(groupText(&g, t.view.window), "row") })}
	if term := groupTerm(t.view.group, g.Value); term != "" {
		list = append([]core.Choice{
			core.Item("open its flows", "enter", t.open),
			core.Item("only this", term, func() tea.Cmd { return t.narrow(term, false) }),
			core.Item("not this", "!"+term, func() tea.Cmd { return t.narrow(term, true) }),
		}, list...)
	}
	return core.Pick(groupName(t.view.group, g.Value)+", "+strconv.Itoa(g.Flows)+" flows", list)
}

// title names a flow in one line.
func title(f *snap.Flow) string {
	return format.Endpoint(&f.Key, false) + " > " + format.Endpoint(&f.Key, true) + " " + format.Proto(f.Key.Proto)
}
