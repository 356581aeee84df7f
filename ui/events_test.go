// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/uitest"
)

// happened puts events into a frame, as the engine does for who looks.
func (s *stage) happened() {
	s.frame(func(f *snap.Frame) {
		if s.b.last().Tab == snap.EventsTab {
			f.Events = uitest.PolicyEvents()
		}
	})
}

// TestAnEventLeadsToRuleAndFlow, and is still there afterwards.
func TestAnEventLeadsToRuleAndFlow(t *testing.T) {
	s := enforcing(t, 80, 24)
	s.press("6")
	if got := s.b.last().Tab; got != snap.EventsTab {
		t.Errorf("asked for %q", got)
	}
	s.happened()
	s.want("[6 Events]", "◆ 1 critical  ! 2 warnings", "deny       tcp 203.0.113.9:44123 > 10.9.0.22:8443", "/ filter", "a ack")
	s.press("j", "enter")
	s.want("line 7 of v41", "enter its rule")
	s.press("enter")
	s.happened()
	s.want("[2 ACL]", ">     7 deny  in  @scanners")
	s.press("6")
	s.want("line 7 of v41")
	s.press("f")
	s.happened()
	s.want("[1 Flows]", "filter source:203.0.113.9:44123 destination:10.9.0.22:8443")
	s.press("6", "esc", "b")
	s.happened()
	s.want("[2 ACL]", "deny  in  from 203.0.113.9", "EDITING new line 4")
}

// TestHeadersAreSavedFromTheTable: what the engine says of it comes on the message line.
func TestHeadersAreSavedFromTheTable(t *testing.T) {
	s := enforcing(t, 80, 24)
	s.b.engine.Headers = uitest.Headers(12)
	s.press("2")
	s.frame()
	s.press("j", "j", "j", "j", "j", "j", "j")
	s.want("p packets denied")
	s.press("p")
	s.want("PACKET 1 of 12", "w save pcapng")
	s.press("w", "ctrl+u")
	s.send(tea.PasteMsg{Content: "/tmp/x.pcapng"})
	s.press("enter")
	s.want("✓ 12 headers that line 7 denied are in /tmp/x.pcapng")
}

// TestASaveThatIsRefusedMayOverwrite by a key of its own, in the shell as well: the refusal is no toast that hides it.
func TestASaveThatIsRefusedMayOverwrite(t *testing.T) {
	s := enforcing(t, 80, 24)
	s.b.engine.Unread = "save /etc/hooktop/policy.acl: it changed on disk since it was read"
	s.press("2")
	s.frame()
	s.press("w")
	s.want("not saved", "o overwrite", "n another name")
	s.press("enter", "y", "o")
	did := s.b.did[len(s.b.did)-1]
	if did.Kind != snap.SavePolicy || did.Arg != snap.Overwrite {
		t.Errorf("%+v", did)
	}
	s.want("✓ saved")
}
