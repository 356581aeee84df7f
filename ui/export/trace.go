// SPDX-License-Identifier: Apache-2.0

package export

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Event is a snap.TraceEvent under the names of DESIGN 3. Additions are fine, renames are not.
type Event struct {
	Schema  string   `json:"schema"`
	AtNs    uint64   `json:"at_ns"` // CLOCK_MONOTONIC
	Packet  int      `json:"packet"`
	Clone   bool     `json:"clone"`
	SKB     string   `json:"skb"` // hexadecimal: JSON numbers end at 2^53
	Func    string   `json:"func"`
	CPU     int      `json:"cpu"`
	Dev     string   `json:"dev"`
	Len     int      `json:"len"`
	Mark    uint32   `json:"mark"`
	Src     string   `json:"src"`
	SPort   uint16   `json:"sport"`
	Dst     string   `json:"dst"`
	DPort   uint16   `json:"dport"`
	Proto   string   `json:"proto"`
	PID     int      `json:"pid"`
	Comm    string   `json:"comm"`
	DeltaNs int64    `json:"delta_ns"`
	Drop    bool     `json:"drop"`
	Reason  string   `json:"reason"`
	Ret     *int64   `json:"ret"` // null unless the function's end
	TookNs  *int64   `json:"took_ns,omitempty"`
	Args    string   `json:"args,omitempty"`
	Stack   []string `json:"stack,omitempty"`
	NetNS   uint32   `json:"netns"` // inode of the network namespace, 0: not known
}

// NewEvent fills an Event. Text from outside is cleaned.
func NewEvent(e *snap.TraceEvent) Event {
	o := Event{Schema: "hooktop.trace/1", AtNs: e.AtNs, Packet: e.Packet, Clone: e.Clone, Func: format.Clean(e.Func), CPU: e.CPU,
		Dev: format.Clean(e.Dev), Len: e.Len, Mark: e.Mark, NetNS: e.NetNS, PID: e.PID, Comm: format.Clean(e.Comm), DeltaNs: int64(e.Delta),
		Drop: e.Drop, Reason: format.Clean(e.Reason), Args: format.Clean(e.Args), Stack: Stack(e)}
	if e.SKB != 0 {
		o.SKB = address(e.SKB)
	}
	if e.HasKey {
		k := &e.Key
		o.Src, o.Dst, o.Proto = k.Src.String(), k.Dst.String(), strings.ToLower(format.Proto(k.Proto))
		if format.HasPorts(k.Proto) {
			o.SPort, o.DPort = k.SPort, k.DPort
		}
	}
	if e.Return {
		o.Ret = &e.Ret
		if e.Took > 0 {
			took := int64(e.Took)
			o.TookNs = &took
		}
	}
	return o
}

func address(v uint64) string { return fmt.Sprintf("0x%016x", v) }

// Stack names the frames of an event, innermost first; those without a name are addresses.
func Stack(e *snap.TraceEvent) []string {
	var out []string
	for i := range max(len(e.Stack), len(e.StackIDs)) {
		name := ""
		if i < len(e.Stack) {
			name = format.Clean(e.Stack[i])
		}
		if name == "" && i < len(e.StackIDs) {
			name = address(e.StackIDs[i])
		}
		out = append(out, name)
	}
	return out
}

// EventJSON is an event as one line.
func EventJSON(e *snap.TraceEvent) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(NewEvent(e)); err != nil { // numbers and strings only: it can't
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// EventText is an event as one line for a ticket.
func EventText(e *snap.TraceEvent) string {
	var b strings.Builder
	b.WriteString(e.At.Format("15:04:05.000000"))
	if e.Packet > 0 {
		fmt.Fprintf(&b, " packet %d", e.Packet)
	}
	fmt.Fprintf(&b, " %s cpu %d %s[%d]", format.Clean(e.Func), e.CPU, format.Clean(e.Comm), e.PID)
	if e.Delta > 0 {
		b.WriteString(" +" + format.Nanos(e.Delta))
	}
	if e.HasKey {
		fmt.Fprintf(&b, " %s > %s %s", format.Endpoint(&e.Key, false), format.Endpoint(&e.Key, true), format.Proto(e.Key.Proto))
	}
	if e.SKB != 0 {
		fmt.Fprintf(&b, " len %d", e.Len)
	}
	if e.Dev != "" {
		b.WriteString(" dev " + format.Clean(e.Dev))
	}
	if e.Mark != 0 {
		fmt.Fprintf(&b, " mark %#x", e.Mark)
	}
	for _, word := range []string{Verdict(e), format.Clean(e.Args)} {
		if word != "" {
			b.WriteString(" " + word)
		}
	}
	return b.String()
}

// Verdict says what became of the packet or the call there: "drop NO_SOCKET", "ret 0 in 1.20µs", "clone"; "" for a mere hop.
func Verdict(e *snap.TraceEvent) string {
	var parts []string
	switch {
	case e.Drop && e.Reason != "":
		parts = append(parts, "drop "+format.Clean(e.Reason))
	case e.Drop:
		parts = append(parts, "drop")
	case e.Reason != "":
		parts = append(parts, format.Clean(e.Reason))
	}
	if e.Return {
		text := "ret " + strconv.FormatInt(e.Ret, 10)
		if e.Took > 0 {
			text += " in " + format.Nanos(e.Took)
		}
		parts = append(parts, text)
	}
	if e.Clone {
		parts = append(parts, "clone")
	}
	return strings.Join(parts, ", ")
}

// EventCSV gives the head and the cells of events.
func EventCSV(rows []snap.TraceEvent) ([]byte, error) {
	head := []string{"at_ns", "packet", "clone", "skb", "func", "cpu", "dev", "len", "mark", "src", "sport", "dst", "dport", "proto",
		"pid", "comm", "delta_ns", "drop", "reason", "ret", "took_ns", "args", "stack", "netns"}
	number := func(v *int64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatInt(*v, 10)
	}
	return CSV(head, len(rows), func(i int) []string {
		o := NewEvent(&rows[i])
		return []string{fmt.Sprint(o.AtNs), fmt.Sprint(o.Packet), fmt.Sprint(o.Clone), o.SKB, o.Func, fmt.Sprint(o.CPU), o.Dev, fmt.Sprint(o.Len),
			fmt.Sprint(o.Mark), o.Src, fmt.Sprint(o.SPort), o.Dst, fmt.Sprint(o.DPort), o.Proto, fmt.Sprint(o.PID), o.Comm, fmt.Sprint(o.DeltaNs),
			fmt.Sprint(o.Drop), o.Reason, number(o.Ret), number(o.TookNs), o.Args, strings.Join(o.Stack, " < "), fmt.Sprint(o.NetNS)}
	})
}

// SessionText sums a trace up in one line: what it saw, what it lost, by which means and why not by a better one.
func SessionText(s *snap.TraceSession) string {
	parts := []string{
		format.Plural(uint64(s.Packets), "packet"),
		format.Plural(s.Events, "event"),
		format.Count(s.Filtered) + " filtered",
		lost(s.Lost),
	}
	if s.Sampled > 0 {
		parts = append(parts, format.Count(s.Sampled)+" passed over by sampling")
	}
	if s.Means != "" {
		parts = append(parts, fmt.Sprintf("%d of %d attached by %s", s.Attached, s.Wanted, format.Clean(s.Means)))
	}
	if s.Within {
		parts = append(parts, "this network namespace only (filter \"netns all\" for all)")
	}
	if s.MeansWhy != "" {
		parts = append(parts, format.Clean(s.MeansWhy))
	}
	for _, c := range s.Failed {
		parts = append(parts, format.Count(c.N)+" not attached: "+format.Clean(c.Name))
	}
	if s.Why != "" {
		parts = append(parts, format.Clean(s.Why))
	}
	return strings.Join(parts, ", ")
}

func lost(list []snap.Count) string {
	if len(list) == 0 {
		return "0 lost"
	}
	var parts []string
	for _, c := range list {
		parts = append(parts, format.Clean(c.Name)+" "+format.Count(c.N))
	}
	return format.Count(Sum(list)) + " lost (" + strings.Join(parts, ", ") + ")"
}

// Sum adds counts up.
func Sum(list []snap.Count) uint64 {
	var n uint64
	for _, c := range list {
		n += c.N
	}
	return n
}
