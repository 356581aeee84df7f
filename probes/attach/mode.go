// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"fmt"

	"hooktop/probes/snap"
)

// Mode is how a device's ingress is watched. Egress is always tc.
type Mode string

const (
	Auto    Mode = "auto"
	Native  Mode = "native"
	Generic Mode = "generic"
	TC      Mode = "tc"
	None    Mode = "none" // nothing could be attached
)

// ParseMode reads the argument of --mode; "" is Auto.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case "":
		return Auto, nil
	case Auto, Native, Generic, TC:
		return m, nil
	}
	return "", fmt.Errorf("mode %q is not known: use auto, native, generic or tc", s)
}

// Step is one way to try.
type Step struct {
	Mode Mode
	Why  string // why this one and not the one that was wished for
}

// Choose returns the first mode to try on a device. foreign describes the program of somebody else that sits on its XDP
// hook, "" when the hook is free. auto never goes native: drivers reset their link, veths lose TSO (DESIGN 2).
func Choose(l snap.Link, want Mode, foreign string) Step {
	switch {
	case want == TC:
		return Step{TC, "asked for"}
	case foreign != "":
		return Step{TC, "XDP is taken by " + foreign}
	case l.L3:
		return Step{TC, "no Ethernet header: XDP can't go there"}
	case want == Native:
		return Step{Native, "asked for"}
	case want == Generic:
		return Step{Generic, "asked for"}
	}
	return Step{Generic, "auto: native only on wish, it may reset the link"}
}

// Next returns what to try when a step failed with err; ok is false when nothing is left. Nothing changes mode silently:
// the reason goes with it.
func Next(failed Step, err error) (Step, bool) {
	switch failed.Mode {
	case Native:
		return Step{Generic, fmt.Sprintf("native XDP was refused: %v", err)}, true
	case Generic:
		return Step{TC, fmt.Sprintf("generic XDP was refused: %v", err)}, true
	}
	return Step{}, false
}
