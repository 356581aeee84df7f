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

// Step is one way to try, with what is left when it fails.
type Step struct {
	Mode Mode
	Why  string // why this one and not the one that was wished for
	then []Mode
}

// Choose returns the first mode to try on a device. foreign describes the program of somebody else that sits on its XDP
// hook, "" when the hook is free. auto costs the host neither its link nor its throughput: native XDP may reset a link and
// takes TSO from a veth, generic XDP copies each large packet (bulk TCP at 0.8 of its speed), tc does neither.
func Choose(l snap.Link, want Mode, foreign string) Step {
	switch {
	case want == TC:
		return Step{TC, "asked for", nil}
	case foreign != "":
		return Step{TC, "XDP is taken by " + foreign, nil}
	case l.L3:
		return Step{TC, "no Ethernet header: XDP can't go there", nil}
	case want == Native:
		return Step{Native, "asked for", []Mode{Generic, TC}}
	case want == Generic:
		return Step{Generic, "asked for", []Mode{TC}}
	}
	return Step{TC, "auto: XDP may reset the link or slow bulk traffic", []Mode{Generic}}
}

// Next returns what to try when a step failed with err; ok is false when nothing is left. Nothing changes mode silently:
// the reason goes with it.
func Next(failed Step, err error) (Step, bool) {
	if len(failed.then) == 0 {
		return Step{}, false
	}
	return Step{failed.then[0], fmt.Sprintf("%s was refused: %v", failed.Mode.title(), err), failed.then[1:]}, true
}

// title is the mode as a sentence has it.
func (m Mode) title() string {
	if m == Native || m == Generic {
		return string(m) + " XDP"
	}
	return string(m)
}
