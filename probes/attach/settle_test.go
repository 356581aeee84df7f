// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"hooktop/probes/snap"
)

// restless is a plane whose packets are never known to have left its programs.
type restless struct {
	*fakePlane
	err error
}

func (p *restless) Handover(uint16, bool) error { return nil }
func (p *restless) Settle() error               { return p.err }

var errRestless = errors.New("wait for packets under way: membarrier: operation not permitted")

func newRestless(t *testing.T) (*ground, *restless) {
	t.Helper()
	g := newGround(t)
	p := &restless{fakePlane: g.plane}
	g.Set.plane = p
	return g, p
}

// Whoever waits in vain for the last packets takes every program off all the same, and says what failed.
func TestADetachThatCannotSettle(t *testing.T) {
	g, p := newRestless(t)
	d := g.watchBy(t, snap.Link{Index: 3, Name: "eth0", Up: true, Carrier: true}, Generic)
	if len(g.plane.open) != 3 { // XDP, what makes marks beside it, egress
		t.Fatalf("attached: %v", g.plane.open)
	}
	p.err = errRestless
	report := g.End(d)
	if len(g.plane.open) > 0 {
		t.Errorf("still attached: %v", g.plane.open)
	}
	if len(report) != 2 || report[0].Outcome != snap.Unavailable || !strings.Contains(report[0].Why, errRestless.Error()) || report[0].Fix == "" ||
		report[1].Outcome != snap.Detached {
		t.Errorf("%+v", report)
	}
	if len(g.Devs()) > 0 {
		t.Errorf("the device is not forgotten: %+v", g.Devs())
	}
}

// A mode changes even then: the new program sits, the old one and its companion are off, and the operator hears of it.
func TestAModeChangeThatCannotSettle(t *testing.T) {
	for _, from := range []Mode{Generic, TC} {
		g, p := newRestless(t)
		d := g.watchBy(t, snap.Link{Index: 3, Name: "eth0", Up: true, Carrier: true}, from)
		p.err = errRestless
		to, hooks := TC, []Hook{TCIngress, TCEgress}
		if from == TC {
			to, hooks = Generic, []Hook{XDPGeneric, TCMark, TCEgress}
		}
		var st snap.Status
		g.ChangeMode(d, to, func(s snap.Status) { st = s })
		g.settleAll()
		if st.Outcome != snap.Attached || d.Mode != to {
			t.Errorf("from %s: %+v, mode %s", from, st, d.Mode)
		}
		slices.Sort(hooks)
		if got := slices.Sorted(maps.Values(g.plane.open)); !slices.Equal(got, hooks) {
			t.Errorf("from %s: attached %v, want %v", from, got, hooks)
		}
		if said := strings.Join(g.notices, "; "); !strings.Contains(said, errRestless.Error()) {
			t.Errorf("from %s it says %q", from, said)
		}
	}
}
