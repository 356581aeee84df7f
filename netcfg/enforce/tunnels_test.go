// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

const strips = "tunnel vxlan vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.50.0.0/16 strip\n"

// A device of the kernel's that takes a line's packets suspends it, and when it goes the line unwraps again.
func TestStripIsSuspendedWhereTheKernelTakesThePackets(t *testing.T) {
	var lines []string
	r := newRig(t, func(o *Options) { o.Events = func(line []byte) { lines = append(lines, string(line)) } })
	var heard []snap.Event
	r.s.Hear(func(e snap.Event) { heard = append(heard, e) })
	r.commit(strips + "tunnel geneve count\noff " + strips)
	r.good(r.s.Keep(""))
	state := func() string {
		var out []string
		for _, l := range r.s.TunnelLines() {
			out = append(out, l.State)
		}
		return strings.Join(out, " ")
	}
	if got := state(); got != "strips counts off" {
		t.Fatalf("lines: %s", got)
	}
	vx := []acl.Served{{Kind: acl.VXLAN, Port: 4789, Dev: "vx\x1b0"}}
	r.s.Serve(vx)
	if !r.s.Look(World{}) {
		t.Fatal("nothing is written again")
	}
	if err := r.s.Rewrite(); err != nil {
		t.Fatal(err)
	}
	if got := state(); got != "suspended counts off" || !strings.Contains(r.s.TunnelLines()[0].Why, `vx\x1b0`) {
		t.Errorf("lines: %s (%s)", got, r.s.TunnelLines()[0].Why)
	}
	if p := r.plane.written[r.plane.decides()]; len(p.Served) != 1 {
		t.Errorf("what decides knows of %v", p.Served)
	}
	if n := r.notices[len(r.notices)-1]; !strings.Contains(n, "line 1 unwraps nothing any more") {
		t.Errorf("notices: %q", r.notices)
	}
	r.s.Serve(nil)
	if !r.s.Look(World{}) || state() != "strips counts off" {
		t.Errorf("without the device: %s", state())
	}
	if n := r.notices[len(r.notices)-1]; !strings.Contains(n, "unwraps again") {
		t.Errorf("notices: %q", r.notices)
	}
	for i, kind := range []string{"commit", "keep", "suspend", "resume"} {
		if e := heard[i]; e.Kind != kind || i > 1 && (e.Line != 1 || e.Gen == 0 || !strings.Contains(e.Text, "line 1 unwraps")) {
			t.Errorf("event %d: %+v, want %s", i, e, kind)
		}
		if !strings.Contains(lines[i], `"what":"`+kind+`"`) || i > 1 && !strings.Contains(lines[i], `"line":1`) {
			t.Errorf("line %d: %s", i, lines[i])
		}
	}
}

// Such a policy is refused from the start, unless it is forced.
func TestStripIsRefusedWhereTheKernelTakesThePackets(t *testing.T) {
	r := newRig(t, nil)
	r.s.Serve([]acl.Served{{Kind: acl.VXLAN, Port: 4789, Dev: "vx0"}, {Kind: acl.GRE, Dev: "gre1"}})
	r.stage(strips)
	if d := r.s.View(false).Draft; len(d.Errors) != 1 || !strings.Contains(d.Errors[0], "line 1: strip: the kernel's device vx0") {
		t.Errorf("errors: %q", d.Errors)
	}
	r.bad(r.s.Commit(snap.PolicyWish{}), "the kernel's device vx0 takes these packets")
	for _, text := range []string{
		strings.Replace(strips, "strip", "strip force", 1), strings.Replace(strips, "vxlan", "vxlan port 4790", 1), "off " + strips,
		"tunnel vxlan count\n",
	} {
		r.commit(text)
		r.good(r.s.Restore())
	}
	r.stage("tunnel gre to 192.0.2.1 peers 192.0.2.0/24 inner 10.50.0.0/16 strip\n")
	r.bad(r.s.Commit(snap.PolicyWish{}), "gre1")
}

// A line's counters are its text's, whatever generation it is in.
func TestCountersOfTunnelLines(t *testing.T) {
	r := newRig(t, nil)
	r.commit("tunnel geneve count\n" + strips)
	gen := r.plane.decides()
	r.plane.counts[gen] = Counts{Tunnels: []Count{{Packets: 7, Bytes: 700}, {Packets: 5, Bytes: 500, Limited: 4}}}
	r.good(r.s.Keep(""))
	r.s.Count()
	if got := r.s.TunnelLine(uint16(gen), 1); got != 2 {
		t.Errorf("the second tunnel line is line %d", got)
	}
	r.commit("# above\n" + strips + "deny in udp\n")
	r.plane.counts[r.plane.decides()] = Counts{Tunnels: []Count{{Packets: 2, Bytes: 200, Limited: 1}}}
	r.pass(time.Second)
	r.s.Count()
	lines := r.s.TunnelLines()
	if len(lines) != 1 || lines[0].Line != 2 || lines[0].Packets != 7 || lines[0].Stripped != 5 || lines[0].Bytes != 700 {
		t.Errorf("lines: %+v", lines)
	}
	if got := r.s.TunnelLine(uint16(gen)+99, 0); got != 0 {
		t.Errorf("a line of a generation that is gone: %d", got)
	}
}

// What the kernel would drop as soon as it is unwrapped is remarked of the draft.
func TestRemarksOnWhatTheKernelWouldDrop(t *testing.T) {
	var asked []string
	r := newRig(t, func(o *Options) {
		o.Arrives = func(peer, src, dst netip.Addr) (string, string, error) {
			asked = append(asked, peer.String()+" "+src.String()+" "+dst.String())
			switch src.String() {
			case "10.50.0.1":
				return "et\x1bh0", "rp_filter", nil
			case "10.60.0.7":
				return "eth0", "", errors.New("the kernel is silent")
			}
			return "eth0", "", nil
		}
	})
	r.stage(strings.Replace(strips, " strip", ",10.60.0.7,10.70.0.0/16,2001:db8::/64 strip", 1) + "off " + strips + "tunnel geneve count\n")
	text := strings.Join(r.s.View(false).Draft.Remarks, "\n")
	for _, want := range []string{`line 1: strip: the kernel drops what comes out from 10.50.0.0/16 on et\x1bh0: rp_filter`, "10.60.0.7 in is not known: the kernel is silent"} {
		if !strings.Contains(text, want) {
			t.Errorf("no remark %q in\n%s", want, text)
		}
	}
	if want := []string{"192.0.2.1 10.50.0.1 192.0.2.1", "192.0.2.1 10.60.0.7 192.0.2.1", "192.0.2.1 10.70.0.1 192.0.2.1"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q", asked)
	}
}

// A device that comes during a trial suspends the kept policy's line too: nobody writes that again when the lease ends. One that comes
// between check and commit is seen by the commit.
func TestStripIsSuspendedInBothPolicies(t *testing.T) {
	r := newRig(t, nil)
	r.commit(strips)
	r.good(r.s.Keep(""))
	r.commit("tunnel vxlan count\n")
	r.s.Serve([]acl.Served{{Kind: acl.VXLAN, Port: 4789, Dev: "vx0"}})
	if !r.s.Look(World{}) {
		t.Fatal("nothing is written again")
	}
	if err := r.s.Rewrite(); err != nil {
		t.Fatal(err)
	}
	r.good(r.s.Restore())
	if p := r.plane.written[r.plane.decides()]; len(p.Served) != 1 {
		t.Errorf("what decides again knows of %v", p.Served)
	}
	r.s.Serve(nil)
	r.stage(strings.Replace(strips, "vxlan", "vxlan port 4790", 1))
	r.s.Serve([]acl.Served{{Kind: acl.VXLAN, Port: 4790, Dev: "vx1"}})
	r.bad(r.s.Commit(snap.PolicyWish{Base: r.s.View(false).Kept}), "the kernel's device vx1 takes these packets")
}
