// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/probes"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// town is a client, a firewall and an upstream server around the host of a bench.
type town struct {
	*bench
	client, firewall, upstream *ktest.NS
	server                     string // address and port
}

const (
	townChain  = "chain fw in v-lan match tcp to any port 443 service via 10.9.0.2 dev v-fw0 return v-fw1 mark 0x10/0xf0 upstream via 10.2.0.2 dev v-wan fail "
	townChain6 = "chain fw in v-lan match tcp to any port 443 service via 2001:db8:9::2 dev v-fw0 return v-fw1 mark 0x10/0xf0 upstream via 2001:db8:2::2 dev v-wan fail "
)

func newTown(t *testing.T) *town {
	n := &town{
		bench:  &bench{t: t, done: make(chan error, 1), ctx: t.Context(), here: ktest.OpenNS(t, "/proc/self/ns/net")},
		client: ktest.NewNS(t), firewall: ktest.NewNS(t), upstream: ktest.NewNS(t),
	}
	for _, key := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
		n.here.Sysctl(t, key, "1")
		n.firewall.Sysctl(t, key, "1")
	}
	for _, scope := range []string{"all", "default"} {
		n.here.Sysctl(t, "ipv4/conf/"+scope+"/rp_filter", "0")
		n.here.Sysctl(t, "ipv6/conf/"+scope+"/accept_dad", "0")
	}
	n.server = "10.2.0.2:443"
	join := func(dev string, other *ktest.NS, far, net4, net6 string) {
		ktest.Veth(t, n.here, dev, other, far)
		n.here.OffloadsOff(t, dev)
		other.OffloadsOff(t, far)
		for i, at := range []string{dev, far} {
			ns := []*ktest.NS{n.here, other}[i]
			ns.Addr(t, at, strings.Replace(net4, "x", strconv.Itoa(i+1), 1))
			ns.Addr(t, at, strings.Replace(net6, "x", strconv.Itoa(i+1), 1))
		}
	}
	join("v-lan", n.client, "c0", "10.1.0.x/24", "2001:db8:1::x/64")
	join("v-fw0", n.firewall, "f0", "10.9.0.x/30", "2001:db8:9::x/126")
	join("v-fw1", n.firewall, "f1", "10.9.1.x/30", "2001:db8:a::x/126")
	join("v-wan", n.upstream, "u0", "10.2.0.x/24", "2001:db8:2::x/64")
	n.client.Route(t, "::/0", "2001:db8:1::1")
	n.upstream.Route(t, "::/0", "2001:db8:2::1")
	n.firewall.Route(t, "::/0", "2001:db8:a::1")
	n.firewall.Route(t, "2001:db8:1::/64", "2001:db8:9::1")
	n.client.Route(t, "0.0.0.0/0", "10.1.0.1")
	n.upstream.Route(t, "0.0.0.0/0", "10.2.0.1")
	n.firewall.Route(t, "0.0.0.0/0", "10.9.1.1")
	n.firewall.Route(t, "10.1.0.0/24", "10.9.0.1")
	return n
}

// newChainedTown has the town's chain kept, fail closed, and nothing moves any more.
func newChainedTown(t *testing.T) *town {
	n := newTown(t)
	n.open()
	n.trial(townChain + "closed\n")
	n.keepTrial()
	n.calm()
	return n
}

// open starts the engine with the Chain tab in view, and the server.
func (n *town) open() {
	n.t.Helper()
	n.openWith(Options{}, onKern)
}

// openWith puts something between the engine and the service.
func (n *town) openWith(o Options, between func(*Service) probes.Policy) {
	n.t.Helper()
	n.run(o, between)
	n.e.Ask(snap.Query{Tab: snap.ChainTab, Focus: true, Hz: 10})
	n.serve()
}

// serve answers connections with what they sent, until the test ends.
func (n *town) serve() {
	l := n.upstream.ListenTCP(n.t, n.server)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
}

// visit makes a connection, sends a line and reads it back.
func (n *town) visit(i int) error {
	c := n.client.DialTCP(n.t, "", n.server)
	defer c.Close()
	want := fmt.Sprintf("visit %d", i)
	if _, err := io.WriteString(c, want); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(c)
	if err == nil && string(got) != want {
		err = fmt.Errorf("%q came back for %q", got, want)
	}
	return err
}

// packets are the TCP packets at one place and direction, by what a router must not change.
type packets map[[32]byte]int

// place records both directions of a device.
type place struct {
	mu      sync.Mutex
	in, out packets
	stop    func()
}

func (n *town) record(ns *ktest.NS, dev string) *place {
	p := &place{in: packets{}, out: packets{}}
	c := ns.CaptureEach(n.t, dev, func(frame []byte, egress bool) {
		var ip []byte
		switch {
		case len(frame) >= 34 && binary.BigEndian.Uint16(frame[12:]) == 0x0800 && frame[23] == acl.TCP:
			ip = append(ip, frame[14:14+int(binary.BigEndian.Uint16(frame[16:]))]...)
			ip[8], ip[10], ip[11] = 0, 0, 0 // TTL and the header's checksum
		case len(frame) >= 54 && binary.BigEndian.Uint16(frame[12:]) == 0x86dd && frame[20] == acl.TCP:
			ip = append(ip, frame[14:54+int(binary.BigEndian.Uint16(frame[18:]))]...)
			ip[7] = 0 // hop limit
		default:
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if egress {
			p.out[sha256.Sum256(ip)]++
		} else {
			p.in[sha256.Sum256(ip)]++
		}
	})
	p.stop = func() { c.Stop(n.t) }
	return p
}

// same compares what left one place with what arrived at another.
func (n *town) same(what string, a, b packets) {
	n.t.Helper()
	missing, extra, total := 0, 0, 0
	for k, m := range a {
		total += m
		if d := m - b[k]; d > 0 {
			missing += d
		}
	}
	for k, m := range b {
		if d := m - a[k]; d > 0 {
			extra += d
		}
	}
	if missing+extra > 0 || total == 0 {
		n.t.Errorf("%s: of %d packets %d are missing, and %d are others or came twice", what, total, missing, extra)
	}
}

func TestChainTakesEachPacketThroughTheFirewallOnce(t *testing.T) {
	for _, mode := range []string{"tc", "generic", "native"} {
		t.Run(mode, func(t *testing.T) { everyPacketOnce(t, mode, false) })
	}
	t.Run("ipv6", func(t *testing.T) { everyPacketOnce(t, "generic", true) })
}

func everyPacketOnce(t *testing.T, mode string, six bool) {
	if !ktest.Inside(t) {
		return
	}
	n, line := newTown(t), townChain
	n.mode = mode
	if six {
		n.server, line = "[2001:db8:2::2]:443", townChain6
	}
	n.open()
	if d := n.wait("a frame", func(f *snap.Frame) bool { return len(f.Interfaces) == 4 }).Interfaces[0]; string(d.Mode) != mode {
		t.Fatalf("%s is watched by %s: %s", d.Name, d.Mode, d.Why)
	}
	n.trial(line + "closed\n")
	n.keepTrial()
	client, f0, f1, server := n.record(n.client, "c0"), n.record(n.firewall, "f0"), n.record(n.firewall, "f1"), n.record(n.upstream, "u0")
	few := 200
	if testing.Short() {
		few = 20
	}
	visits := ktest.Rounds(t, few)
	for i := range visits {
		if err := n.visit(i); err != nil {
			t.Fatal(err)
		}
	}
	f := n.wait("the counters of all legs", func(f *snap.Frame) bool {
		if len(f.Chains.Rows) != 1 || len(f.Chains.Rows[0].Legs) != 4 {
			return false
		}
		l := f.Chains.Rows[0].Legs
		return l[0].Packets >= uint64(4*visits) && l[0].Packets == l[1].Packets && l[2].Packets >= uint64(4*visits) && l[2].Packets == l[3].Packets
	})
	if !six {
		n.lineage(mode)
	}
	for _, p := range []*place{client, f0, f1, server} {
		p.stop()
	}
	n.same("client to firewall", client.out, f0.in)
	n.same("through the firewall", f0.in, f1.out)
	n.same("firewall to upstream", f1.out, server.in)
	n.same("upstream to firewall", server.out, f1.in)
	n.same("back through the firewall", f1.in, f0.out)
	n.same("firewall to client", f0.out, client.in)
	t.Logf("%d packets there, %d back; legs %+v", len(client.out), len(client.in), f.Chains.Rows[0].Legs)
}

// lineage follows a packet on its way to the service.
func (n *town) lineage(mode string) {
	n.t.Helper()
	q := snap.Query{Tab: snap.ChainTab, Focus: true, Hz: 10, Flows: snap.FlowQuery{Limit: 100}}
	n.e.Ask(q)
	n.wait("a flow to the server", func(f *snap.Frame) bool {
		for _, r := range f.Flows.Rows {
			if r.Key.DPort == 443 && r.Device == "v-lan" && !r.Key.Egress {
				q.Flows.Follow = r.Key
				return true
			}
		}
		return false
	})
	n.e.Ask(q)
	f := n.wait("its lineage", func(f *snap.Frame) bool { return len(f.Chains.Lineage) == 5 })
	first := "metadata: XDP notes"
	if mode == "tc" {
		first = "metadata: none"
	}
	for i, want := range []string{first, "mark: 0x10/0xf0, chain fw: to service", "rule: 7400: from all fwmark 0x10/0xf0 iif v-lan lookup 267400 proto 199 (in place)",
		"table: default via 10.9.0.2 dev v-fw0", "device: v-fw0, next hop 10.9.0.2 (ok)"} {
		if got := f.Chains.Lineage[i]; !strings.HasPrefix(got, want) {
			n.t.Errorf("lineage: %q, want %q", got, want)
		}
	}
}

func (n *town) keepTrial() {
	n.t.Helper()
	n.do(snap.Intent{Kind: snap.KeepPolicy})
	n.wait("the kept policy", func(f *snap.Frame) bool { return f.Policy.Kept != 0 && f.Policy.Trial.Gen == 0 })
}
