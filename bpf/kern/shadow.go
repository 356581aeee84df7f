// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"hooktop/bpf"
	"hooktop/netcfg/acl"
)

// Limits of a frame that BPF_PROG_TEST_RUN takes: an Ethernet header at least (net/bpf/test_run.c); at most what fits
// into a page of 4 KiB with its headroom and skb_shared_info, which is all that the program sees in one piece.
const (
	ShadowMin = 14
	ShadowMax = 3456
)

// Shadow runs frames through the same program that is attached to devices, over maps of its own. Not for concurrent use.
type Shadow struct {
	p      *Pipeline
	shared bool // p is somebody else's
	prog   *ebpf.Program
	mem    []byte
	io     *bpf.XdpShadowIo
}

// Found is what the program made of one frame.
type Found struct {
	Flow     bool
	Key      RawKey // when Flow
	TCPFlags uint8
	Bytes    int          // counted
	Reason   string       // why the frame is malformed, "" when it is not
	Tunnel   *FoundTunnel // nil: it is in none
}

// FoundTunnel is what the program made of a frame in a tunnel. When it Strips, Found is about the packet inside.
type FoundTunnel struct {
	Kind   acl.TunnelKind
	VNI    uint32
	HasVNI bool
	Why    string // why it is not unwrapped, "" when it is, or only counts
	Strips bool
	Line   int     // index of the policy's tunnel line that speaks of it, -1: none
	Inner  *RawKey // of the flow inside, nil: there is none, or it is not counted
	Bytes  int     // of what is inside
}

// OpenShadow loads the XDP program as a dry run's, for frames with or without an Ethernet header.
func OpenShadow(l3 bool) (*Shadow, error) {
	p, err := Open(Options{Flows: 4096, Shadow: true})
	if err != nil {
		return nil, err
	}
	s := &Shadow{p: p}
	if err := s.load(l3); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Shadow) load(l3 bool) error {
	m := s.p.maps[bpf.XdpMapHtShadow]
	mem, err := unix.Mmap(m.FD(), 0, int(unsafe.Sizeof(*s.io)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map dry run's frame record into memory: %w", err)
	}
	s.mem, s.io = mem, (*bpf.XdpShadowIo)(unsafe.Pointer(unsafe.SliceData(mem)))
	s.prog, err = s.p.instance(Device{Name: "dry run", Slot: 1, L3: l3}, XDPGeneric, forDryRun, ebpf.ProgramOptions{})
	return err
}

// Run runs one frame of ShadowMin to ShadowMax bytes; wire is its length on the wire when it was cut.
func (s *Shadow) Run(frame []byte, wire int) (Found, error) {
	s.io.Len = uint32(max(wire, len(frame)))
	if _, err := s.run(frame, 1); err != nil {
		return Found{}, fmt.Errorf("run a frame of %d bytes: %w", len(frame), err)
	}
	f := Found{Bytes: int(s.io.Counted)}
	switch found := bpf.XdpMalformed(s.io.Found); {
	case found == bpf.XdpMalformedMAL_NONE:
		f.Flow, f.Key, f.TCPFlags = true, *(*RawKey)(unsafe.Pointer(&s.io.Key)), uint8(s.io.TcpFlags)
	case found < bpf.XdpMalformedMAL_MAX:
		f.Reason = Malformed(int(found))
	}
	f.Tunnel = s.tunnel()
	return f, nil
}

// maxInterrupted is how often a run is tried that signals interrupt: more of them in a row are no accident.
const maxInterrupted = 1000

// run runs a frame so many times in one call and gives the mean time of a run. Signals interrupt it (Go preempts by them, a child ends with
// one): several runs are then begun anew, and of a single one Linux before 5.13 tells neither the action nor the time.
func (s *Shadow) run(frame []byte, repeat int) (time.Duration, error) {
	for range maxInterrupted {
		before := s.io.Runs
		action, took, err := s.prog.Benchmark(frame, repeat, func() { before = s.io.Runs })
		if err != nil {
			return 0, err
		}
		ran := s.io.Runs - before
		if action == xdpPass && ran == uint32(repeat) {
			return took, nil
		}
		if untold := repeat == 1 && action == 0 && ran == 1; !untold {
			return 0, fmt.Errorf("%d runs gave action %d and %d reports", repeat, action, ran)
		}
	}
	return 0, fmt.Errorf("interrupted %d times in a row", maxInterrupted)
}

// tunnel is what the program said about the tunnel that a frame is in.
func (s *Shadow) tunnel() *FoundTunnel {
	if s.io.Tunnel == 0 {
		return nil
	}
	t := &FoundTunnel{Kind: acl.TunnelKind(s.io.Tunnel), VNI: s.io.Vni, HasVNI: s.io.HasVni != 0, Why: TunnelError(int(s.io.TunnelWhy)),
		Strips: s.io.Strips != 0, Line: -1, Bytes: int(s.io.InnerLen)}
	if why := bpf.XdpTunnelError(s.io.TunnelWhy); s.io.InnerFound == 1 && (why == bpf.XdpTunnelErrorTERR_NONE || why == bpf.XdpTunnelErrorTERR_CRITICAL) {
		k := *(*RawKey)(unsafe.Pointer(&s.io.Inner))
		t.Inner = &k
	}
	if s.io.Gen != 0 { // who judges by a generation holds the lock
		if by, index, ok := s.p.policy.what(s.io.Gen, uint16(s.io.TunnelHit)); ok && by == acl.ByTunnel {
			t.Line = index
		}
	}
	return t
}

const xdpPass = 2

// Close gives everything back.
func (s *Shadow) Close() error {
	var errs []error
	if s.mem != nil {
		errs = append(errs, unix.Munmap(s.mem))
		s.mem, s.io = nil, nil
	}
	if s.prog != nil {
		errs = append(errs, s.prog.Close())
		s.prog = nil
	}
	if !s.shared {
		errs = append(errs, s.p.Close())
	}
	return errors.Join(errs...)
}
