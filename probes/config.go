// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"

	"hooktop/probes/attach"
	"hooktop/probes/snap"
)

// Config is what the command line and the config file decide about an engine. The zero value watches the devices under
// every unicast route in auto mode.
type Config struct {
	Interfaces   []string          // names or globs; empty: the devices under every unicast route
	Mode         string            // "auto", "native", "generic", "tc"; "" means auto
	Modes        map[string]string // device name -> mode, over Mode
	Flows        int               // flows expected, 0: the default of bpf/kern
	LogRate      int               // packets a second that a rule with log tells of, 0: the default of bpf/kern
	AccessAgents []string          // processes besides sshd and mosh-server that carry operators' sessions
	NoTrace      bool              // start no trace by itself
	NoTCX        bool              // use clsact filters even where the kernel has tcx
	ReadOnly     string            // why nothing may be changed, "" when it may: shown as State.ReadOnly
	HeldBy       string            // who holds the pen
	Journal      attach.Journal    // hears of what outlives the process before it is made; nil: nobody listens
	Hz           float64           // frames a second, 0: 2
	Policy       Policy            // carries out what is wished about the policy; nil: nothing is enforced
	Prices       Prices            // measures policies; nil: nothing does
	Events       Lines             // takes an event of each packet that a rule with log tells of; nil: nobody
	Version      string
}

// Prices measures what packets cost by two policies, what decides now and a draft. It takes seconds, less when ctx ends.
type Prices func(ctx context.Context, now, draft string) ([]snap.Price, error)
