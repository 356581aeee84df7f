// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"testing"

	"github.com/cilium/ebpf"

	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// rig is an engine in a namespace of its own, with a veth "v0" to a peer that sends.
type rig struct {
	t      *testing.T
	ns     *ktest.NS
	peer   *ktest.NS
	host   *nl.Host
	engine *Engine
	ended  chan error
	ids    map[uint32]bool // programs that were seen
}

// Addresses of the two ends of v0.
const (
	here  = "10.5.0.1"
	there = "10.5.0.2"
)

// newGround makes the namespaces. What the watched one holds is compared at the end of the test.
func newGround(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, ns: ktest.NewNS(t), peer: ktest.NewNS(t), ended: make(chan error, 1), ids: map[uint32]bool{}}
	r.veth("v0", here+"/24", there+"/24")
	r.ns.NetState(t)
	host, err := nl.At(r.ns.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	r.host = host
	return r
}

// veth connects the two namespaces once more; the peer's end has the same name.
func (r *rig) veth(name, addr, peerAddr string) {
	r.t.Helper()
	ktest.Veth(r.t, r.ns, name, r.peer, name)
	r.ns.Addr(r.t, name, addr)
	r.peer.Addr(r.t, name, peerAddr)
	r.ns.Up(r.t, name)
	r.peer.Up(r.t, name)
	r.ns.WaitUp(r.t, name)
	r.peer.WaitUp(r.t, name)
}

// rename takes the device down for it: before Linux 6.2 one that is up keeps its name.
func (r *rig) rename(from, to string) {
	r.t.Helper()
	l, err := r.ns.NL.LinkByName(from)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := errors.Join(r.ns.NL.LinkSetDown(l), r.ns.NL.LinkSetName(l, to), r.ns.NL.LinkSetUp(l)); err != nil {
		r.t.Fatalf("rename %s to %s: %v", from, to, err)
	}
}

// start runs an engine and returns its first frame after the start.
func (r *rig) start(cfg Config) *snap.Frame {
	r.t.Helper()
	r.engine = New(cfg, r.host)
	go func() { r.ended <- r.ns.Run(func() error { return r.engine.Run(r.t.Context()) }) }()
	r.t.Cleanup(func() { r.close() })
	f, err := r.engine.Started(r.t.Context())
	if err != nil {
		r.t.Fatalf("start: %v", err)
	}
	r.note(f)
	return f
}

// note remembers the programs of a frame, for close.
func (r *rig) note(f *snap.Frame) {
	for _, p := range f.Programs {
		r.ids[p.ID] = true
	}
}

// close ends the engine and checks that the kernel forgot its programs before Close returned.
func (r *rig) close() []snap.Status {
	r.t.Helper()
	report := r.engine.Close()
	for _, st := range report {
		if st.Outcome != snap.Detached {
			r.t.Errorf("detach: %+v", st)
		}
	}
	for id := range r.ids {
		if prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(id)); err == nil {
			prog.Close()
			r.t.Errorf("program %d is still in the kernel", id)
		}
	}
	return report
}

// until waits for a frame, for so long that what did not come is said before the whole run is over its time.
func (r *rig) until(what string, ok func(*snap.Frame) bool) *snap.Frame {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), ktest.Patience)
	defer cancel()
	r.engine.Ask(snap.Query{Focus: true, Hz: maxHz})
	var seq uint64
	for {
		f, err := r.engine.Next(ctx, seq)
		if err != nil {
			r.t.Fatalf("waiting for %s: %v", what, err)
		}
		r.note(f)
		if seq = f.Seq; ok(f) {
			return f
		}
	}
}

// all takes a frame with every row.
func (r *rig) all() *snap.Frame {
	r.t.Helper()
	f, err := r.engine.Snapshot(r.t.Context(), snap.Query{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.note(f)
	return f
}

// packets counts those of a UDP flow by its destination port, in one direction on one device ("": any).
func packets(f *snap.Frame, dport uint16, egress bool, device string) uint64 {
	var n uint64
	for _, row := range f.Flows.Rows {
		if row.Key.Proto == 17 && row.Key.DPort == dport && row.Key.Egress == egress && (device == "" || row.Device == device) {
			n += row.Packets
		}
	}
	return n
}

// watched reports whether so many programs sit on a device.
func watched(f *snap.Frame, name string, programs int) bool {
	n := 0
	for _, p := range f.Programs {
		if p.Dev == name && p.State == "attached" {
			n++
		}
	}
	return n == programs
}

// device of a frame by name, nil when it is not watched.
func iface(f *snap.Frame, name string) *snap.Interface {
	for i := range f.Interfaces {
		if f.Interfaces[i].Name == name {
			return &f.Interfaces[i]
		}
	}
	return nil
}
