// SPDX-License-Identifier: Apache-2.0

package export

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/core"
)

func TestCellsAreNoFormulas(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "-5": "-5", "-0.5": "-0.5", "-x": "'-x", "@drops": "'@drops", "+1a": "'+1a", "nginx": "nginx", "": "",
		"a\x1b[2J": `a\x1b[2J`, "-": "-"} {
		if got := cell(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestEventCSVHasAsManyCellsAsTitles(t *testing.T) {
	data, err := EventCSV([]snap.TraceEvent{{Func: "ip_rcv", Return: true, Ret: -22, Took: 5, Packet: 1, SKB: 1}, {Func: "=cmd", Stack: []string{"a", "b"}}})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll() // refuses rows of unequal length
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v: %s", err, data)
	}
	if got := rows[1]; got[3] != "0x0000000000000001" || got[19] != "-22" || got[20] != "5" {
		t.Errorf("%v", got)
	}
	if got := rows[2]; got[4] != "'=cmd" || got[19] != "" || got[22] != "a < b" || got[23] != "0" {
		t.Errorf("%v", got)
	}
}

// TestHalfAFileIsNotKept: neither what could not be encoded nor what exists already.
func TestHalfAFileIsNotKept(t *testing.T) {
	t.Chdir(t.TempDir())
	r := &Rows{Name: "x", At: time.Date(2026, 3, 7, 1, 2, 3, 0, time.UTC), N: 1, Matched: 1200}
	ok := func() ([]byte, error) { return []byte("a\n"), nil }
	if m := write(r, "txt", func() ([]byte, error) { return nil, errors.New("bad row") }).(core.ToastMsg); m.Sev != snap.Crit || !strings.Contains(m.Text, "bad row. Nothing was kept") {
		t.Errorf("%+v", m)
	}
	if m := write(r, "txt", ok).(core.ToastMsg); !m.OK || !strings.HasPrefix(m.Text, "1 of 1 200 rows saved to /") {
		t.Errorf("%+v", m)
	}
	if m := write(r, "txt", ok).(core.ToastMsg); m.Sev != snap.Crit {
		t.Errorf("a file was written over: %+v", m)
	}
	files, _ := filepath.Glob("*")
	if info, err := os.Stat("hooktop-x-20260307-010203.txt"); err != nil || len(files) != 1 || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestSessionsSayWhatWasLostAndWhy(t *testing.T) {
	s := snap.TraceSession{Packets: 1, Events: 2, Means: "kprobe.multi", Attached: 3, Wanted: 3}
	if got := SessionText(&s); got != "1 packet, 2 events, 0 filtered, 0 lost, 3 of 3 attached by kprobe.multi" {
		t.Error(got)
	}
	s.Sampled, s.Within = 1500, true
	if got := SessionText(&s); got != `1 packet, 2 events, 0 filtered, 0 lost, 1 500 passed over by sampling, 3 of 3 attached by kprobe.multi, `+
		`this network namespace only (filter "netns all" for all)` {
		t.Error(got)
	}
}
