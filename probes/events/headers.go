// SPDX-License-Identifier: Apache-2.0

package events

import (
	"net/netip"
	"slices"
	"time"

	"hooktop/probes/pcapng"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

const (
	perRule    = 64      // headers
	allBytes   = 4 << 20 // of all rules
	headerCost = 256     // bytes of memory beside a header's data, about
)

// headers are the last ones of each rule, by the key of its Decider.
type headers struct {
	rules map[string]*sampled
	bytes int
}

// sampled is what a rule hit last, the oldest first.
type sampled struct {
	list []header
	last time.Time
}

type header struct {
	snap.Header
	l3 bool
}

func (h *header) cost() int { return len(h.Data) + len(h.Text) + headerCost }

func newHeaders() headers { return headers{rules: map[string]*sampled{}} }

func (h *headers) add(p *Packet) {
	s := h.rules[p.By.Key]
	if s == nil {
		s = &sampled{}
		h.rules[p.By.Key] = s
	}
	one := header{snap.Header{At: p.At, Dev: p.Dev, Out: p.Key.Egress, Len: p.Len, Data: p.Data, Text: p.what()}, p.L3}
	if !p.Bare {
		one.Src, one.Dst = end(p.Key.Src, p.Key.SPort, &p.Key), end(p.Key.Dst, p.Key.DPort, &p.Key)
	}
	if len(s.list) >= perRule {
		h.bytes -= s.list[0].cost()
		s.list = slices.Delete(s.list, 0, 1)
	}
	// Rings are read one after another: what came on another CPU at the same time may be older.
	at := len(s.list)
	for at > 0 && s.list[at-1].At.After(one.At) {
		at--
	}
	s.list, s.last = slices.Insert(s.list, at, one), p.At
	h.bytes += one.cost()
	for h.bytes > allBytes && len(h.rules) > 1 {
		h.drop(p.By.Key)
	}
}

// drop forgets the rule that has been silent longest, and never this one.
func (h *headers) drop(never string) {
	oldest := ""
	for key, s := range h.rules {
		if key != never && (oldest == "" || s.last.Before(h.rules[oldest].last)) {
			oldest = key
		}
	}
	for i := range h.rules[oldest].list {
		h.bytes -= h.rules[oldest].list[i].cost()
	}
	delete(h.rules, oldest)
}

func end(a snap.Addr, port uint16, k *snap.FlowKey) netip.AddrPort {
	if !format.HasPorts(k.Proto) || k.Frag == snap.FragLater {
		port = 0
	}
	return netip.AddrPortFrom(a.Netip(), port)
}

// Headers are the last ones that a line denied, the newest first.
func (s *Store) Headers(key string) []snap.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []snap.Header
	if kept := s.headers.rules[key]; kept != nil {
		for i := range kept.list {
			out = append(out, kept.list[i].Header)
		}
	}
	slices.Reverse(out)
	return out
}

// Capture gives the same as packets of a capture file, the oldest first, with a comment each.
func (s *Store) Capture(key, comment string) []pcapng.Packet {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []pcapng.Packet
	if kept := s.headers.rules[key]; kept != nil {
		for i := range kept.list {
			h := &kept.list[i]
			out = append(out, pcapng.Packet{At: h.At, Dev: h.Dev, L3: h.l3, Out: h.Out, Len: h.Len, Data: h.Data, Comment: comment})
		}
	}
	return out
}
