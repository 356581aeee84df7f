// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// lacks says why no function can be traced on this kernel, and what to do; "" when functions can be.
func (s *sources) lacks() string {
	if s.lockdown() == "confidentiality" {
		return "the kernel is locked down (confidentiality), which forbids to trace it: boot with lockdown=integrity or less"
	}
	if _, err := os.Stat(s.path("/sys/bus/event_source/devices/kprobe")); err == nil {
		return s.switchedOff()
	}
	return s.unbuilt()
}

// switchedOff says whether an operator has turned off all kprobes.
func (s *sources) switchedOff() string {
	dir, err := s.dir(debugFS())
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(dir, "kprobes/enabled"))
	if err != nil || strings.TrimSpace(string(text)) != "0" {
		return ""
	}
	return "kprobes are switched off on this host: echo 1 > /sys/kernel/debug/kprobes/enabled"
}

// unbuilt names the option that a kernel without kprobes was built without.
func (s *sources) unbuilt() string {
	const ask = ": only tracepoints can be traced; functions take a kernel built with "
	config, ok := s.config("CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS")
	switch {
	case ok && !config["CONFIG_KPROBES"]:
		return "this kernel has no kprobes (built without CONFIG_KPROBES)" + ask + "CONFIG_KPROBES=y and CONFIG_KPROBE_EVENTS=y"
	case ok && !config["CONFIG_KPROBE_EVENTS"]:
		return "this kernel gives no kprobes to programs (built without CONFIG_KPROBE_EVENTS)" + ask + "CONFIG_KPROBE_EVENTS=y"
	}
	return "this kernel offers no kprobes (/sys/bus/event_source/devices/kprobe is missing)" + ask +
		"CONFIG_KPROBES=y and CONFIG_KPROBE_EVENTS=y"
}

// lockdown is the kernel's level of lockdown, "" where it does not tell.
func (s *sources) lockdown() string {
	dir, err := s.dir(securityFS())
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(dir, "lockdown"))
	if err != nil {
		return ""
	}
	_, level, _ := strings.Cut(string(text), "[") // "none [integrity] confidentiality"
	level, _, _ = strings.Cut(level, "]")
	return level
}

// config tells which options the running kernel was built with; false when its configuration is nowhere to be read.
func (s *sources) config(options ...string) (map[string]bool, bool) {
	f, err := os.Open(s.path("/proc/config.gz"))
	if err == nil {
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, false
		}
		return optionsIn(z, options), true
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, false
	}
	f, err = os.Open(s.path("/boot/config-" + unix.ByteSliceToString(u.Release[:])))
	if err != nil {
		return nil, false
	}
	defer f.Close()
	return optionsIn(f, options), true
}

func optionsIn(r io.Reader, options []string) map[string]bool {
	out := map[string]bool{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		for _, o := range options {
			out[o] = out[o] || lines.Text() == o+"=y"
		}
	}
	return out
}
