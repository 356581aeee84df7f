// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/term"
)

func runDashboard(c *call) error {
	if err := c.prepare(); err != nil {
		return err
	}
	// Inside the lab too: its host has devices of its own.
	if err := checkInterfaces(c.opt.Interfaces, c.b.Interfaces); err != nil {
		return err
	}
	if err := c.launchPolicy(); err != nil {
		return err
	}
	if !c.opt.Once {
		return c.b.Dashboard(c.ctx, c.opt)
	}
	shot, err := c.b.Once(c.ctx, c.opt)
	if err != nil {
		return err
	}
	if err := c.print(snapshotJSON(shot), func(w io.Writer) error { return snapshotTable(w, shot) }); err != nil {
		return err
	}
	for _, s := range shot.Left {
		if s.Outcome != snap.Detached {
			return fmt.Errorf("detach %s: %s: run hooktop cleanup", format.Clean(s.Name), format.Clean(s.Why))
		}
	}
	if why := shot.Frame.State.Fallback; why != "" {
		return fmt.Errorf("%w: %s: %s", ErrNothingAttached, format.Clean(why), remedy(os.Geteuid()))
	}
	return nil
}

// remedy says what helps when no program could attach.
func remedy(euid int) string {
	if euid != 0 {
		return "run it as root (sudo), or with CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and CAP_DAC_READ_SEARCH"
	}
	return "run hooktop check"
}

func runLab(c *call) error {
	if err := c.prepare(); err != nil {
		return err
	}
	if err := c.launchPolicy(); err != nil {
		return err
	}
	return c.b.Lab(c.ctx, c.opt)
}

// prepare turns a dashboard that has no screen into one snapshot and says why.
func (c *call) prepare() error {
	if err := c.checkTheme(); err != nil {
		return err
	}
	if c.opt.Once {
		return nil
	}
	var none *term.NoScreenError
	err := term.Gate(os.Environ(), c.std.In, c.std.Out)
	switch {
	case errors.As(err, &none):
		fmt.Fprintf(c.std.Err, "hooktop: %s: printing one snapshot of %s instead of the dashboard (--once)\n",
			format.Clean(none.Why), c.opt.For)
		c.opt.Once = true
		return nil
	case err != nil:
		return err
	case c.opt.JSON:
		return usagef("add --once", "--json prints one snapshot")
	}
	return nil
}

// checkTheme loads the theme once before anything attaches, so that a bad one costs nothing.
func (c *call) checkTheme() error {
	if c.opt.Screen.Theme == "" {
		return nil
	}
	dir := ""
	if base, err := os.UserConfigDir(); err == nil {
		dir = filepath.Join(base, "hooktop")
	}
	if _, err := themes.Load(c.opt.Screen.Theme, dir, themes.DetectProfile(os.Getenv)); err != nil {
		return &Error{Code: ExitFailed, Err: err, Fix: "--theme takes a name or a theme file"}
	}
	return nil
}

func runCheck(c *call) error {
	if err := checkInterfaces(c.opt.Interfaces, c.b.Interfaces); err != nil {
		return err
	}
	report, err := c.b.Check(c.ctx, c.opt)
	if err != nil {
		return err
	}
	if err := c.print(checkJSON(report), func(w io.Writer) error { return checkTable(w, report) }); err != nil {
		return err
	}
	if len(report.Attach) == 0 {
		return &Error{Code: ExitFallback, Err: errors.New("check: nothing would attach here"), Fix: firstFix(report.Features)}
	}
	return nil
}

func firstFix(features []Feature) string {
	for _, f := range features {
		if !f.Have && f.Fix != "" {
			return format.Clean(f.Fix)
		}
	}
	return "name a device with -i"
}

func runCleanup(c *call) error {
	report, err := c.b.Cleanup(c.ctx, c.all)
	if err != nil {
		return err
	}
	if err := c.print(cleanupJSON(report), func(w io.Writer) error { return cleanupTable(w, report) }); err != nil {
		return err
	}
	failed := 0
	for _, item := range report.Items {
		if item.State == "failed" {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("cleanup: %d of %d leftovers could not be removed", failed, len(report.Items))
	}
	return nil
}

func runPcap(c *call) error {
	var in io.Reader = c.std.In
	if name := c.args[0]; name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("pcap %s: %w", format.Clean(name), unwrapPath(err))
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return fmt.Errorf("pcap %s: it is a folder", format.Clean(name))
		}
		in = f
	}
	scene, src, err := c.scene()
	if src != nil {
		o := pcapJSON(PcapReport{}, PcapScene{})
		o.Errors, o.More = errorObjects(err, src.name)
		return c.policyErrors("pcap", ExitUsage, src, err, o)
	}
	if err != nil {
		return err
	}
	report, err := c.b.Pcap(c.ctx, in, scene)
	if err != nil {
		return fmt.Errorf("pcap %s: %w", format.Clean(c.args[0]), err)
	}
	return c.print(pcapJSON(report, scene), func(w io.Writer) error { return pcapTable(w, report, scene) })
}

func runVersion(c *call) error {
	text := c.b.Version()
	return c.print(versionObject{Schema: "hooktop.version/1", Version: text}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "hooktop", text)
		return err
	})
}

func runMan(c *call) error {
	name := ""
	if len(c.args) == 1 {
		name = c.args[0]
	}
	return c.page(name)
}
