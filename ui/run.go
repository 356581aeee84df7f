// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"os"

	"hooktop/ui/core"
	"hooktop/ui/term"
)

// Options is what a screen needs to start.
type Options struct {
	Backend core.Backend
	Tabs    []func(*core.Env) core.Tab // in the order of the tab bar
	Version string
	Lab     bool // the dashboard of `hooktop lab`: says so in the title

	Theme string // --theme: a built-in name, a name in the config folder, or a path; "" chooses by config and terminal
	ASCII bool   // --ascii
	Mouse bool   // --mouse

	Hz          float64 // frames a second, 0: 2
	Reduced     bool    // no motion, 1 Hz
	Comfortable bool    // lower density
	Paint       bool    // paint the theme's background whatever the terminal's is

	In, Out *os.File
	Env     []string // nil: os.Environ()
}

// Run shows the screen until the user, a signal or the context ends it, and gives the terminal back whatever happened.
//
// A *term.NoScreenError says that this terminal can't show one: the caller prints a table instead. A *PanicError carries
// a panic, to be printed now that the terminal is sane. Cancelling ctx ends the screen without an error.
func Run(ctx context.Context, o Options) error {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if err := term.Gate(o.Env, o.In, o.Out); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
