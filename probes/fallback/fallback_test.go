// SPDX-License-Identifier: Apache-2.0

package fallback

import (
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"hooktop/probes/flows"
	"hooktop/probes/snap"
)

func addr(s string) snap.Addr { return snap.AddrFrom(netip.MustParseAddr(s)) }

type fakeHost struct {
	tracked           []snap.Tracked
	sockets           []snap.Socket
	trackErr, sockErr error
}

func (h *fakeHost) Tracked() ([]snap.Tracked, error) { return h.tracked, h.trackErr }
func (h *fakeHost) Sockets() ([]snap.Socket, error)  { return h.sockets, h.sockErr }

type world struct {
	*fakeHost
	src   *Source
	store *flows.Store
	now   time.Time
}

func newWorld(proc fstest.MapFS) *world {
	w := &world{fakeHost: &fakeHost{}, now: time.Unix(1000, 0)}
	w.src = New(Options{
		Host: w, Proc: proc, Now: func() time.Time { return w.now },
		Local: func() ([]snap.Addr, error) { return []snap.Addr{addr("192.0.2.1")}, nil },
	})
	w.store = flows.New(w.src, flows.Options{})
	return w
}

func (w *world) look(t *testing.T, dt time.Duration) []snap.Flow {
	t.Helper()
	w.now = w.now.Add(dt)
	if err := w.src.Refresh(); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Collect(w.now); err != nil {
		t.Fatal(err)
	}
	return w.store.Answer(w.now, snap.FlowQuery{Limit: 1 << 20, Sort: "source"}, nil).Rows
}

const procTCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20911 1 0000000000000000 100 0 0 10 0
   1: 010200C0:0016 0A0A0A0A:D431 01 00000000:00000000 02:000A7D3C 00000000  1000        0 44711 2 0000000000000000 20 4 30 10 -1
   2: garbage
`

const procTCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF0000010200C0:01BB 0000000000000000FFFF0000090A0A0A:1F90 01 00000000:00000000 00:00000000 00000000    33        0 77 1 0000000000000000
   1: B80D0120000000000000000001000000:0050 B80D0120000000000000000002000000:9C40 06 00000000:00000000 00:00000000 00000000    33        0 78 1 0000000000000000
`

func TestReadProcNet(t *testing.T) {
	got, err := ReadProcNet(fstest.MapFS{"net/tcp": {Data: []byte(procTCP)}, "net/tcp6": {Data: []byte(procTCP6)}})
	if err != nil {
		t.Fatal(err)
	}
	want := []snap.Socket{
		{Proto: 6, Local: addr("127.0.0.1"), LPort: 631, Peer: addr("0.0.0.0"), State: 10, Inode: 20911},
		{Proto: 6, Local: addr("192.0.2.1"), LPort: 22, Peer: addr("10.10.10.10"), PPort: 54321, State: 1, UID: 1000, Inode: 44711},
		{Proto: 6, Local: addr("192.0.2.1"), LPort: 443, Peer: addr("10.10.10.9"), PPort: 8080, State: 1, UID: 33, Inode: 77},
		{Proto: 6, Local: addr("2001:db8::1"), LPort: 80, Peer: addr("2001:db8::2"), PPort: 40000, State: 6, UID: 33, Inode: 78},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if _, err := ReadProcNet(fstest.MapFS{}); err == nil {
		t.Error("no file and no error")
	}
}

// The kernel's own file names the sockets of this test.
func TestReadProcNetOfThisHost(t *testing.T) {
	for _, network := range []string{"tcp4", "tcp6"} {
		l, err := net.Listen(network, map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0"}[network])
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c, err := net.Dial(network, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		list, err := ReadProcNet(os.DirFS("/proc"))
		if err != nil {
			t.Fatal(err)
		}
		local, peer := c.LocalAddr().(*net.TCPAddr).AddrPort(), c.RemoteAddr().(*net.TCPAddr).AddrPort()
		if !slices.ContainsFunc(list, func(s snap.Socket) bool {
			return s.Proto == 6 && s.State == 1 && s.Inode != 0 && s.Local == snap.AddrFrom(local.Addr()) && s.LPort == local.Port() &&
				s.Peer == snap.AddrFrom(peer.Addr()) && s.PPort == peer.Port()
		}) {
			t.Errorf("%s: %v → %v is not among %d sockets", network, local, peer, len(list))
		}
	}
}

func FuzzProcNet(f *testing.F) {
	f.Add(procTCP)
	f.Add(procTCP6)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseProcNet(strings.NewReader(text), 6)
		if err == nil && len(list) > strings.Count(text, "\n")+1 {
			t.Fatalf("%d sockets in %d lines", len(list), strings.Count(text, "\n")+1)
		}
	})
}

func TestTrackedConnectionsGiveBothDirectionsWithRates(t *testing.T) {
	w := newWorld(nil)
	c := snap.Tracked{Proto: 6, Src: addr("192.0.2.1"), Dst: addr("10.0.0.1"), SPort: 40000, DPort: 443, Packets: 10, Bytes: 1000, RPackets: 20, RBytes: 20000}
	w.tracked = []snap.Tracked{c}
	w.sockets = []snap.Socket{
		{Proto: 6, Local: c.Src, LPort: c.SPort, Peer: c.Dst, PPort: c.DPort, State: 1},
		{Proto: 6, Local: c.Src, LPort: 22, State: 10},
		{Proto: 17, Local: c.Src, LPort: 5353, Peer: addr("10.0.0.2"), PPort: 53, State: 1},
	}
	w.look(t, time.Second)
	for range 10 {
		w.tracked[0].Packets += 100
		w.tracked[0].Bytes += 10000
		w.tracked[0].RPackets += 200
		w.tracked[0].RBytes += 200000
		w.look(t, time.Second)
	}
	rows := w.look(t, 0)
	if len(rows) != 3 {
		t.Fatalf("%d rows: %+v", len(rows), rows)
	}
	for _, r := range rows {
		want := map[snap.Addr]float64{c.Src: 100, c.Dst: 200}[r.Key.Src]
		if r.Key.Proto == 17 {
			want = 0
		}
		if r.Key.Egress != (r.Key.Src == c.Src) || math.Abs(r.Rates[0].PPS-want) > 1e-3 || r.Unanswered {
			t.Errorf("%v: %v, want %v pps", r.Key, r.Rates[0], want)
		}
	}
	if got := w.store.Totals(); got.Packets != w.tracked[0].Packets+w.tracked[0].RPackets {
		t.Errorf("totals: %d packets", got.Packets)
	}
	if n := len(w.src.Limits()); n != 1 {
		t.Errorf("limits: %q", w.src.Limits())
	}
}

// Connections that come, count over 32 bits, go, and come back with the same addresses: totals are exact.
func TestTotalsAreExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 5))
	w := newWorld(nil)
	var gone, goneBytes uint64
	live := map[uint16]*snap.Tracked{}
	for range 300 {
		for port := range uint16(12) {
			switch c := live[port]; {
			case c == nil && rnd.IntN(3) == 0:
				live[port] = &snap.Tracked{Proto: 17, Src: addr("10.0.0.1"), Dst: addr("192.0.2.1"), SPort: 1000 + port, DPort: 53, Packets: 1, Bytes: 100}
			case c != nil && rnd.IntN(6) == 0:
				gone, goneBytes = gone+c.Packets+c.RPackets, goneBytes+c.Bytes+c.RBytes
				delete(live, port)
			case c != nil:
				n := uint64(rnd.IntN(1 << 30))
				c.Packets, c.Bytes, c.RPackets, c.RBytes = c.Packets+n, c.Bytes+n*100, c.RPackets+n/2, c.RBytes+n*50
			}
		}
		want, wantBytes := gone, goneBytes
		w.tracked = nil
		for _, c := range live {
			w.tracked = append(w.tracked, *c)
			want, wantBytes = want+c.Packets+c.RPackets, wantBytes+c.Bytes+c.RBytes
		}
		for _, r := range w.look(t, time.Second) {
			if r.Rates[0].PPS < 0 || r.Rates[0].PPS > 1<<31 {
				t.Fatalf("absurd rate %v of %v", r.Rates[0], r.Key)
			}
		}
		if got := w.store.Totals(); got.Packets != want || got.Bytes != wantBytes {
			t.Fatalf("totals %d/%d, want %d/%d", got.Packets, got.Bytes, want, wantBytes)
		}
	}
}

func TestLimitsSayWhatIsMissing(t *testing.T) {
	denied := errors.New("operation not permitted")
	w := newWorld(fstest.MapFS{"net/tcp": {Data: []byte(procTCP)}})
	w.trackErr, w.sockErr = denied, denied
	rows := w.look(t, time.Second)
	if len(rows) != 1 || rows[0].Key.DPort != 54321 || !rows[0].Key.Egress {
		t.Errorf("rows from /proc/net/tcp: %+v", rows)
	}
	text := strings.Join(w.src.Limits(), "\n")
	for _, want := range []string{"VLANs", "conntrack: operation not permitted: only this host's own connections", "sockets come from /proc/net"} {
		if !strings.Contains(text, want) {
			t.Errorf("limits do not say %q:\n%s", want, text)
		}
	}
	w.trackErr, w.tracked = nil, []snap.Tracked{{Proto: 6, Src: addr("10.0.0.1"), Dst: addr("10.0.0.2"), SPort: 1, DPort: 2}}
	w.look(t, time.Second)
	if text = strings.Join(w.src.Limits(), "\n"); !strings.Contains(text, "nf_conntrack_acct is 0") {
		t.Errorf("limits do not say that conntrack does not count:\n%s", text)
	}
	empty := newWorld(fstest.MapFS{})
	empty.trackErr, empty.sockErr = denied, denied
	if err := empty.src.Refresh(); !errors.Is(err, denied) {
		t.Errorf("nothing can be read: error %v", err)
	}
}
