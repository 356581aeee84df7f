// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	maxRate  = 10_000_000 // a second: a token costs 100 ns, the grain of the fastest wire
	maxBurst = 1_000_000
)

func (p *parser) rate(r *Rule) {
	const form = "write rate 500/s per source burst 100"
	t, ok := p.value("rate: the figure", form)
	if !ok {
		return
	}
	figure, unit, cut := strings.Cut(t.text, "/")
	per := unitOf(unit)
	n, err := strconv.ParseUint(figure, 10, 32)
	switch {
	case !digits(figure):
		p.fail(t.at, "rate: "+quote(figure)+" is no number", form)
		return
	case !cut:
		p.fail(t.at, "rate: "+clip(t.text)+" has no unit", "write "+clip(t.text)+"/s")
		return
	case per == 0:
		p.fail(t.at, "rate: "+quote(unit)+" is no unit", "s, m or h")
		return
	case err != nil || n == 0 || n > uint64(maxRate*(per/time.Second)) || n > 1<<31:
		p.fail(t.at, "rate: "+clip(figure)+" is out of range", fmt.Sprintf("1 to %d a second", maxRate))
		return
	}
	r.Rate.N, r.Rate.Per = uint32(n), per
	if !p.accept("per") {
		p.fail(p.peek().at, "rate: per source is missing", "each source address has a bucket of its own: "+clip(t.text)+" per source")
		return
	}
	if t := p.peek(); !p.accept("source") {
		p.fail(t.at, "rate: per "+quote(t.text)+" is not known", "per source is the only one")
	}
}

func unitOf(word string) time.Duration {
	switch word {
	case "s":
		return time.Second
	case "m":
		return time.Minute
	case "h":
		return time.Hour
	}
	return 0
}

func (p *parser) burst(r *Rule) {
	t, ok := p.value("burst: the figure", "write burst 100")
	if !ok {
		return
	}
	n, err := strconv.ParseUint(t.text, 10, 32)
	switch {
	case !digits(t.text):
		p.fail(t.at, "burst: "+quote(t.text)+" is no number", "write burst 100")
	case err != nil || n == 0 || n > maxBurst:
		p.fail(t.at, "burst: "+clip(t.text)+" is out of range", fmt.Sprintf("1 to %d", maxBurst))
	}
	r.Rate.Burst = uint32(n)
}

// defaultBurst is what comes in a second, at least 1.
func defaultBurst(r Rate) uint32 {
	return uint32(min(max(1, int64(r.N)/int64(r.Per/time.Second)), maxBurst))
}

const (
	maxExpiry = 366 * 24 * time.Hour
	day       = 24 * time.Hour
	tooLong   = "is too long"
)

func (p *parser) expires(r *Rule) {
	const form = "write expires 15m or expires 2030-01-31T12:00:00Z"
	t, ok := p.value("expires: the time", form)
	if !ok {
		return
	}
	if strings.ContainsAny(t.text, "T:Z") || strings.Count(t.text, "-") > 1 {
		at, err := time.Parse(time.RFC3339, t.text)
		switch {
		case err != nil && !strings.Contains(t.text, "T"):
			p.fail(t.at, "expires: "+quote(t.text)+" has no time of day", "write "+clip(t.text)+"T00:00:00Z")
		case err != nil && strings.IndexFunc(t.text[strings.Index(t.text, "T"):], isZone) < 0:
			p.fail(t.at, "expires: "+quote(t.text)+" has no zone", "write "+clip(t.text)+"Z for UTC")
		case err != nil:
			p.fail(t.at, "expires: "+quote(t.text)+" is no time", form)
		case at.Nanosecond() != 0:
			p.fail(t.at, "expires: "+quote(t.text)+" has parts of a second", "whole seconds only")
		case at.UTC().Year() < 2000 || at.UTC().Year() > 2200:
			p.fail(t.at, "expires: the year of "+quote(t.text)+" is out of range", "2000 to 2200")
		default:
			r.Expires.At = at.UTC()
		}
		return
	}
	const span = "1s to 366d; without expires a rule stays"
	after, msg := parseSpan(t.text)
	switch {
	case msg == tooLong:
		p.fail(t.at, "expires: "+quote(t.text)+" "+msg, span)
	case msg != "":
		p.fail(t.at, "expires: "+quote(t.text)+" "+msg, form)
	case after <= 0 || after > maxExpiry:
		p.fail(t.at, "expires: "+quote(t.text)+" is out of range", span)
	default:
		r.Expires.After = after
	}
}

func isZone(c rune) bool { return c == 'Z' || c == '+' || c == '-' }

var spanUnits = []struct {
	letter string
	span   time.Duration
}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

// parseSpan reads 90s, 15m, 1h30m, 2d.
func parseSpan(word string) (time.Duration, string) {
	var sum time.Duration
	for rest := word; rest != ""; {
		n := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if n == 0 {
			return 0, "is no span of time"
		}
		figure, err := strconv.ParseInt(rest[:n], 10, 32)
		if err != nil {
			return 0, tooLong
		}
		if rest = rest[n:]; rest == "" {
			return 0, "has no unit"
		}
		unit := time.Duration(0)
		for _, u := range spanUnits {
			if rest[:1] == u.letter {
				unit = u.span
			}
		}
		if unit == 0 {
			return 0, "is no span of time"
		}
		// Before the product, which could run over.
		if figure > int64(maxExpiry/unit)+1 {
			return 0, tooLong
		}
		sum += time.Duration(figure) * unit
		if sum > 2*maxExpiry {
			return 0, tooLong
		}
		rest = rest[1:]
	}
	return sum, ""
}

// spanText is the canonical form of a span: the largest units first.
func spanText(d time.Duration) string {
	var b strings.Builder
	for _, u := range spanUnits {
		if n := d / u.span; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.letter)
			d -= n * u.span
		}
	}
	return b.String()
}
