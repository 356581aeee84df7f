// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"hooktop/probes/bench"
)

// Figures and pictures are those of the last run of make bench: nothing is written by hand.
func TestReadmeTellsWhatWasMeasured(t *testing.T) {
	const folder = "testdata/bench/"
	var r bench.Report
	text, err := os.ReadFile(folder + bench.ReportFile)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Curves {
		var drawn bytes.Buffer
		if err := c.SVG(&drawn); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(folder + c.Name + ".svg"); err != nil || string(got) != drawn.String() {
			t.Errorf("%s.svg is not what the report draws (%v): run make bench", c.Name, err)
		}
	}
	section(t, "performance", r.Section(folder))
}
