// SPDX-License-Identifier: Apache-2.0

package column

import (
	"net/netip"
	"testing"
	"time"

	"hooktop/probes/snap"
)

func hop() *snap.TraceEvent {
	addr := func(s string) snap.Addr { return snap.AddrFrom(netip.MustParseAddr(s)) }
	return &snap.TraceEvent{Packet: 7, SKB: 0xffff888100000000, Func: "tcp_v4_rcv", CPU: 3, Dev: "eth0", Len: 60, Mark: 0x10, HasKey: true,
		Key: snap.FlowKey{Src: addr("10.0.0.1"), Dst: addr("10.0.0.2"), SPort: 40000, DPort: 443, Proto: 6}, PID: 812, Comm: "nginx",
		Delta: 1500 * time.Microsecond, Drop: true, Reason: "NO_SOCKET"}
}

func TestTraceFilters(t *testing.T) {
	call := &snap.TraceEvent{Func: "tcp_init_sock", Comm: "curl", PID: 9, Args: "sk=0xffff888100000000"}
	cols := Traces()
	for _, c := range []struct {
		filter    string
		hop, call bool
	}{
		{"tcp_v4", true, false}, {"func:=tcp_init_sock", false, true}, {"pkt:7", true, false}, {"drop:yes", true, false},
		{"reason:no_sock", true, false}, {"dev:eth0", true, false}, {"src:10.0.0.0/8", true, false}, {"!src:10.0.0.0/8", false, true},
		{"port:443", true, false}, {"proto:tcp", true, false}, {"tcp", true, true}, {"delta:>1ms", true, false}, {"delta:>2ms", false, false},
		{"mark:16", true, false}, {"len:>50", true, false}, {"cpu:3", true, false}, {"pid:9", false, true}, {"args:sk=", false, true},
		{"host 10.0.0.2", true, false}, {"clone:no", true, true}, {"ret:>0", false, false}, {"process:=curl or port:443", true, true},
	} {
		f, err := cols.Parse(c.filter)
		if err != nil {
			t.Errorf("%s: %v", c.filter, err)
			continue
		}
		pass := f.Compile()
		if got := pass(TraceRow{hop()}); got != c.hop {
			t.Errorf("%s passes the packet's hop: %v", c.filter, got)
		}
		if got := pass(TraceRow{call}); got != c.call {
			t.Errorf("%s passes the call: %v", c.filter, got)
		}
	}
	if _, err := cols.Parse("fun:x"); err == nil || err.Error() != "fun: no such column — did you mean func:?" {
		t.Errorf("an unknown column: %v", err)
	}
}

// TestTraceCellsFilterThemselves: what + makes of a cell passes that row.
func TestTraceCellsFilterThemselves(t *testing.T) {
	cols := Traces()
	for i := range cols.All() {
		c := &cols.All()[i]
		term := c.Only(TraceRow{hop()})
		if term == "" {
			continue
		}
		f, err := cols.Parse(term)
		if err != nil || !f.Compile()(TraceRow{hop()}) {
			t.Errorf("%s: %q does not pass its own row: %v", c.Key, term, err)
		}
	}
}
