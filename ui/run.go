// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/paint"
	"hooktop/ui/term"
)

// Options is what a screen needs to start.
type Options struct {
	Backend core.Backend
	Tabs    []func(*core.Env) core.Tab // in the order of the tab bar
	Version string
	Lab     bool // the dashboard of `hooktop lab`: says so in the title

	Theme   string // --theme or config: a built-in name, a name in the config folder, or a path; "" asks HOOKTOP_THEME and the terminal
	ASCII   bool   // --ascii
	Mouse   bool   // --mouse
	In, Out *os.File
	Env     []string // nil: os.Environ()

	Hz          float64 // frames a second, 0: 2
	Reduced     bool    // no motion, 1 Hz
	Comfortable bool    // lower density
	Paint       bool    // paint the theme's background whatever the terminal's is
}

// Times of an end that a stalled terminal holds up.
const (
	endsWithin  = time.Second            // then a terminal that is waited for is given up
	hangsAfter  = 20 * time.Second       // then the end is not waited for any more, whatever it is that hangs
	givesBackIn = 500 * time.Millisecond // after that, what still blocks is left behind
)

// Run shows the screen until the user, a signal or the context ends it, and gives the terminal back whatever happened.
//
// A *term.NoScreenError says that this terminal can't show one: the caller prints a table instead. term.ErrGone: the
// terminal went away. term.ErrStalled: it takes no output, so that the caller must not write to it. A *PanicError carries a
// panic, to be printed now that the terminal is sane. Signals and a cancelled ctx end the screen without an error.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	return r.run(ctx)
}

// prepare does everything that can fail before the terminal is touched.
func prepare(ctx context.Context, o Options) (*runner, error) {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if err := term.Gate(o.Env, o.In, o.Out); err != nil {
		return nil, err
	}
	saved, err := term.Save(int(o.In.Fd()))
	if err != nil {
		return nil, err
	}
	r := &runner{ended: make(chan struct{}), resizes: make(chan os.Signal, 1), saved: saved, in: o.In}
	r.out, r.size = term.NewOutput(o.Out, func(err error) { r.end(err) }), int(o.Out.Fd())
	m, err := build(ctx, o, r)
	if err != nil {
		return nil, errors.Join(err, r.out.Close())
	}
	profile := teaProfile(m.look.profile)
	r.painter = paint.New(r.out, paint.Options{Env: o.Env, Profile: profile, Tabs: saved.Tabs(), Backspace: saved.Backspaces()})
	m.host.painter = r.painter
	r.p = tea.NewProgram(&safe{m, r.end}, tea.WithInput(o.In), tea.WithOutput(r.out), tea.WithEnvironment(o.Env),
		tea.WithColorProfile(profile), tea.WithoutSignalHandler(), tea.WithoutRenderer(), tea.WithFPS(1))
	return r, nil
}

// build makes the model out of options, environment and the user's files.
func build(ctx context.Context, o Options, r *runner) (*model, error) {
	getenv := func(name string) string { return term.Getenv(o.Env, name) }
	env := &core.Env{Glyphs: themes.Unicode(), Now: time.Now, Reduced: o.Reduced, Comfortable: o.Comfortable}
	if o.ASCII || term.NeedsASCII(o.Env) {
		env.Glyphs = themes.ASCII()
	}
	config := folder(getenv, "XDG_CONFIG_HOME", ".config")
	if config != "" {
		config = filepath.Join(config, "hooktop")
	}
	l := look{
		background: themes.FromColorFGBG(getenv("COLORFGBG")), profile: themes.DetectProfile(getenv),
	}
	name := o.Theme
	if name == "" {
		name = getenv("HOOKTOP_THEME")
	}
	if l.auto = name == ""; l.auto {
		name = themes.Auto(l.background)
	}
	th, err := themes.Load(name, config, l.profile)
	if err != nil {
		return nil, err
	}
	for _, n := range append(themes.Names(), themes.Own(config)...) {
		t, err := themes.Load(n, config, l.profile)
		l.all = append(l.all, loaded{n, t, err})
	}
	env.Theme = th
	own := &keys.Own{}
	if config != "" {
		if own, err = keys.Read(filepath.Join(config, "keys.toml")); err != nil {
			return nil, err
		}
	}
	cache := folder(getenv, "XDG_CACHE_HOME", ".cache")
	m := newModel(ctx, o, env, l, own, hostActions{
		suspend: r.suspend, quit: func() { r.end(nil) }, slow: r.out.Slow, written: r.out.Written,
		clip: func(text string) error { return writeClip(cache, text) },
	})
	env.Theme = m.painted(th)
	return m, m.checkKeys()
}

// checkKeys holds the user's keys against every place in which they would apply.
func (m *model) checkKeys() error {
	var places [][]core.Binding
	for _, t := range m.tabs {
		places = append(places, append(t.Bindings(), m.global()...))
	}
	return m.own.Check(places...)
}

// folder is the user's folder for a kind of file (XDG base directories), "" when there is no home.
func folder(getenv func(string) string, xdg, name string) string {
	if d := getenv(xdg); filepath.IsAbs(d) {
		return d
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, name)
	}
	return ""
}

func teaProfile(p themes.Profile) colorprofile.Profile {
	return map[themes.Profile]colorprofile.Profile{
		themes.NoColor: colorprofile.ASCII, themes.ANSI16: colorprofile.ANSI,
		themes.ANSI256: colorprofile.ANSI256, themes.TrueColor: colorprofile.TrueColor,
	}[p]
}
