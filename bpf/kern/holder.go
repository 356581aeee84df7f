// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// holder finds a process with a file descriptor of the program, or of a link to it: fdinfo of both has a prog_id line.
// It says `comm (pid N)`, or "" when nobody holds one.
func holder(progID uint32) string {
	want := fmt.Appendf(nil, "prog_id:\t%d\n", progID)
	dirs, err := filepath.Glob("/proc/[0-9]*/fdinfo")
	if err != nil {
		return ""
	}
	for _, dir := range dirs {
		files, err := os.ReadDir(dir)
		if err != nil {
			continue // gone
		}
		for _, f := range files {
			text, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil || !bytes.Contains(text, want) {
				continue
			}
			proc := filepath.Dir(dir)
			comm, err := os.ReadFile(filepath.Join(proc, "comm"))
			if err != nil {
				continue
			}
			return fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(comm)), filepath.Base(proc))
		}
	}
	return ""
}
