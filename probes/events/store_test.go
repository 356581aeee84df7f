// SPDX-License-Identifier: Apache-2.0

package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
)

func deny() snap.Decider {
	return snap.Decider{Gen: 3, Line: 7, Key: "1\ndeny in tcp", Action: "deny", Text: "deny in tcp log \"known\"", Label: "known"}
}

// packet is the n-th of a flow for each n.
func packet(by snap.Decider, n int) *Packet {
	return &Packet{
		At: time.Unix(1000, int64(n)), By: by, Dev: "eth0", Len: 60, Log: true, Sample: true, Deny: true, Data: []byte{byte(n), byte(n >> 8)},
		Key: snap.FlowKey{Src: snap.AddrFrom(netip.MustParseAddr("203.0.113.9")), Dst: snap.AddrFrom(netip.MustParseAddr("10.0.0.22")),
			SPort: uint16(n), DPort: 22, Proto: 6, Dev: 1},
	}
}

func TestRepeatsOfAFlowAndRuleAreOneRow(t *testing.T) {
	s := NewStore()
	for _, p := range []*Packet{packet(deny(), 1), packet(deny(), 2), packet(deny(), 1)} {
		p.Missed = 5
		s.Packet(p)
	}
	s.Add(snap.Event{At: time.Unix(1001, 0), Kind: "keep", Text: "kept"})
	s.Add(snap.Event{At: time.Unix(1001, 0), Kind: "keep", Text: "kept"})
	rows := s.Rows()
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprintf("%d %s x%d -%d", r.Seq, r.Kind, r.Repeat, r.Missed))
	}
	if want := "2 deny x1 -5, 1 deny x2 -10, 3 keep x1 -0, 4 keep x1 -0"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
	if want := `deny tcp 203.0.113.9:1 > 10.0.0.22:22 in eth0 "known"`; rows[1].Text != want || rows[1].Line != 7 || rows[1].Gen != 3 {
		t.Errorf("%+v, want %q", rows[1], want)
	}
	s.Packet(packet(deny(), 2))
	if rows[0].Repeat != 1 || len(rows) != 4 {
		t.Error("rows that were handed out changed")
	}
}

// Two CPUs' rings are read one after the other.
func TestHeadersAreInOrder(t *testing.T) {
	s := NewStore()
	for _, n := range []int{1, 4, 5, 2, 3, 6, 6} {
		s.Packet(packet(deny(), n))
	}
	var got []int
	for _, h := range s.Headers(deny().Key) {
		got = append(got, int(h.Data[0]))
	}
	if want := []int{6, 6, 5, 4, 3, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestRowsAndHeadersHaveAnEnd(t *testing.T) {
	s := NewStore()
	for n := range 3 * maxRows {
		s.Packet(packet(deny(), n))
	}
	rows := s.Rows()
	if len(rows) != maxRows || rows[maxRows-1].Flow.SPort != 3*maxRows-1 || rows[0].Flow.SPort != 2*maxRows {
		t.Errorf("%d rows from %d to %d", len(rows), rows[0].Flow.SPort, rows[len(rows)-1].Flow.SPort)
	}
	list := s.Headers(deny().Key)
	if len(list) != perRule || list[0].Src.Port() != 3*maxRows-1 || list[perRule-1].Src.Port() != 3*maxRows-perRule {
		t.Errorf("%d headers from %v to %v", len(list), list[0].Src, list[len(list)-1].Src)
	}
	by := deny()
	busy := by
	busy.Key = "busy"
	for n := range 3 * allBytes / perRule / headerCost {
		by.Key = fmt.Sprint(n)
		for range perRule {
			p := packet(by, n)
			p.Log = false
			s.Packet(p)
		}
		b := packet(busy, n)
		b.Log = false
		s.Packet(b)
	}
	sum := 0
	for _, kept := range s.headers.rules {
		for i := range kept.list {
			sum += kept.list[i].cost()
		}
	}
	if sum != s.headers.bytes || sum > allBytes || sum < allBytes/2 {
		t.Errorf("%d bytes of headers, counted %d, at most %d", sum, s.headers.bytes, allBytes)
	}
	if len(s.Headers("0")) != 0 || len(s.Headers(by.Key)) != perRule || len(s.Headers("busy")) != perRule {
		t.Error("not the rules went that were silent longest")
	}
}

func TestCapturesAreHeadersWithTheRule(t *testing.T) {
	s := NewStore()
	for n := range 3 {
		s.Packet(packet(deny(), n))
	}
	list := s.Capture(deny().Key, "the rule")
	if len(list) != 3 || list[0].Comment != "the rule" || !bytes.Equal(list[2].Data, []byte{2, 0}) || list[0].Len != 60 || list[0].Dev != "eth0" {
		t.Errorf("%+v", list)
	}
	if s.Capture("none", "") != nil {
		t.Error("headers of nothing")
	}
}

func TestLinesAreOneObjectEach(t *testing.T) {
	hostile := deny()
	hostile.Label, hostile.Text = "a\nb\x1b[2J\"", "\u2028"
	bare := packet(deny(), 1)
	bare.Bare, bare.Key = true, snap.FlowKey{Dev: 1, Egress: true}
	ping := packet(deny(), 8<<8)
	ping.Key.Proto = 1
	limit := deny()
	limit.Action = "limit"
	passed := packet(limit, 1)
	passed.Deny = false
	dropped := packet(limit, 1)
	dropped.Limited = true
	for _, c := range []struct {
		p    *Packet
		want map[string]any
		not  string
	}{
		{packet(deny(), 4444), map[string]any{"kind": "deny", "verdict": "drop", "src": "203.0.113.9", "sport": 4444.0, "dport": 22.0, "proto": "tcp",
			"line": 7.0, "generation": 3.0, "rule": "deny in tcp log \"known\"", "label": "known", "dev": "eth0", "dir": "in", "bytes": 60.0, "missed": 0.0}, "icmp_type"},
		{packet(hostile, 1), map[string]any{"label": "a\nb\x1b[2J\"", "rule": "\u2028"}, ""},
		{bare, map[string]any{"dir": "out", "text": `deny a frame of 60 bytes without a flow out eth0 "known"`}, "src"},
		{ping, map[string]any{"icmp_type": 8.0, "icmp_code": 0.0, "sport": 0.0}, ""},
		{passed, map[string]any{"kind": "allow", "verdict": "pass"}, ""},
		{dropped, map[string]any{"kind": "limit", "verdict": "drop"}, ""},
	} {
		line := c.p.Line()
		got := map[string]any{}
		if err := json.Unmarshal(line, &got); err != nil || bytes.ContainsAny(line, "\n\x1b") {
			t.Fatalf("%q: %v", line, err)
		}
		if got["schema"] != Schema {
			t.Errorf("schema %v", got["schema"])
		}
		for k, v := range c.want {
			if got[k] != v {
				t.Errorf("%s: %s is %v, want %v", line, k, got[k], v)
			}
		}
		if _, there := got[c.not]; there {
			t.Errorf("%s has %s", line, c.not)
		}
	}
	if got := string(LostLine(time.Unix(0, 0), 3, "nowhere")); got != `{"schema":"hooktop.event/1","at":"1970-01-01T00:00:00Z","kind":"lost","text":"3 events lost: nowhere","lost":3}` {
		t.Error(got)
	}
}
