// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"hooktop/probes/snap"
)

// Canary is how a policy of the launch is tried on some devices first, and what any canary is held against.
type Canary struct {
	On     []string          // devices; nil: a trial is on all
	Soak   time.Duration     // 0: default
	Limits snap.CanaryLimits // zero value: default
}

// canaryFile is the table [canary] of a config file. What it leaves out is as it was.
type canaryFile struct {
	Soak        string   `toml:"soak"`
	Errors      *float64 `toml:"errors"`
	Drops       *float64 `toml:"drops"`
	Denied      *float64 `toml:"denied"`
	Retransmits *float64 `toml:"retransmits"`
	CPU         *float64 `toml:"cpu"`
	Quiet       *float64 `toml:"quiet"`
}

const maxSoak = 24 * time.Hour

// limitNames are the limits by the names that config files and --canary-limits give them.
func limitNames(l *snap.CanaryLimits) []struct {
	name string
	at   *float64
} {
	return []struct {
		name string
		at   *float64
	}{{"errors", &l.Errors}, {"drops", &l.Drops}, {"denied", &l.Denied}, {"retransmits", &l.Retransmits}, {"cpu", &l.CPU}, {"quiet", &l.Quiet}}
}

// apply takes over what flags left open.
func (f canaryFile) apply(c *Canary, path string, flags *pflag.FlagSet) error {
	open := func(name string) bool { f := flags.Lookup(name); return f != nil && !f.Changed }
	if f.Soak != "" && open("soak") {
		d, err := time.ParseDuration(f.Soak)
		if err != nil || d < time.Second || d > maxSoak {
			return usagef("give a time such as 5m, from 1s to 24h", "config %s: canary.soak: %q is no time for a soak", path, f.Soak)
		}
		c.Soak = d
	}
	if !open("canary-limits") {
		return nil
	}
	given := []*float64{f.Errors, f.Drops, f.Denied, f.Retransmits, f.CPU, f.Quiet}
	limits, some := snap.DefaultCanaryLimits(), false
	for i, l := range limitNames(&limits) {
		if given[i] == nil {
			continue
		}
		if !(*given[i] >= 0) { // nan is neither, and would let anything pass
			return usagef("give 0 or more", "config %s: canary.%s: %g is no limit", path, l.name, *given[i])
		}
		*l.at, some = *given[i], true
	}
	if !some {
		return nil
	}
	c.Limits = limits
	return allZero(limits, "config "+path+": canary")
}

// allZero refuses limits that would be taken for none given.
func allZero(limits snap.CanaryLimits, where string) error {
	if limits == (snap.CanaryLimits{}) {
		return usagef("leave one above 0", "%s: with all limits at 0 no canary would stay", where)
	}
	return nil
}

// parseLimits reads "errors=1,cpu=20": what is not named is as by default.
func parseLimits(text string) (snap.CanaryLimits, error) {
	limits := snap.DefaultCanaryLimits()
next:
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		n, err := strconv.ParseFloat(value, 64)
		for _, l := range limitNames(&limits) {
			if l.name == name && err == nil && n >= 0 {
				*l.at = n
				continue next
			}
		}
		return limits, usagef("write errors=1,drops=10,denied=20,retransmits=20,cpu=20,quiet=50", "--canary-limits: %q is no limit", part)
	}
	return limits, allZero(limits, "--canary-limits")
}

// limitText is the inverse of parseLimits.
func limitText(limits snap.CanaryLimits) string {
	if limits == (snap.CanaryLimits{}) {
		return ""
	}
	var out []string
	for _, l := range limitNames(&limits) {
		out = append(out, fmt.Sprintf("%s=%g", l.name, *l.at))
	}
	return strings.Join(out, ",")
}

// check looks at what flags and config file say together.
func (c *Canary) check(file string, flags *pflag.FlagSet) error {
	given := func(name string) bool { f := flags.Lookup(name); return f != nil && f.Changed }
	switch {
	case given("canary") && file == "":
		return usagef("add --policy FILE", "--canary says where a policy is tried first")
	case given("soak") && (c.Soak < time.Second || c.Soak > maxSoak):
		return usagef("give 1s to 24h", "--soak: %s is out of range", c.Soak)
	}
	for _, name := range c.On {
		if strings.TrimSpace(name) == "" {
			return usagef("name a device", "--canary is empty")
		}
	}
	return nil
}

// args gives the flags that lead to c again.
func (c *Canary) args() []string {
	var args []string
	for _, name := range c.On {
		args = append(args, "--canary="+name)
	}
	if c.Soak != 0 {
		args = append(args, "--soak="+c.Soak.String())
	}
	if text := limitText(c.Limits); text != "" {
		args = append(args, "--canary-limits="+text)
	}
	return args
}
