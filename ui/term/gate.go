// SPDX-License-Identifier: Apache-2.0

package term

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// NoScreenError says why this terminal can't show the dashboard.
type NoScreenError struct{ Why string }

func (e *NoScreenError) Error() string { return "no dashboard here: " + e.Why }

// Gate returns a *NoScreenError unless in and out are a terminal that can show a screen.
func Gate(env []string, in, out *os.File) error {
	for _, f := range []struct {
		file *os.File
		name string
	}{{in, "standard input"}, {out, "standard output"}} {
		if f.file == nil || !IsTerminal(f.file) {
			return &NoScreenError{f.name + " is not a terminal"}
		}
	}
	switch t := Getenv(env, "TERM"); t {
	case "":
		return &NoScreenError{"TERM is not set"}
	case "dumb", "unknown":
		return &NoScreenError{"TERM=" + t + " has no cursor movement"}
	}
	return nil
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// Getenv looks name up in a list of NAME=value; the last one counts, as in a process's own environment.
func Getenv(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// NeedsASCII reports whether the terminal or its locale can't show the Unicode glyphs.
func NeedsASCII(env []string) bool {
	wide := Getenv(env, "VTE_CJK_WIDTH") // ambiguous glyphs take two cells
	if Getenv(env, "TERM") == "linux" || Getenv(env, "RUNEWIDTH_EASTASIAN") == "1" || wide == "wide" || wide == "2" {
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToUpper(Getenv(env, name)); v != "" {
			return !strings.Contains(v, "UTF-8") && !strings.Contains(v, "UTF8")
		}
	}
	return true // no locale at all is the C locale
}
