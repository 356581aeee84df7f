// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/compile"
)

// Scene is where and by what packets are judged.
type Scene struct {
	Policy acl.Policy   // with the guard's lines; the zero value lets everything pass
	Dir    acl.Dir      // In or Out
	Dev    string       // that packets are on, "": one that no rule names
	Own    []netip.Addr // the host's own addresses, which no packet inside a tunnel may come from
}

// slot is the device's; the dry run has one.
const slot = 1

// judge asks the programs about one policy. Nothing remains in them from frame to frame: no flow was seen before, every
// bucket is full.
type judge struct {
	scene Scene
	p     *kern.Pipeline
	gen   uint32
}

func openJudge(scene Scene) (*judge, error) {
	o := compile.Options{Devices: map[string]uint16{}, Now: time.Now()}
	if scene.Dev != "" {
		o.Devices[scene.Dev] = slot
	}
	img, err := compile.Compile(&scene.Policy, o)
	if err != nil {
		return nil, err
	}
	j := &judge{scene: scene}
	if j.p, err = kern.Open(kern.Options{Flows: 4096}); err != nil {
		return nil, err
	}
	if err := j.p.SetOwn(scene.Own); err != nil {
		return nil, errors.Join(err, j.close())
	}
	if j.gen, err = j.p.WritePolicy(img); err != nil {
		return nil, errors.Join(err, j.close())
	}
	return j, nil
}

// frame judges one frame of Ethernet, of kern.ShadowMin to kern.ShadowMax bytes; wire is its length when it was cut.
func (j *judge) frame(data []byte, wire int) (kern.Judgement, error) {
	out, err := j.p.JudgePolicy(j.gen, []kern.Judge{{Frame: data, Wire: wire, Egress: j.scene.Dir == acl.Out, Slot: slot}})
	if err != nil {
		return kern.Judgement{}, err
	}
	if len(out) != 1 {
		return kern.Judgement{}, fmt.Errorf("judge a frame: %d answers", len(out))
	}
	return out[0], nil
}

// etherUnknown is no protocol's number (IEEE local experimental).
const etherUnknown = 0x88b5

// dressed gives a frame without Ethernet header one: policies are judged on Ethernet.
func dressed(ip []byte) []byte {
	kind := uint16(etherUnknown)
	if len(ip) > 0 {
		switch ip[0] >> 4 {
		case 4:
			kind = etherIP4
		case 6:
			kind = etherIP6
		}
	}
	return append(binary.BigEndian.AppendUint16(linkAddrs(), kind), ip...)
}

func (j *judge) close() error {
	if j == nil || j.p == nil {
		return nil
	}
	err := j.p.Close()
	j.p = nil
	return err
}

// state says what the answers leave out, for those who judged by rules that ask for it.
func (s *Scene) state() []string {
	var notes []string
	var established, limit bool
	for i := range s.Policy.Rules {
		r := &s.Policy.Rules[i]
		established = established || !r.Off && r.Established
		limit = limit || !r.Off && r.Action == acl.Limit
	}
	if established {
		notes = append(notes, "the flow table was absent: established matched nothing")
	}
	if limit {
		notes = append(notes, "the buckets of limit rules were full: no packet was one too many")
	}
	return notes
}

// Explained is what the programs made of one described packet.
type Explained struct {
	Verdict acl.Action // Allow or Deny
	By      acl.By
	Index   int        // of the deciding rule or guard line, -1: the default
	Counted []int      // indexes of the count rules that were passed
	Leg     acl.LegOf  // of the chain that marks it
	Found   acl.Packet // what the parser read in the frame
	Bytes   int        // of the frame
	Reason  string     // why the frame is malformed, "" when it is not
	Notes   []string   // what was not there to be asked
	Tunnel  *Tunnel    // nil: it is in none
}

// Explain builds the packet and runs the programs on it. own are the addresses of the host that it arrives at.
func Explain(p acl.Policy, k acl.Packet, own []netip.Addr) (out Explained, err error) {
	frame, err := Build(&p, k)
	if err != nil {
		return Explained{}, err
	}
	scene := Scene{Policy: p, Dir: k.Dir, Dev: k.Dev, Own: own}
	j, err := openJudge(scene)
	if err != nil {
		return Explained{}, err
	}
	defer func() { err = errors.Join(err, j.close()) }()
	got, err := j.frame(frame, len(frame))
	if err != nil {
		return Explained{}, err
	}
	out = Explained{Tunnel: tunnelOf(got.Tunnel), Verdict: acl.Allow, By: got.By, Index: got.Index, Counted: got.Counted, Leg: got.Leg, Bytes: len(frame), Reason: got.Reason, Notes: scene.state()}
	if got.Deny {
		out.Verdict = acl.Deny
	}
	switch {
	case got.Flow:
		out.Found = packetOf(got.Key.Decode(), k.Dir, k.Dev)
	case got.Reason != "":
		out.Found = acl.Packet{Dir: k.Dir, Dev: k.Dev, Malformed: true}
	default:
		out.Found = acl.Packet{Dir: k.Dir, Dev: k.Dev, NotIP: true}
	}
	return out, nil
}
