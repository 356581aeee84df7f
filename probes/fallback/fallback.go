// SPDX-License-Identifier: Apache-2.0

package fallback

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"

	"hooktop/probes/flows"
	"hooktop/probes/snap"
)

// Host is what the network namespace tells over netlink; part of probes.Host.
type Host interface {
	Sockets() ([]snap.Socket, error)
	Tracked() ([]snap.Tracked, error)
}

// Options of a Source.
type Options struct {
	Host  Host                        // nil: /proc/net only
	Proc  fs.FS                       // a directory with net/tcp and so on; nil: /proc
	Local func() ([]snap.Addr, error) // the host's own addresses; nil: asks the kernel
	Now   func() time.Time            // nil: time.Now
}

// Source is a flow table made of what the kernel tells without eBPF. Refresh reads, the other methods give what was
// read. Refresh may run on another goroutine than the rest.
type Source struct {
	o     Options
	began time.Time

	mu sync.Mutex

	entries map[flows.RawKey]*entry
	free    []uint32 // slots that were used before
	slots   uint32
	folded  flows.DeviceCount
	looks   uint32
	limits  []string
}

// entry is one direction of a connection.
type entry struct {
	slot           uint32
	look           uint32
	packets, bytes uint64
	last           uint32 // ms since began
	counted        bool   // conntrack counts it
}

var _ flows.Source = (*Source)(nil)

// New makes a source that is empty until Refresh.
func New(o Options) *Source {
	if o.Proc == nil {
		o.Proc = os.DirFS("/proc")
	}
	if o.Local == nil {
		o.Local = localAddrs
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Source{o: o, began: o.Now(), entries: map[flows.RawKey]*entry{}}
}

// Refresh reads connections and sockets. It fails only when neither can be read; what is missing then and otherwise is
// said by Limits.
func (s *Source) Refresh() error {
	tracked, trackErr := s.tracked()
	sockets, fromProc, sockErr := s.sockets()
	if trackErr != nil && sockErr != nil {
		return fmt.Errorf("read connections: %w", errors.Join(trackErr, sockErr))
	}
	local, localErr := s.o.Local()
	own := make(map[snap.Addr]bool, len(local))
	for _, a := range local {
		own[a] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	counts := false
	for i := range tracked {
		s.track(&tracked[i], own)
		counts = counts || tracked[i].Packets > 0
	}
	for i := range sockets {
		s.socket(&sockets[i])
	}
	s.sweep()
	s.limits = limits(trackErr, sockErr, localErr, fromProc, len(tracked) > 0 && !counts)
	return nil
}

func (s *Source) tracked() ([]snap.Tracked, error) {
	if s.o.Host == nil {
		return nil, errors.New("conntrack: nobody to ask")
	}
	t, err := s.o.Host.Tracked()
	if err != nil {
		return nil, fmt.Errorf("conntrack: %w", err)
	}
	return t, nil
}

// sockets asks sock_diag, and reads /proc/net where it refuses; fromProc is the refusal then.
func (s *Source) sockets() (list []snap.Socket, fromProc, err error) {
	fromProc = errors.New("nobody to ask")
	if s.o.Host != nil {
		if list, fromProc = s.o.Host.Sockets(); fromProc == nil {
			return list, nil, nil
		}
	}
	list, err = ReadProcNet(s.o.Proc)
	return list, fromProc, err
}

// track takes both directions of a connection. Behind NAT the answers have other addresses, which conntrack's original
// tuple does not show.
func (s *Source) track(t *snap.Tracked, own map[snap.Addr]bool) {
	k := snap.FlowKey{Src: t.Src, Dst: t.Dst, SPort: t.SPort, DPort: t.DPort, Proto: t.Proto, Egress: own[t.Src]}
	s.put(&k, t.Packets, t.Bytes, true)
	if t.Packets > 0 && t.RPackets == 0 {
		return // nothing came back
	}
	k.Src, k.Dst, k.SPort, k.DPort, k.Egress = t.Dst, t.Src, t.DPort, t.SPort, own[t.Dst]
	s.put(&k, t.RPackets, t.RBytes, true)
}

// socket takes a connected socket that conntrack did not name.
func (s *Source) socket(c *snap.Socket) {
	if c.PPort == 0 {
		return // listening or unconnected
	}
	k := snap.FlowKey{Src: c.Local, Dst: c.Peer, SPort: c.LPort, DPort: c.PPort, Proto: c.Proto, Egress: true}
	if e := s.entries[flows.Encode(&k)]; e != nil && e.look == s.looks {
		return
	}
	in := snap.FlowKey{Src: c.Peer, Dst: c.Local, SPort: c.PPort, DPort: c.LPort, Proto: c.Proto}
	if e := s.entries[flows.Encode(&in)]; e != nil && e.look == s.looks {
		return
	}
	s.put(&k, 0, 0, false)
}

func (s *Source) put(k *snap.FlowKey, packets, bytes uint64, counted bool) {
	key := flows.Encode(k)
	e := s.entries[key]
	if e == nil {
		e = &entry{slot: s.slot(), last: s.clock()}
		s.entries[key] = e
	}
	if packets < e.packets || bytes < e.bytes { // another connection with the same addresses and ports
		s.fold(&key, e)
	}
	if packets != e.packets || packets == 0 {
		e.last = s.clock()
	}
	e.packets, e.bytes, e.look, e.counted = packets, bytes, s.looks, counted
}

// sweep lets go of what was not met.
func (s *Source) sweep() {
	for key, e := range s.entries {
		if e.look != s.looks {
			s.fold(&key, e)
			s.free = append(s.free, e.slot)
			delete(s.entries, key)
		}
	}
}

func (s *Source) fold(k *flows.RawKey, e *entry) {
	c := &s.folded.FoldedIn
	if k.Decode().Egress {
		c = &s.folded.FoldedOut
	}
	c.Packets += e.packets
	c.Bytes += e.bytes
}

func (s *Source) slot() uint32 {
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		return slot
	}
	s.slots++
	return s.slots - 1
}

// clock is this source's jiffies: milliseconds since it was made.
func (s *Source) clock() uint32 { return uint32(s.o.Now().Sub(s.began) / time.Millisecond) }

// Scan implements flows.Source.
func (s *Source) Scan(_ func(slot uint32, print uint64) bool, yield func(*flows.Sample) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e flows.Sample
	for key, have := range s.entries {
		e = flows.Sample{Slot: have.slot, Key: key, Packets: uint32(have.packets), Bytes: have.bytes, Last: have.last}
		if !yield(&e) {
			return
		}
	}
}

// Slots implements flows.Source.
func (s *Source) Slots() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.slots)
}

// Since implements flows.Source.
func (s *Source) Since(ms uint32) time.Duration {
	return max(0, time.Duration(int32(s.clock()-ms))*time.Millisecond)
}

// Folded implements flows.Source: what vanished, and what does not fit into an entry's 32 bits.
func (s *Source) Folded() ([]flows.DeviceCount, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.folded
	for key, e := range s.entries {
		high := e.packets &^ (1<<32 - 1)
		if high == 0 {
			continue
		}
		if key.Decode().Egress {
			d.FoldedOut.Packets += high
		} else {
			d.FoldedIn.Packets += high
		}
	}
	return []flows.DeviceCount{d}, nil
}

// Limits says what cannot be known as of the last Refresh, one sentence each.
func (s *Source) Limits() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits
}

func limits(track, sock, local, fromProc error, silent bool) []string {
	out := []string{"without eBPF devices, VLANs, tunnels, fragments, TCP flags and malformed packets are unknown"}
	switch {
	case track != nil:
		out = append(out, fmt.Sprintf("%v: only this host's own connections are shown, without packets, bytes and rates", track))
	case silent:
		out = append(out, "conntrack does not count (net.netfilter.nf_conntrack_acct is 0): no packets, bytes and rates")
	}
	switch {
	case sock != nil:
		out = append(out, fmt.Sprintf("sockets: %v: connections that conntrack does not track are missing", sock))
	case fromProc != nil:
		out = append(out, fmt.Sprintf("sock_diag: %v: sockets come from /proc/net, without round trip times", fromProc))
	}
	if local != nil {
		out = append(out, fmt.Sprintf("own addresses: %v: every direction is shown as in", local))
	}
	return out
}

func localAddrs() ([]snap.Addr, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var out []snap.Addr
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To16() != nil {
			out = append(out, snap.Addr(n.IP.To16()))
		}
	}
	return out, nil
}
