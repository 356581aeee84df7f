// SPDX-License-Identifier: Apache-2.0

package decap

import (
	"os"
	"regexp"
	"testing"
)

// Reasons are named in bpf/kern, which the screen doesn't import: whatever there is advice for is one of them.
func TestAdviceIsForReasonsThatThereAre(t *testing.T) {
	source, err := os.ReadFile("../../../bpf/kern/tunnels.go")
	if err != nil {
		t.Fatal(err)
	}
	advised := 0
	for _, m := range regexp.MustCompile(`TERR_[A-Z_]+:\s+"([^"]+)"`).FindAllSubmatch(source, -1) {
		if len(m[1]) > reasonWidth {
			t.Errorf("%q takes more than %d cells", m[1], reasonWidth)
		}
		if advice(string(m[1]), "eth0") != "" {
			advised++
		}
	}
	own, err := os.ReadFile("advice.go")
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, m := range regexp.MustCompile(`(?m)^\tcase (.*):$`).FindAllSubmatch(own, -1) {
		cases += len(regexp.MustCompile(`"[^"]+"`).FindAll(m[1], -1))
	}
	if advised != cases || cases < 10 {
		t.Errorf("advice for %d reasons, %d of which there are", cases, advised)
	}
}
