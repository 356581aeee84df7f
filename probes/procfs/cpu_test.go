// SPDX-License-Identifier: Apache-2.0

package procfs

import "testing"

func TestCPUTimes(t *testing.T) {
	irq, all, ok := ParseCPUTimes([]byte("cpu  1 2 3 4 5 60 700 8 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n"))
	if !ok || irq != 760 || all != 783 {
		t.Errorf("%d of %d, %v", irq, all, ok)
	}
	for _, bad := range []string{"", "cpu", "cpu 1 2 3 4 5 6 7\n", "cpu0 1 2 3 4 5 6 7 8\n", "cpu 1 2 3 4 5 6 7 x\n"} {
		if _, _, ok := ParseCPUTimes([]byte(bad)); ok {
			t.Errorf("%q was read", bad)
		}
	}
	if _, all, err := CPUTimes(); err != nil || all == 0 {
		t.Errorf("of this machine: %d, %v", all, err)
	}
}
