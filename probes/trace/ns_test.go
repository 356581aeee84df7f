// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
	"hooktop/probes/trace/functions"
)

// ground is two namespaces joined by a veth, far from everybody's traffic.
type ground struct {
	here, there *ktest.NS
	from        *ktest.NS // where sessions begin, nil: in the initial namespace
	dev         string    // of here; no other process has one of this name
	cat         *functions.Catalog
}

const (
	hereAddr   = "10.97.0.1"
	thereAddr  = "10.97.0.2"
	hereAddr6  = "2001:db8:97::1"
	thereAddr6 = "2001:db8:97::2"
)

// readCatalog reads the kernel's types once for all tests: an emulated CPU needs a second for it.
var readCatalog = sync.OnceValues(func() (*functions.Catalog, error) { return functions.Load(functions.Options{}) })

func catalog(t *testing.T) *functions.Catalog {
	t.Helper()
	cat, err := readCatalog()
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func newGround(t *testing.T) *ground {
	t.Helper()
	if _, err := exec.LookPath("bpftool"); err == nil { // a bare guest has no commands to list its state with
		ktest.HostState(t)
	}
	g := &ground{here: ktest.NewNS(t), there: ktest.NewNS(t), dev: fmt.Sprintf("v0-%d", os.Getpid()), cat: catalog(t)}
	ktest.Veth(t, g.here, g.dev, g.there, "v1")
	g.here.Addr(t, g.dev, hereAddr+"/24")
	g.there.Addr(t, "v1", thereAddr+"/24")
	g.introduce(t, hereAddr, thereAddr)
	return g
}

// introduce makes two addresses neighbours for good: a packet that waited for an answer would be sent by whoever hears it.
func (g *ground) introduce(t *testing.T, here, there string) {
	t.Helper()
	g.here.Neighbour(t, g.dev, there, g.there.MAC(t, "v1"))
	g.there.Neighbour(t, "v1", here, g.here.MAC(t, g.dev))
}

// run starts a session and returns it when it is attached. It ends with the test at the latest.
func (g *ground) run(t *testing.T, spec snap.TraceSpec) (s *Session, end func() (snap.TraceSession, []snap.TraceEvent)) {
	t.Helper()
	var events []snap.TraceEvent
	begin := func() error {
		s = New(g.cat, spec, func(more []snap.TraceEvent) error {
			events = append(events, more[:min(len(more), 1000-len(events))]...) // a guest has little memory
			return nil
		})
		return nil
	}
	if g.from != nil {
		g.from.Do(t, begin)
	} else if err := begin(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ended := false
	end = func() (snap.TraceSession, []snap.TraceEvent) {
		t.Helper()
		if !ended {
			ended = true
			stopped := time.Now()
			defer func() { t.Logf("detached after %v", time.Since(stopped).Round(time.Millisecond)) }()
			s.Stop("told to")
			if err := <-done; err != nil {
				t.Errorf("run: %v", err)
			}
			cancel()
		}
		return s.State(), events
	}
	t.Cleanup(func() { end() })
	begun := time.Now()
	waitFor(t, "the trace", func() bool { return s.State().State != snap.TraceAttaching })
	t.Logf("attached after %v", time.Since(begun).Round(time.Millisecond))
	if st := s.State(); st.State == snap.TraceFailed { // a short one may be over
		t.Fatalf("%v: %s", st.State, st.Why)
	}
	return s, end
}

// waitFor looks again and again until what the kernel does beside the test has happened.
func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	late, again := time.After(60*time.Second), time.NewTicker(2*time.Millisecond)
	defer again.Stop()
	for !happened() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("waited 60 s for %s", what)
		}
	}
}

// saw reports whether a running session has such an event of a packet: what follows the first one may happen on another CPU, later.
func saw(s *Session, packet int, ok func(e snap.TraceEvent) bool) bool {
	return slices.ContainsFunc(s.View(snap.TraceQuery{Packet: packet, Follow: true, Limit: maxRows}).Rows, ok)
}

func came(s *Session, packet int, name string) bool {
	return saw(s, packet, func(e snap.TraceEvent) bool { return e.Func == name })
}

// byFunctions says whether a session hooks functions.
func byFunctions(st snap.TraceSession) bool {
	return st.Means == string(byMulti) || st.Means == string(byKprobe)
}

// show prints events as an operator would read them.
func show(t *testing.T, events []snap.TraceEvent) {
	t.Helper()
	var b strings.Builder
	for i := range events {
		e := &events[i]
		dir := ""
		if e.Return {
			dir = " returned"
		}
		if e.Clone {
			dir += " clone"
		}
		if e.Drop {
			dir += " drop " + e.Reason
		}
		fmt.Fprintf(&b, "\n%9v pkt %d skb %x cpu %d %s %s len %d proto %d %v:%d > %v:%d %s(%d)%s %s", time.Duration(e.AtNs-events[0].AtNs), e.Packet,
			e.SKB&0xffffff, e.CPU, e.Func, e.Dev, e.Len, e.Key.Proto, e.Key.Src, e.Key.SPort, e.Key.Dst, e.Key.DPort, e.Comm, e.PID, dir, e.Args)
	}
	t.Log(b.String())
}

// ping sends one echo request from here.
func (g *ground) ping(t *testing.T) {
	t.Helper()
	g.here.Do(t, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		request := []byte{8, 0, 0, 0, 0x12, 0x34, 0, 1, 'h', 'o', 'o', 'k', 't', 'o', 'p', '.'}
		var sum uint32
		for i := 0; i < len(request); i += 2 {
			sum += uint32(request[i])<<8 | uint32(request[i+1])
		}
		sum = ^(sum>>16 + sum&0xffff)
		request[2], request[3] = byte(sum>>8), byte(sum)
		to := netip.MustParseAddr(thereAddr).As4()
		if err := unix.Sendto(fd, request, 0, &unix.SockaddrInet4{Addr: to}); err != nil {
			return err
		}
		var reply [256]byte
		_, err = unix.Read(fd, reply[:])
		return err
	})
}

// way checks that a packet came by these functions, in this order, others between them, and that its events follow each other.
func way(t *testing.T, events []snap.TraceEvent, packet int, want ...string) {
	t.Helper()
	at := 0
	var last *snap.TraceEvent
	for i := range events {
		e := &events[i]
		if e.Packet != packet {
			continue
		}
		if last != nil && (e.AtNs < last.AtNs || e.Delta != time.Duration(e.AtNs-last.AtNs)) || last == nil && e.Delta != 0 {
			t.Errorf("packet %d, %s: %v after the event before it, at %d", packet, e.Func, e.Delta, e.AtNs)
		}
		if last = e; at < len(want) && e.Func == want[at] {
			at++
		}
	}
	if at < len(want) {
		t.Errorf("packet %d never came by %s, or not in this order: %v", packet, want[at], want)
	}
}

// hooked says whether functions can be traced here; tracepoints must do else, and the session says why.
func (g *ground) hooked(t *testing.T, st snap.TraceSession) bool {
	t.Helper()
	if byFunctions(st) == (g.cat.Lacks() != "") || (st.MeansWhy == "") != (st.Means == string(byMulti)) {
		t.Errorf("by %s, because %q", st.Means, st.MeansWhy)
	}
	if st.Attached != st.Wanted || len(st.Failed) > 0 || st.Attached == 0 {
		t.Errorf("%d of %d attached: %+v", st.Attached, st.Wanted, st.Failed)
	}
	return byFunctions(st)
}

// tracepoints of a packet that crosses the veth.
func crossing() []string {
	return []string{"net:net_dev_queue", "net:net_dev_start_xmit", "net:netif_rx", "net:netif_receive_skb"}
}

func TestAPingsJourney(t *testing.T) {
	g := newGround(t)
	s, end := g.run(t, snap.TraceSpec{Pattern: snap.JourneyPreset, Filter: "icmp host " + thereAddr})
	g.ping(t)
	waitFor(t, "both packets' ends", func() bool {
		if byFunctions(s.State()) {
			return came(s, 1, "icmp_echo") && came(s, 2, "icmp_rcv")
		}
		return came(s, 1, "skb:consume_skb") && came(s, 2, "skb:kfree_skb") && came(s, 2, "skb:consume_skb")
	})
	st, events := end()
	show(t, events)
	if st.Packets != 2 || len(st.Lost) > 0 || events[0].Key.SPort != 8<<8 || events[0].Key.Dst != addr(thereAddr) {
		t.Errorf("%+v", st)
	}
	if !g.hooked(t, st) {
		way(t, events, 1, append(crossing(), "skb:consume_skb")...)
		way(t, events, 2, append(crossing(), "skb:kfree_skb", "skb:consume_skb")...)
	} else {
		sent := []string{"ip_output", "ip_finish_output", "ip_finish_output2", "__dev_queue_xmit", "dev_hard_start_xmit",
			"enqueue_to_backlog", "__netif_receive_skb", "ip_rcv", "ip_local_deliver", "ip_protocol_deliver_rcu", "icmp_rcv"}
		way(t, events, 1, append(sent, "icmp_echo")...)
		way(t, events, 2, sent...)
	}
	clone := func(e snap.TraceEvent) bool { return e.Packet == 2 && e.Clone }
	if !slices.ContainsFunc(events, clone) { // for the raw socket that waits for the reply
		t.Error("the clone of the reply did not join its journey")
	}
}

func TestATCPConnectsJourney(t *testing.T) {
	g := newGround(t)
	g.there.ListenTCP(t, thereAddr+":8080")
	s, end := g.run(t, snap.TraceSpec{Pattern: snap.JourneyPreset, Filter: "tcp port 8080"})
	g.here.DialTCP(t, "", thereAddr+":8080")
	waitFor(t, "the handshake", func() bool {
		if byFunctions(s.State()) {
			return came(s, 3, "tcp_rcv_state_process")
		}
		return came(s, 3, "net:netif_receive_skb")
	})
	st, events := end()
	show(t, events)
	if st.Packets != 3 || len(st.Lost) > 0 {
		t.Errorf("%+v", st)
	}
	want := crossing()
	if g.hooked(t, st) {
		want = []string{"__ip_local_out", "ip_output", "ip_finish_output", "ip_finish_output2", "__dev_queue_xmit", "dev_hard_start_xmit",
			"enqueue_to_backlog", "__netif_receive_skb", "ip_rcv", "ip_local_deliver", "ip_protocol_deliver_rcu", "tcp_v4_rcv", "tcp_rcv_state_process"}
	}
	for packet := 1; packet <= 3; packet++ {
		way(t, events, packet, want...)
	}
}

func TestADropHasItsReason(t *testing.T) {
	g := newGround(t)
	s, end := g.run(t, snap.TraceSpec{Pattern: "@drops", Filter: "udp dst host " + thereAddr + " port 4242", Stack: true})
	g.here.SendUDP(t, hereAddr+":0", thereAddr+":4242", []byte("nobody listens"), 3)
	waitFor(t, "three drops", func() bool { return s.State().Events >= 3 })
	st, events := end()
	if st.Packets != 3 || len(events) != 3 || st.MeansWhy != "" {
		t.Fatalf("%+v", st)
	}
	reason := "NO_SOCKET"
	if g.cat.DropReason(6) == "" { // before Linux 5.17 there are none
		reason = ""
	}
	for _, e := range events {
		if !e.Drop || e.Reason != reason || !strings.HasPrefix(e.Args, "in ") || !strings.Contains(e.Args, "udp") || e.Dev != "v1" || len(e.StackIDs) < 3 {
			t.Errorf("%+v", e)
		}
	}
	view := s.View(snap.TraceQuery{Limit: 10, Cursor: 2})
	if len(view.Rows) != 3 || view.Cursor != 1 || view.Rows[0].Stack != nil || !strings.Contains(strings.Join(view.Rows[1].Stack, " "), "udp") {
		t.Errorf("%+v", view)
	}
}

func TestCallsWithoutAPacketShowTheirArguments(t *testing.T) {
	g := newGround(t)
	g.there.ListenTCP(t, thereAddr+":8081")
	s, end := g.run(t, snap.TraceSpec{Pattern: "@connect", Filter: "tcp port 8081"})
	g.here.DialTCP(t, "", thereAddr+":8081")
	waitFor(t, "the connect", func() bool { return s.State().Events > 0 })
	st, events := end()
	show(t, events)
	g.hooked(t, st)
	call := func(e snap.TraceEvent) bool {
		return e.SKB == 0 && e.HasKey && e.Key.DPort == 8081 && strings.Contains(e.Args, "0xff")
	}
	if !slices.ContainsFunc(events, call) {
		t.Errorf("none of %d calls tells its socket", len(events))
	}
}

// Returns come after their call, with what the function returned and how long it took, also for functions within each other.
func TestReturnsBelongToTheirCalls(t *testing.T) {
	g := newGround(t)
	pattern := "ip_rcv,ip_local_deliver,icmp_rcv,__dev_queue_xmit"
	if g.cat.Lacks() != "" {
		pattern = "net:netif_receive_skb,net:net_dev_queue"
	}
	s, end := g.run(t, snap.TraceSpec{Pattern: pattern, Filter: "icmp host " + thereAddr, Latency: true})
	g.ping(t)
	waitFor(t, "both packets", func() bool { return s.State().Packets >= 2 })
	if s.State().Spec.Ret {
		last := func(e snap.TraceEvent) bool { return e.Func == "ip_rcv" && e.Return }
		waitFor(t, "the last returns", func() bool { return saw(s, 1, last) && saw(s, 2, last) })
	}
	st, events := end()
	show(t, events)
	if !st.Spec.Ret {
		if st.MeansWhy == "" || slices.ContainsFunc(events, func(e snap.TraceEvent) bool { return e.Return }) {
			t.Errorf("no returns, and %q says why", st.MeansWhy)
		}
		return
	}
	want := map[string]int64{"ip_rcv": 0, "ip_local_deliver": 0, "icmp_rcv": 0, "__dev_queue_xmit": 0} // NET_RX_SUCCESS, NET_XMIT_SUCCESS
	calls := map[string]snap.TraceEvent{}
	for _, e := range events {
		key := fmt.Sprint(e.Packet, e.Func)
		call, open := calls[key]
		switch {
		case e.Func == "skb:kfree_skb":
		case !e.Return:
			calls[key] = e
		case !open || e.Took != time.Duration(e.AtNs-call.AtNs) || e.Took <= 0 || e.Ret != want[e.Func] && e.Packet == 1 || e.SKB != call.SKB:
			t.Errorf("%s of packet %d returned %d after %v; it was called %v before", e.Func, e.Packet, e.Ret, e.Took, time.Duration(e.AtNs-call.AtNs))
		default:
			delete(calls, key)
		}
	}
	if len(calls) > 0 || len(st.Lost) > 0 {
		t.Errorf("calls that did not return: %v; %+v", calls, st)
	}
}

func TestBadWishesSayWhatIsWrong(t *testing.T) {
	cat := catalog(t)
	for _, c := range []struct{ pattern, filter, want string }{
		{"skb:kfree_skp", "", "kfree_skb"},
		{"@nothing", "", "@drops"},
		{"", "", "empty"},
		{"skb:kfree_skb", "prot 6", "column 1"},
		{"sock:no*such", "", "matches nothing"},
	} {
		s := New(cat, snap.TraceSpec{Pattern: c.pattern, Filter: c.filter}, nil)
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) || s.State().State != snap.TraceFailed {
			t.Errorf("%q, %q: %v, %+v", c.pattern, c.filter, err, s.State())
		}
		<-s.Done()
	}
}
