// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"
	"time"

	"hooktop/probes/snap"
)

const (
	pastLen     = 60              // looks that are remembered, one a second
	pastLeast   = 2 * time.Second // that must be remembered to know what is normal
	checkWindow = 5 * time.Second // that a figure of now is taken over: shorter bursts are no reason to go back
	leastFlows  = 20              // fewer say nothing when some of them end
	leastWindow = 2 * time.Second // that two looks must be apart for a rate

	mostApart  = 1500 * time.Millisecond // of two looks, one a second, between which nothing stood still
	flowsAgain = 2 * time.Second         // that flows have to send again when something stood still; they are quiet after so long
)

// past are the latest looks at the host, the oldest first.
type past []snap.Health

func (p *past) add(h snap.Health) {
	list := *p
	if n := len(list); n > 0 && !h.At.After(list[n-1].At) {
		return
	}
	*p = append(list[max(0, len(list)-pastLen+1):len(list):len(list)], h)
}

// span is how long the host has been looked at.
func (p past) span() time.Duration {
	if len(p) < 2 {
		return 0
	}
	return p[len(p)-1].At.Sub(p[0].At)
}

// window gives the last look that was not after since, and the last of all. False when they are too close for a rate.
func (p past) window(since time.Time) (a, b *snap.Health, ok bool) {
	if len(p) == 0 {
		return nil, nil, false
	}
	a, b = &p[0], &p[len(p)-1]
	for i := range p {
		if p[i].At.After(since) {
			break
		}
		a = &p[i]
	}
	return a, b, b.At.Sub(a.At) >= leastWindow
}

// figures are what is checked, as rates over a window.
type figures struct {
	errors, drops, denied, retransmits float64 // a second
	cpu                                float64 // percent
}

// figuresOf takes the devices on between two looks. Counters that went back did not move.
func figuresOf(a, b *snap.Health, on []string) figures {
	dt := b.At.Sub(a.At).Seconds()
	if dt <= 0 {
		return figures{}
	}
	rate := func(was, is uint64) float64 {
		if is <= was {
			return 0
		}
		return float64(is-was) / dt
	}
	f := figures{retransmits: rate(a.Retransmits, b.Retransmits)}
	for _, name := range on {
		was, seen := a.Devices[name]
		is, still := b.Devices[name]
		if !seen || !still {
			continue
		}
		f.errors += rate(was.Errors, is.Errors)
		f.drops += rate(was.Dropped, is.Dropped)
		f.denied += rate(was.Denied, is.Denied)
	}
	if all := rate(a.CPU, b.CPU); all > 0 {
		f.cpu = 100 * rate(a.SoftIRQ, b.SoftIRQ) / all
	}
	return f
}

// talking adds up the flows of the devices on, by the latest look of the last seconds that counted them; -1: there is none.
func (p past) talking(on []string) int {
	for i := len(p) - 1; i >= 0 && p[len(p)-1].At.Sub(p[i].At) < checkWindow; i-- {
		if p[i].Talking == nil {
			continue
		}
		n := 0
		for _, name := range on {
			n += p[i].Talking[name]
		}
		return n
	}
	return -1
}

// stoodStill reports whether this process, or the host, has just stood still or could not be looked at. Flows that ended before have
// no successors yet, whatever the policy does.
func (p past) stoodStill() bool {
	for i := len(p) - 1; i > 0 && p[len(p)-1].At.Sub(p[i].At) < flowsAgain; i-- {
		if p[i].At.Sub(p[i-1].At) > mostApart {
			return true
		}
	}
	return false
}

// normal is what the canary's devices did before the commit.
type normal struct {
	figures
	talking  int     // flows, -1: not known
	forecast float64 // packets a second that the review said would be denied on them
}

// normalOf takes all that is remembered.
func (p past) normalOf(on []string) (normal, error) {
	if p.span() < pastLeast {
		return normal{}, fmt.Errorf("a canary is held against what was before, and that is known for %s only: try again in a moment", p.span().Round(time.Second))
	}
	return normal{figures: figuresOf(&p[0], &p[len(p)-1], on), talking: p.talking(on)}, nil
}

// checks holds the looks since a time against what is normal.
func (p past) checks(n normal, on []string, since time.Time, l snap.CanaryLimits) []snap.CanaryCheck {
	if len(p) == 0 {
		return nil
	}
	last := p[len(p)-1].At
	if begin := last.Add(-checkWindow); begin.After(since) {
		since = begin
	}
	a, b, ok := p.window(since)
	if !ok {
		return nil
	}
	f := figuresOf(a, b, on)
	out := []snap.CanaryCheck{
		{Name: "errors/s", Before: n.errors, Now: f.errors, Limit: 2*n.errors + l.Errors},
		{Name: "drops/s", Before: n.drops, Now: f.drops, Limit: 2*n.drops + l.Drops},
		{Name: "denied/s", Before: n.denied, Now: f.denied, Limit: 2*(n.denied+n.forecast) + l.Denied},
		{Name: "retransmits/s", Before: n.retransmits, Now: f.retransmits, Limit: 2*n.retransmits + l.Retransmits},
		{Name: "irq cpu %", Before: n.cpu, Now: f.cpu, Limit: n.cpu + l.CPU},
	}
	if now := p.talking(on); n.talking >= leastFlows && now >= 0 && !p.stoodStill() {
		quiet := 100 * (1 - float64(now)/float64(n.talking))
		out = append(out, snap.CanaryCheck{Name: "quiet flows %", Now: max(0, quiet), Limit: l.Quiet})
	}
	for i := range out {
		out[i].Failed = out[i].Now > out[i].Limit
	}
	return out
}

// failure names the first check that failed, with figure and limit.
func failure(checks []snap.CanaryCheck) (why string, failed bool) {
	for _, c := range checks {
		if c.Failed {
			return fmt.Sprintf("%s is %.1f, the limit is %.1f, and it was %.1f before", c.Name, c.Now, c.Limit, c.Before), true
		}
	}
	return "", false
}
