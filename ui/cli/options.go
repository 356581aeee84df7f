// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Limits of figures that a user may give.
const (
	maxFor   = 24 * time.Hour
	maxFlows = 1 << 26
	maxLog   = 1_000_000 // packets a second: the rings hold a fraction of that, and count what they lose
	minHz    = 0.2
	maxHz    = 10
)

func modeNames() []string { return []string{"auto", "native", "generic", "tc"} }

// complete fills from config file and environment what the flags left open and checks the sum.
func (s *settings) complete(flags *pflag.FlagSet) error {
	if flags.Lookup("config") != nil {
		path, err := s.findConfig()
		if err != nil {
			return err
		}
		if err := s.readConfig(path, flags); err != nil {
			return err
		}
	}
	o := &s.opt
	if s.limits != "" {
		var err error
		if o.Policy.Canary.Limits, err = parseLimits(s.limits); err != nil {
			return err
		}
	}
	if o.Screen.Theme == "" && flags.Lookup("theme") != nil {
		o.Screen.Theme = os.Getenv("HOOKTOP_THEME")
	}
	if o.Mode == "" {
		o.Mode = modeNames()[0]
	}
	return o.check(flags)
}

func (o *Options) check(flags *pflag.FlagSet) error {
	given := func(name string) bool { f := flags.Lookup(name); return f != nil && f.Changed }
	switch {
	case !slices.Contains(modeNames(), o.Mode):
		return usagef("one of "+strings.Join(modeNames(), ", "), "--mode: unknown mode %q", o.Mode)
	case o.Flows < 0 || o.Flows > maxFlows:
		return usagef("give 1 to "+strconv.Itoa(maxFlows), "--flows: %d is out of range", o.Flows)
	case o.Policy.LogRate < 0 || o.Policy.LogRate > maxLog || given("log-rate") && o.Policy.LogRate == 0:
		return usagef("give 1 to "+strconv.Itoa(maxLog), "--log-rate: %d is out of range", o.Policy.LogRate)
	case (given("hz") || o.Screen.Hz != 0) && (o.Screen.Hz < minHz || o.Screen.Hz > maxHz):
		return usagef("give 0.2 to 10", "--hz: %g is out of range", o.Screen.Hz)
	case given("for") && (o.For <= 0 || o.For > maxFor):
		return usagef("give a time such as 3s, at most 24h", "--for: %s is out of range", o.For)
	case given("for") && !o.Once && flags.Lookup("once") != nil:
		return usagef("add --once", "--for says how long --once watches")
	case given("lease") && (o.Policy.Lease < time.Second || o.Policy.Lease > time.Minute):
		return usagef("give 1s to 60s", "--lease: %s is out of range", o.Policy.Lease)
	case o.Policy.File == "-":
		return usagef("name a file", "--policy: standard input is the keyboard's")
	case given("config") && given("no-config"):
		return usagef("give one of them", "--config and --no-config exclude each other")
	}
	if err := o.Policy.Canary.check(o.Policy.File, flags); err != nil {
		return err
	}
	for _, name := range o.Interfaces {
		if strings.TrimSpace(name) == "" {
			return usagef("name a device", "--interface is empty")
		}
	}
	if o.For == 0 && flags.Lookup("once") != nil {
		o.For = defaultFor
	}
	return nil
}

// Args gives the command line that leads to o again: how the lab starts hooktop inside its host. The config file has
// been read by then and is not read again.
func (o Options) Args() []string {
	var args []string
	for _, name := range o.Interfaces {
		args = append(args, "--interface="+name)
	}
	for _, name := range o.AccessAgents {
		args = append(args, "--access-agent="+name)
	}
	add := func(set bool, arg string) {
		if set {
			args = append(args, arg)
		}
	}
	add(true, "--no-config")
	add(o.Mode != "", "--mode="+o.Mode)
	add(o.Flows != 0, "--flows="+strconv.Itoa(o.Flows))
	add(o.NoTCX, "--no-tcx")
	add(o.Policy.File != "", "--policy="+o.Policy.File)
	add(o.Policy.Lease != 0, "--lease="+o.Policy.Lease.String())
	args = append(args, o.Policy.Canary.args()...)
	add(o.Policy.NoGuard, "--no-guard")
	add(o.Policy.LogRate != 0, "--log-rate="+strconv.Itoa(o.Policy.LogRate))
	add(o.Policy.Events != "", "--events="+o.Policy.Events)
	add(o.Once, "--once")
	add(o.Once, "--for="+o.For.String())
	add(o.JSON, "--json")
	add(o.Screen.Theme != "", "--theme="+o.Screen.Theme)
	add(o.Screen.ASCII, "--ascii")
	add(o.Screen.Mouse, "--mouse")
	add(o.Screen.Reduced, "--reduced")
	add(o.Screen.Comfortable, "--comfortable")
	add(o.Screen.Paint, "--paint")
	add(o.Screen.Hz != 0, "--hz="+strconv.FormatFloat(o.Screen.Hz, 'g', -1, 64))
	return args
}
