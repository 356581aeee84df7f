// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hooktop/probes/ktest"
)

const (
	escape = "\x1b"
	enter  = "\r"
	ctrlC  = "\x03"
)

// moving matches a flow row: an address with a port, or an address alone.
func moving(text string) bool { return strings.Count(flowRows.ReplaceAllString(text, "§"), "§") >= 5 }

var flowRows = regexp.MustCompile(`(?m)^[ >][ !◆○*#][^ ]*[0-9a-f][.:][0-9a-f:.…]+ .*$`)

// live waits for the dashboard with flows on it.
func (s *screen) live() {
	s.t.Helper()
	s.until("the dashboard with flows", func(text string) bool { return has(text, "1 Flows", "LIVE") && moving(text) })
}

func TestTourOfTheLab(t *testing.T) {
	ktest.HostState(t)
	s := open(t, nil, 120, 40, nil, "lab", "--no-config")
	s.live()
	for _, step := range []struct{ name, keys, shows, hides string }{
		{name: "help", keys: "?", shows: "┌ help"},
		{name: "help is searched", keys: "hold", shows: "hold order"},
		{name: "help closes", keys: escape, hides: "┌ help"},
		{name: "filter by protocol", keys: "/proto:udp" + enter, shows: "proto:udp"},
		{name: "only UDP rows are left", hides: "TCP"},
		{name: "no filter", keys: "0", shows: "TCP", hides: "proto:udp"},
		{name: "sort picker", keys: "s", shows: "┌ "},
		{name: "the present order again inverts it", keys: "pps" + enter, shows: "PPS▲", hides: "┌ "},
		{name: "invert the order", keys: "I", shows: "PPS▼"},
		{name: "sort by the column to the right", keys: ">", hides: "PPS▼"},
		{name: "undo", keys: "u", shows: "PPS▼"},
		{name: "group picker", keys: "p", shows: "┌ "},
		{name: "by destination", keys: "dest" + enter, shows: "FLOWS", hides: "┌ "},
		{name: "undo brings the flows back", keys: "u", shows: "SOURCE"},
		{name: "detail", keys: enter, shows: "esc"},
		{name: "detail closes", keys: escape, shows: "SOURCE"},
		{name: "themes", keys: "T", shows: "┌ "},
		{name: "another theme", keys: "contrast" + enter, hides: "┌ "},
		{name: "palette", keys: ":", shows: "┌ "},
		{name: "palette closes", keys: escape, hides: "┌ "},
		{name: "pause", keys: " ", shows: "PAUSED"},
		{name: "go on", keys: " ", shows: "LIVE", hides: "PAUSED"},
		{name: "trace", keys: "5", shows: "[5 Trace]"},
		{name: "where packets die", keys: "\t", shows: "STAGE"},
		{name: "new trace", keys: "n", shows: "functions ["},
		{name: "the form closes", keys: escape, hides: "functions ["},
		{name: "policy", keys: "2", shows: "everything passes"},
		{name: "a rule", keys: "a", shows: "┌ new line 1"},
		{name: "is checked as it is typed", keys: "deny in tcp to any port 80-22", shows: "runs backwards"},
		{name: "the editor closes", keys: escape, hides: "┌ new line"},
		{name: "a flow is blocked from its row", keys: "1b", shows: "✓ deny"},
		{name: "or not", keys: escape, hides: "✓ deny"},
		{name: "tunnels", keys: "3", shows: "[3 Decap]"},
		{name: "the policy's tunnel lines", keys: "\t", shows: "LINE OF THE POLICY"},
		{name: "chains", keys: "4", shows: "[4 Chain]"},
		{name: "programs", keys: "8", shows: "ht_tc_in"},
		{name: "and back to the flows", keys: "1", shows: "SOURCE"},
	} {
		t.Log(step.name)
		s.keys(step.keys)
		s.until(step.name, func(text string) bool {
			return (step.shows == "" || strings.Contains(text, step.shows)) && (step.hides == "" || !strings.Contains(text, step.hides))
		})
	}
	for _, size := range [][2]int{{160, 50}, {80, 24}, {300, 100}, {40, 10}, {20, 5}, {1, 1}, {120, 40}} {
		cols, rows := size[0], size[1]
		s.resize(cols, rows)
		s.until("a screen of the new size", func(text string) bool {
			lines := strings.Split(text, "\n")
			switch {
			case cols < 20:
				return true
			case cols < 40:
				return has(text, strconv.Itoa(cols)+"x"+strconv.Itoa(rows))
			case rows < 24:
				return has(lines[0], "1 Flows")
			}
			return len(lines) == rows && has(lines[0], "1 Flows") && has(lines[rows-1], "? help")
		})
	}
	s.keys("q")
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d after q; the screen:\n%s", code, s.text())
	}
	s.restored()
	s.until("the last words", func(text string) bool { return strings.Contains(text, "detached") })
	noProcesses(t)
}
