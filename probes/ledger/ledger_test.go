// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// fakeHost has what its fields say.
type fakeHost struct {
	links    []snap.Link
	qdiscs   []snap.Qdisc
	refusals []snap.Refusal
	err      error
}

func (h *fakeHost) Links() ([]snap.Link, error)       { return h.links, h.err }
func (h *fakeHost) Qdiscs() ([]snap.Qdisc, error)     { return h.qdiscs, h.err }
func (h *fakeHost) Refusals() ([]snap.Refusal, error) { return h.refusals, h.err }

func busyHost() *fakeHost {
	return &fakeHost{
		links: []snap.Link{
			{Index: 1, Name: "lo"},
			{Index: 2, Name: "eth0", RxDropped: 5, Errors: snap.LinkErrors{RxMissed: 6, RxCRC: 7}},
			{Index: 3, Name: "e\x1b[31m", TxDropped: 8},
		},
		qdiscs: []snap.Qdisc{
			{Device: 2, Kind: "fq_codel", Handle: 0x80010000, Drops: 9, Overlimits: 1}, {Device: 2, Kind: "clsact", Handle: 0xffff0000, Ingress: true, Drops: 11},
			{Device: 99, Kind: "pfifo_fast", Drops: 12},
		},
		refusals: []snap.Refusal{{Family: "inet", Table: "filter", Chain: "input", Handle: 5, Verdict: "drop", Packets: 13}},
	}
}

func fixture(kernel string, h *fakeHost) *Ledger {
	root := filepath.Join("testdata", kernel)
	return New(Options{Host: h, Net: filepath.Join(root, "net"), Sys: filepath.Join(root, "sys")})
}

// row is the one with that identity; a zero row when there is none.
func row(l snap.Ledger, stage, name, dev string) snap.LedgerRow {
	i := slices.IndexFunc(l.Rows, func(r snap.LedgerRow) bool { return r.Stage == stage && r.Name == name && r.Dev == dev })
	if i < 0 {
		return snap.LedgerRow{}
	}
	return l.Rows[i]
}

func TestRowsOfOldAndNewKernels(t *testing.T) {
	type want struct {
		stage, name, dev string
		total            uint64
	}
	same := []want{
		{"driver", "rx_dropped", "eth0", 5}, {"driver", "rx_missed", "eth0", 6}, {"driver", "rx_crc", "eth0", 7},
		{"softnet", "dropped", "cpu2", 0x11}, {"softnet", "time_squeeze", "cpu0", 0x20}, {"softnet", "flow_limit", "cpu0", 0x30},
		{"tc", "fq_codel drops", "eth0", 9}, {"tc", "fq_codel overlimits", "eth0", 1}, {"tc", "clsact drops", "eth0", 11},
		{"netfilter", "inet filter input drop #5", "", 13},
		{"conntrack", "insert_failed", "cpu0", 0x10a}, {"conntrack", "drop", "cpu1", 0x20b}, {"conntrack", "early_drop", "cpu1", 0x20c},
		{"conntrack", "search_restart", "cpu0", 0x111}, {"conntrack", "entries of 1624", "", 812},
		{"neighbour", "arp_cache unresolved_discards", "cpu0", 0x10c}, {"neighbour", "arp_cache table_fulls", "cpu1", 0x20d},
		{"ip", "InDiscards", "", 1008}, {"routing", "OutNoRoutes", "", 1012},
	}
	for kernel, more := range map[string][]want{
		"5.10": {{"socket", "ListenOverflows", "", 1019}, {"routing", "IPReversePathFilter", "", 1073}, {"routing", "InNoRoutes", "", 1124},
			{"udp", "NoPorts", "", 1063}, {"socket", "RcvbufErrors", "", 1066}, {"socket", "TCPReqQFullDrop", "", 1076}},
		"7.2": {{"socket", "ListenOverflows", "", 1023}, {"routing", "IPReversePathFilter", "", 1077}, {"routing", "InNoRoutes", "", 1136},
			{"udp", "NoPorts", "", 1066}, {"socket", "RcvbufErrors", "", 1069}, {"socket", "TCPReqQFullDrop", "", 1080}},
	} {
		l := fixture(kernel, busyHost())
		l.Look(time.Unix(1700000000, 0), l.Ask())
		got := l.Read()
		if len(got.Errs) > 0 {
			t.Errorf("%s: %v", kernel, got.Errs)
		}
		for _, w := range append(slices.Clone(same), more...) {
			if r := row(got, w.stage, w.name, w.dev); r.Total != w.total || r.Since != 0 {
				t.Errorf("%s: want %+v, got %+v", kernel, w, r)
			}
		}
		checkRows(t, kernel, got.Rows)
	}
}

// checkRows looks at what every row must have.
func checkRows(t *testing.T, kernel string, rows []snap.LedgerRow) {
	t.Helper()
	order := []string{stageDriver, stageSoftnet, stageTC, stageNetfilter, stageConntrack, stageRouting, stageIP, stageNeighbour, stageXFRM, stageTCP, stageUDP, stageSocket}
	at := 0
	seen := map[key]bool{}
	for _, r := range rows {
		k := key{r.Stage, r.Name, r.Dev}
		stage := slices.Index(order, r.Stage)
		if stage < at {
			t.Errorf("%s: %v is out of order", kernel, k)
		}
		at = stage
		if seen[k] {
			t.Errorf("%s: %v twice", kernel, k)
		}
		seen[k] = true
		if r.Help == "" || r.Source == "" || r.Filter != "" && r.Trace == "" || strings.Contains(r.Help, "\n") {
			t.Errorf("%s: %+v lacks something", kernel, r)
		}
		for _, s := range []string{r.Name, r.Dev, r.Help, r.Source, r.Filter} {
			if format.Clean(s) != s {
				t.Errorf("%s: %q is not clean", kernel, s)
			}
		}
	}
	if at != len(order)-1 {
		t.Errorf("%s: the last stage is %s", kernel, order[at])
	}
}

// A misspelt key would be a row that never comes.
func TestEveryKeyIsInSomeKernel(t *testing.T) {
	have := map[string]bool{}
	for _, kernel := range []string{"5.10", "7.2"} {
		for file, values := range fixture(kernel, busyHost()).values() {
			for k := range values {
				have[file+" "+k] = true
			}
		}
	}
	for _, m := range mibs() {
		if !have[m.file+" "+m.key] {
			t.Errorf("no kernel has %s %s", m.file, m.key)
		}
	}
}

func TestWhatCannotBeReadIsSaidAndTheRestIsThere(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "snmp"), []byte("Udp: NoPorts\nUdp: 4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := New(Options{Host: &fakeHost{err: errors.New("no netlink\nfor you\x1b")}, Net: root, Sys: root})
	l.Look(time.Unix(1700000000, 0), l.Ask())
	got := l.Read()
	for _, want := range []string{"devices: no netlink; for you", "queues: ", "netfilter: ", "read /proc/net/netstat: no such file", "read /proc/net/softnet_stat: no such file"} {
		if !slices.ContainsFunc(got.Errs, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("no %q among %q", want, got.Errs)
		}
	}
	if len(got.Errs) != 5 || slices.ContainsFunc(got.Errs, func(s string) bool { return format.Clean(s) != s }) {
		t.Errorf("errors: %q", got.Errs)
	}
	if row(got, "udp", "NoPorts", "").Total != 4 {
		t.Errorf("rows: %+v", got.Rows)
	}
}

func TestAFrameKeepsWhatItGot(t *testing.T) {
	h := busyHost()
	l := fixture("7.2", h)
	now := time.Unix(1700000000, 0)
	l.Look(now, l.Ask())
	before := l.Read()
	first := before.Rows[0]
	h.links[1].RxDropped += 3
	l.Look(now.Add(time.Second), l.Ask())
	if before.Rows[0] != first {
		t.Errorf("it became %+v", before.Rows[0])
	}
	if got := row(l.Read(), "driver", "rx_dropped", "eth0"); got.Since != 3 || got.Rate != 3 || got.Trace != drops || got.Filter != "dev eth0" {
		t.Errorf("%+v", got)
	}
}
