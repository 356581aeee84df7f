// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"time"

	"hooktop/probes/snap"
)

const (
	// window is how far a rate looks back.
	window = 5 * time.Second
	// leastGap keeps the noise of two looks right after each other out of rates.
	leastGap = 200 * time.Millisecond
)

// counter is what a source said at one look. row.Total is its value.
type counter struct {
	row      snap.LedgerRow
	thing    uint64 // tells devices and queues of one name apart: ifindex, handle
	wraps    bool   // 32 bits wide
	level    bool   // no counter but a level: it has neither since nor rate
	headline bool   // shown even when it is zero
}

// key is the identity of a row.
type key struct{ stage, name, dev string }

// mark is what the book remembers of a row.
type mark struct {
	thing   uint64
	last    uint64
	since   uint64
	rate    float64
	samples []sample // oldest first; the last one is the latest look
	look    uint64   // the latest look that saw it
}

// sample is since at a time.
type sample struct {
	at    time.Time
	since uint64
}

// book does the arithmetic between looks.
type book struct {
	marks map[key]*mark
	look  uint64
}

// enter takes what all sources said at one look, fills in since and rate, and gives back the rows to be shown. whole says
// that no source failed: what is missing then is gone, and forgotten.
func (b *book) enter(now time.Time, counters []counter, whole bool) []snap.LedgerRow {
	if b.marks == nil {
		b.marks = map[key]*mark{}
	}
	b.look++
	var rows []snap.LedgerRow // few of the counters: most are zero
	for i := range counters {
		c := &counters[i]
		if !c.level {
			c.row.Since, c.row.Rate = b.follow(now, c)
		}
		if c.row.Total > 0 || c.headline {
			rows = append(rows, c.row)
		}
	}
	if whole {
		for k, m := range b.marks {
			if m.look != b.look {
				delete(b.marks, k)
			}
		}
	}
	return rows
}

// follow brings one row's mark up to date.
func (b *book) follow(now time.Time, c *counter) (since uint64, rate float64) {
	k := key{c.row.Stage, c.row.Name, c.row.Dev}
	m := b.marks[k]
	if m == nil {
		m = &mark{thing: c.thing, last: c.row.Total}
		b.marks[k] = m
	}
	if m.thing == c.thing {
		m.since += step(m.last, c.row.Total, c.wraps)
	}
	m.thing, m.last, m.look = c.thing, c.row.Total, b.look
	m.note(now)
	return m.since, m.rate
}

// step is how far a counter went. One that went back starts from its new value.
func step(last, now uint64, wraps bool) uint64 {
	switch {
	case now >= last:
		return now - last
	case wraps && last-now > 1<<31:
		return now + 1<<32 - last
	}
	return 0
}

// note adds a sample and computes the rate against the oldest one inside the window. After a pause that is longer the
// first rate is the average over the pause.
func (m *mark) note(now time.Time) {
	for len(m.samples) > 1 && now.Sub(m.samples[0].at) > window {
		m.samples = m.samples[1:]
	}
	if len(m.samples) > 0 {
		oldest := m.samples[0]
		if dt := now.Sub(oldest.at); dt >= leastGap {
			m.rate = float64(m.since-oldest.since) / dt.Seconds()
		}
		if now.Sub(m.samples[len(m.samples)-1].at) < leastGap {
			return
		}
	}
	if m.since == 0 {
		m.samples = m.samples[:0] // most counters never move: one sample of them is enough
	}
	m.samples = append(m.samples, sample{now, m.since})
}
