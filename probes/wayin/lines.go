// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"fmt"
	"slices"
	"strconv"
)

// Limits of Lines: connections, and notes.
const (
	maxLines = 16
	maxNotes = 6
)

// Lines says it for humans, own sessions first: "sshd 10.0.0.8:50122 → :22 (own session: …)".
func (w *WayIn) Lines() []string {
	var own, others []string
	for _, s := range w.Established {
		line := s.String()
		switch {
		case !slices.ContainsFunc(w.Own, func(o Session) bool { return o.Proto == s.Proto && o.Local == s.Local && o.Peer == s.Peer }):
			others = append(others, line)
		case w.Proven:
			own = append(own, line+" (own session: "+s.Why+")")
		default:
			own = append(own, line+" (counts as own session)")
		}
	}
	lines := append(own, others...)
	if n := len(lines) - maxLines; n > 0 {
		lines = append(lines[:maxLines], fmt.Sprintf("and %d more", n))
	}
	for _, c := range w.Carriers {
		lines = append(lines, fmt.Sprintf("UDP port %d carries %s", c.Port, c.Device))
	}
	if !w.Proven && w.Why != "" {
		lines = append(lines, w.Why)
	}
	if n := len(w.Notes) - maxNotes; n > 0 {
		return append(append(lines, w.Notes[:maxNotes]...), fmt.Sprintf("and %d more notes", n))
	}
	return append(lines, w.Notes...)
}

func (s Session) String() string {
	peer := "any peer"
	if s.Peer.IsValid() {
		peer = s.Peer.String()
	}
	to := " → :" + strconv.Itoa(int(s.Local.Port()))
	if s.Proto == protoUDP {
		to += "/udp"
	}
	return s.Agent + " " + peer + to
}
