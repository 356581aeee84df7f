// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"
	"os"
	"slices"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Serve takes in which tunnels devices of the kernel's take packets from. Lines that unwrap such packets are suspended, unless they
// are forced: what is kept and what is on trial is written again, for a lease that ends asks nobody.
func (s *Service) Serve(list []acl.Served) {
	if slices.Equal(s.servedNow(), list) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.servedNow()
	s.served.Store(&list)
	editions := []*edition{&s.kept}
	if s.trial != nil {
		editions = append(editions, &s.trial.edition)
	}
	told := map[string]bool{}
	for _, e := range editions {
		for i := range e.acl.Tunnels {
			t := &e.acl.Tunnels[i]
			was, is := suspended(t, before), suspended(t, list)
			s.stale = s.stale || is != was
			s.suspend(e, t, was, is, told)
		}
	}
}

// suspend tells of a line that unwraps no more, or again, once for all policies that have it. mu is held.
func (s *Service) suspend(e *edition, t *acl.Tunnel, was, is string, told map[string]bool) {
	sev, what, text := snap.Crit, "suspend", suspendedText(t.Line, is)
	if is == "" {
		sev, what, text = snap.Warn, "resume", resumedText(t.Line)
	}
	if (is == "") == (was == "") || told[text] {
		return
	}
	told[text] = true
	s.tell(sev, text)
	s.record(what, e, nobody(), func(l *event) { l.Line, l.Why = t.Line, is })
}

// nobody is the actor where the host itself gave the reason.
func nobody() actor { return actor{Who: "hooktop", UID: os.Getuid(), PID: os.Getpid()} }

func suspendedText(line int, why string) string {
	return fmt.Sprintf("line %d unwraps nothing any more: %s", line, why)
}

func resumedText(line int) string {
	return fmt.Sprintf("line %d unwraps again: no device of the kernel takes its packets any more", line)
}

func (s *Service) servedNow() []acl.Served {
	if p := s.served.Load(); p != nil {
		return *p
	}
	return nil
}

// suspended says why a line does not unwrap, "" when it does or would not anyway.
func suspended(t *acl.Tunnel, served []acl.Served) string {
	dev := t.ServedBy(served)
	if dev == "" || t.Force {
		return ""
	}
	return "the kernel's device " + format.Clean(dev) + " takes these packets: remove it, or write strip force"
}

// refuseServed refuses a policy that would take packets from a device of the kernel's.
func refuseServed(p *acl.Policy) error {
	for i := range p.Tunnels {
		t := &p.Tunnels[i]
		if why := suspended(t, p.Served); why != "" {
			return fmt.Errorf("line %d: strip: %s", t.Line, why)
		}
	}
	return nil
}

// maxAsked bounds the questions to the kernel for one draft.
const maxAsked = 64

// arrivals says which packets that a policy unwraps the kernel would drop at once: by rp_filter, or for want of a route. IPv6 has no
// rp_filter.
func (s *Service) arrivals(p *acl.Policy) (out []string) {
	asked := 0
	for i := range p.Tunnels {
		t := &p.Tunnels[i]
		if t.Off || !t.Strip || !t.To.Is4() || s.opt.Arrives == nil {
			continue
		}
		for _, inner := range t.Inner {
			if asked++; !inner.Addr().Is4() || asked > maxAsked {
				continue
			}
			dev, why, err := s.opt.Arrives(t.Outside(), acl.FirstHost(inner), t.To)
			switch {
			case err != nil:
				out = append(out, remark(t.Line, "strip: whether rp_filter lets packets from "+acl.PrefixText(inner)+" in is not known: "+err.Error()))
			case why != "":
				out = append(out, remark(t.Line, "strip: the kernel drops what comes out from "+acl.PrefixText(inner)+" on "+format.Clean(dev)+": "+why))
			}
		}
	}
	return out
}

// TunnelLines gives the tunnel lines of the policy in force, and what became of them.
func (s *Service) TunnelLines() []snap.TunnelLine {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, now := s.inForce(), s.opt.Now()
	var out []snap.TunnelLine
	for i := range e.acl.Tunnels {
		t := &e.acl.Tunnels[i]
		l := snap.TunnelLine{Line: t.Line, Text: format.Clean(t.String()), State: "counts", Hits: snap.Hits{Last: -1}}
		switch {
		case t.Off:
			l.State = "off"
		case t.Strip:
			l.State = "strips"
			if l.Why = suspended(t, s.servedNow()); l.Why != "" {
				l.State = "suspended"
			}
		}
		if c := s.hits.lines[t.Match()]; c != nil {
			l.Hits, l.Stripped = c.hits(now), c.limited
		}
		out = append(out, l)
	}
	return out
}

// TunnelLine gives the line of the file that a generation's tunnel line stands on, 0 when that is gone.
func (s *Service) TunnelLine(gen uint16, index int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []*edition{&s.kept}
	if s.trial != nil {
		list = append(list, &s.trial.edition)
	}
	for _, e := range list {
		if e.gen == uint32(gen) && index >= 0 && index < len(e.acl.Tunnels) {
			return e.acl.Tunnels[index].Line
		}
	}
	return 0
}

// tunnel is a line's counter. Lines of the same text share one: they speak of the same packets.
func (t *tally) tunnel(l *acl.Tunnel) *counter {
	c := t.lines[l.Match()]
	if c == nil {
		c = &counter{}
		t.lines[l.Match()] = c
	}
	return c
}

// keepTunnels forgets lines of neither policy.
func (t *tally) keepTunnels(policies []*acl.Policy) {
	kept := map[string]*counter{}
	for _, p := range policies {
		for i := range p.Tunnels {
			kept[p.Tunnels[i].Match()] = t.tunnel(&p.Tunnels[i])
		}
	}
	t.lines = kept
}
