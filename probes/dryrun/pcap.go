// SPDX-License-Identifier: Apache-2.0

// Package dryrun runs packets through the programs that are attached to devices, without attaching them: instances of the
// same object over maps of their own (kern.Shadow), driven by BPF_PROG_TEST_RUN.
package dryrun

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// PcapResult is what became of the frames of a capture. Counts are of frames, bytes are frame lengths on the wire.
type PcapResult struct {
	Packets   uint64
	Verdicts  []Verdict
	Flows     []snap.Flow // most bytes first; no device, no rates
	Malformed []snap.Count
	Rules     []Hit         // of the policy's rules, by index; nil without a policy
	Default   Hit           // of what no rule decided
	Guard     []Hit         // of the guard's lines, by index
	Tunnels   []snap.Tunnel // most packets first; no device, no rates
	Legs      []LegHit      // every leg of the policy's chains, in their order
	Notes     []string      // frames that could not run whole, what was not there to be asked, and why
}

// Hit is what a rule decided, or passed when it only counts.
type Hit struct{ Packets, Bytes uint64 }

func (h *Hit) add(bytes int) {
	h.Packets++
	h.Bytes += uint64(bytes)
}

// LegHit is the frames that were marked on one leg of a chain.
type LegHit struct {
	Of acl.LegOf
	Hit
}

// Verdict is what became of one frame.
type Verdict struct {
	N       uint64 // frame number, from 1
	Verdict string // "pass", "drop"
	Rule    int    // line of the rule that decided, 0: none
	Guard   string // name of the guard's line that decided, "": none
	Reason  string // why it is malformed or no IP, "" for a frame of a flow
	Mark    string // that a chain gives it, "": none
	Chain   string // whose mark that is
	Leg     string // of the chain
}

// Limit of a frame in a capture file: BIG TCP's super-packets are below 512 KiB. More is a broken file.
const maxFrame = 1 << 20

// source is a pcap or pcapng reader.
type source interface {
	ZeroCopyReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

// RunPcap runs every frame of a pcap or pcapng stream, of Ethernet or raw IP frames, through the program, by a policy when
// there is a scene.
func RunPcap(r io.Reader, scene *Scene) (*PcapResult, error) {
	run, err := newRun(scene)
	if err != nil {
		return nil, err
	}
	defer run.close()
	if err := run.all(r); err != nil {
		return nil, err
	}
	return run.result(), run.close()
}

// all runs the frames of a stream.
func (r *run) all(stream io.Reader) error {
	src, linkType, err := open(stream)
	if err != nil {
		return err
	}
	for {
		data, info, err := src.ZeroCopyReadPacketData()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			r.out.Notes = append(r.out.Notes, fmt.Sprintf("the file ends inside frame %d", r.out.Packets+1))
			return nil
		}
		if err != nil {
			return fmt.Errorf("read frame %d: %w", r.out.Packets+1, err)
		}
		if info.Length > maxFrame {
			return fmt.Errorf("read frame %d: a length of %d bytes cannot be: the file is broken", r.out.Packets+1, info.Length)
		}
		if err := r.frame(data, info.Length, linkType(info)); err != nil {
			return err
		}
	}
}

// open recognises the format by its first bytes. The returned function tells a frame's link type.
func open(r io.Reader) (source, func(gopacket.CaptureInfo) layers.LinkType, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	magic, err := b.Peek(4)
	if err != nil {
		return nil, nil, fmt.Errorf("read capture: shorter than a pcap header: %w", err)
	}
	if [4]byte(magic) == [4]byte{0x0a, 0x0d, 0x0d, 0x0a} {
		ng, err := pcapgo.NewNgReader(b, pcapgo.NgReaderOptions{WantMixedLinkType: true})
		if err != nil {
			return nil, nil, fmt.Errorf("read pcapng header: %w", err)
		}
		return ng, func(info gopacket.CaptureInfo) layers.LinkType { return ngLinkType(ng, info) }, nil
	}
	p, err := pcapgo.NewReader(b)
	if err != nil {
		return nil, nil, fmt.Errorf("read pcap header: %w: no pcap and no pcapng file", err)
	}
	if n := p.Snaplen(); n == 0 || n > maxFrame {
		p.SetSnaplen(maxFrame) // a header's word is no reason to allocate gigabytes
	}
	return p, func(gopacket.CaptureInfo) layers.LinkType { return p.LinkType() }, nil
}

func ngLinkType(ng *pcapgo.NgReader, info gopacket.CaptureInfo) layers.LinkType {
	i, err := ng.Interface(info.InterfaceIndex)
	if err != nil {
		return ng.LinkType()
	}
	return i.LinkType
}

// isRaw tells link types apart: frames with and without an Ethernet header (www.tcpdump.org/linktypes.html).
func isRaw(t layers.LinkType) (raw bool, err error) {
	switch t {
	case layers.LinkTypeEthernet:
		return false, nil
	case layers.LinkTypeRaw, layers.LinkTypeIPv4, layers.LinkTypeIPv6, 12, 14: // DLT_RAW of Linux and of OpenBSD
		return true, nil
	}
	return false, fmt.Errorf("link type %d (%v) is neither Ethernet nor raw IP", int(t), t)
}

// run is one capture in the making.
type run struct {
	out       PcapResult
	judge     *judge                // nil: without a policy
	shadows   map[bool]*kern.Shadow // by rawness, opened when needed
	flows     map[kern.RawKey]*snap.Flow
	malformed map[string]uint64
	tunnels   map[tunnelKey]*snap.Tunnel
	cut       uint64 // frames run without their tail
	tiny      uint64 // frames judged here
}

func newRun(scene *Scene) (*run, error) {
	r := &run{shadows: map[bool]*kern.Shadow{}, flows: map[kern.RawKey]*snap.Flow{}, malformed: map[string]uint64{}, tunnels: map[tunnelKey]*snap.Tunnel{}}
	if scene == nil {
		return r, nil
	}
	r.out.Rules, r.out.Guard, r.out.Notes = make([]Hit, len(scene.Policy.Rules)), make([]Hit, len(scene.Policy.Guard)), scene.state()
	for i := range scene.Policy.Chains {
		for _, l := range scene.Policy.Chains[i].Legs() {
			r.out.Legs = append(r.out.Legs, LegHit{Of: acl.LegOf{Chain: i + 1, Kind: l.Kind}})
		}
	}
	var err error
	r.judge, err = openJudge(*scene)
	return r, err
}

func (r *run) frame(data []byte, wire int, t layers.LinkType) error {
	r.out.Packets++
	raw, err := isRaw(t)
	if err != nil {
		return fmt.Errorf("frame %d: %w", r.out.Packets, err)
	}
	wire = max(wire, len(data))
	found, err := r.find(data, wire, raw)
	if err != nil {
		return fmt.Errorf("frame %d: %w", r.out.Packets, err)
	}
	v := Verdict{N: r.out.Packets, Verdict: "pass"}
	outer := found
	if r.judge != nil {
		got, err := r.decide(&v, data, wire, raw)
		if err != nil {
			return fmt.Errorf("frame %d: %w", r.out.Packets, err)
		}
		if found.Tunnel = got.Tunnel; got.Tunnel != nil && got.Tunnel.Strips {
			found = got
			if raw {
				found.Bytes -= kern.ShadowMin // it was dressed
			}
		}
	}
	r.tunnel(&outer, &found, wire)
	switch {
	case found.Flow:
		r.count(found, &v)
	case found.Reason != "":
		v.Reason = found.Reason
		r.malformed[found.Reason]++
	default:
		v.Reason = "not_ip"
	}
	r.out.Verdicts = append(r.out.Verdicts, v)
	return nil
}

// find runs a frame through the program, or by hand where BPF_PROG_TEST_RUN takes none so short.
func (r *run) find(data []byte, wire int, raw bool) (kern.Found, error) {
	if len(data) < kern.ShadowMin {
		r.tiny++
		return kern.Found{Bytes: wire, Reason: tinyReason(data, raw)}, nil
	}
	if len(data) > kern.ShadowMax {
		r.cut++
		data = data[:kern.ShadowMax]
	}
	s := r.shadows[raw]
	if s == nil {
		var err error
		if s, err = kern.OpenShadow(raw); err != nil {
			return kern.Found{}, err
		}
		r.shadows[raw] = s
	}
	return s.Run(data, wire)
}

// tinyReason is what the parser says of frames shorter than an Ethernet header, which is less than any IP header too.
func tinyReason(data []byte, raw bool) string {
	switch {
	case !raw || len(data) == 0:
		return kern.Malformed(kern.MalformedShortEthernet)
	case data[0]>>4 == 4:
		return kern.Malformed(kern.MalformedShortIP4)
	case data[0]>>4 == 6:
		return kern.Malformed(kern.MalformedShortIP6)
	}
	return ""
}

// decide asks the policy about a frame. What is too short for the kernel's dry run is malformed, and falls under default.
func (r *run) decide(v *Verdict, data []byte, wire int, raw bool) (kern.Found, error) {
	length := wire
	if raw {
		data, wire = dressed(data), wire+kern.ShadowMin
	}
	got := kern.Judgement{By: acl.ByDefault, Index: -1}
	if len(data) < kern.ShadowMin {
		verdict, _ := r.judge.scene.Policy.Default(r.judge.scene.Dir)
		got.Deny = verdict == acl.Deny
	} else {
		var err error
		if got, err = r.judge.frame(data[:min(len(data), kern.ShadowMax)], wire); err != nil {
			return kern.Found{}, err
		}
	}
	p := &r.judge.scene.Policy
	if got.Deny {
		v.Verdict = "drop"
	}
	r.mark(v, got.Leg, length)
	for _, n := range got.Counted {
		r.out.Rules[n].add(length)
	}
	switch got.By {
	case acl.ByGuard:
		v.Guard = p.Guard[got.Index].Name
		r.out.Guard[got.Index].add(length)
	case acl.ByRule:
		v.Rule = p.Rules[got.Index].Line
		r.out.Rules[got.Index].add(length)
	default:
		_, v.Rule = p.Default(r.judge.scene.Dir)
		r.out.Default.add(length)
	}
	return got.Found, nil
}

// mark notes which leg of a chain a frame is on.
func (r *run) mark(v *Verdict, of acl.LegOf, length int) {
	i := slices.IndexFunc(r.out.Legs, func(l LegHit) bool { return l.Of == of })
	if i < 0 {
		return
	}
	c := &r.judge.scene.Policy.Chains[of.Chain-1]
	v.Mark, v.Chain, v.Leg = c.Marking(), c.Name, of.Kind.String()
	r.out.Legs[i].add(length)
}

func (r *run) count(found kern.Found, v *Verdict) {
	f := r.flows[found.Key]
	if f == nil {
		f = &snap.Flow{Key: found.Key.Decode(), Verdict: v.Verdict, Rule: v.Rule}
		f.Key.Dev, f.Key.Egress = 0, r.judge != nil && r.judge.scene.Dir == acl.Out
		r.flows[found.Key] = f
	}
	f.Packets++
	f.Bytes += uint64(found.Bytes)
	f.TCPFlags |= found.TCPFlags
}

func (r *run) result() *PcapResult {
	for _, f := range r.flows {
		r.out.Flows = append(r.out.Flows, *f)
	}
	sort.Slice(r.out.Flows, func(i, j int) bool { return before(&r.out.Flows[i], &r.out.Flows[j]) })
	for name, n := range r.malformed {
		r.out.Malformed = append(r.out.Malformed, snap.Count{Name: name, N: n})
	}
	sort.Slice(r.out.Malformed, func(i, j int) bool { return r.out.Malformed[i].Name < r.out.Malformed[j].Name })
	r.out.Tunnels = r.tunnelRows()
	if r.cut > 0 {
		r.out.Notes = append(r.out.Notes, fmt.Sprintf("%d frames above %d bytes ran without their tail; their whole length counts", r.cut, kern.ShadowMax))
	}
	if r.tiny > 0 {
		r.out.Notes = append(r.out.Notes, fmt.Sprintf("%d frames below %d bytes were judged in user space: the kernel runs none so short", r.tiny, kern.ShadowMin))
	}
	return &r.out
}

// before orders flows: most bytes first, then by key, so that a capture always gives the same output.
func before(a, b *snap.Flow) bool {
	if a.Bytes != b.Bytes {
		return a.Bytes > b.Bytes
	}
	ka, kb := kern.EncodeKey(a.Key), kern.EncodeKey(b.Key)
	return string(ka[:]) < string(kb[:])
}

// close gives the programs back; a second call does nothing.
func (r *run) close() error {
	errs := []error{r.judge.close()}
	for raw, s := range r.shadows {
		errs = append(errs, s.Close())
		delete(r.shadows, raw)
	}
	return errors.Join(errs...)
}
