// SPDX-License-Identifier: Apache-2.0

package table

import (
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
)

// Say writes texts into the lines of a table without rows that is w cells wide, from line at on. Where they are longer they are
// cut.
func Say(env *core.Env, lines []string, at, w int, texts ...string) {
	for i, s := range texts {
		if at+i < len(lines) {
			lines[at+i] = line.New(env.Theme, w).Pad(themes.Text, 2).Add(themes.Text, env.Twin(s)).Fill(themes.Text)
		}
	}
}

// SayWrapped is Say, except that a text which is longer goes on in the next line.
func SayWrapped(env *core.Env, lines []string, at, w int, texts ...string) {
	var parts []string
	for _, s := range texts {
		parts = append(parts, detail.Wrap(env.Twin(s), max(w-4, 8))...)
	}
	Say(env, lines, at, w, parts...)
}
