// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunStatisticsAreTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bpf_stats_enabled")
	for text, told := range map[string]bool{"0\n": false, "1\n": true} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if why := slowed(file); strings.Contains(why, "bpf_stats_enabled is 1") != told {
			t.Errorf("%q: %q", text, why)
		}
	}
	if why := slowed(file + ".none"); why != "" { // before Linux 5.1
		t.Error(why)
	}
}
