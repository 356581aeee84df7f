// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/netip"
	"testing"

	"hooktop/netcfg/policy"
	"hooktop/probes/ktest"
)

// What peers encapsulate by themselves is what the lab's policy unwraps, and what others send stays outside for its reason.
func TestTunnelsAreWhatThePolicySays(t *testing.T) {
	f, err := policy.Parse(Tunnels)
	if err != nil {
		t.Fatal(err)
	}
	scene := ktest.Scene{Lines: f.ACL().Tunnels, Tunnel: func(port uint16) bool { return port == vxlanPort || port == genevePort }}
	for _, a := range append(innerAddrs(), hostWAN4, hostWAN6) {
		scene.Own = append(scene.Own, netip.MustParseAddr(a))
	}
	w := &wireEnd{own: [6]byte{2, 1}, far: [6]byte{2, 2}}
	four := rtp(vxlanFrom, vxlanTo)
	for why, packets := range map[string][]wrap{
		"": {inVXLAN(w, vxlanVNI, vxlanPeer, hostWAN4, four), inGeneve(w, geneveVNI, genevePeer, hostWAN4, rtp(geneveFrom4, geneveTo4)),
			inGeneve(w, geneveVNI, genevePeer, hostWAN4, rtp(geneveFrom6, geneveTo6))},
		"peer not allowed":         {inVXLAN(w, vxlanVNI, roguePeer, hostWAN4, four)},
		"VNI not allowed":          {inVXLAN(w, rogueVNI, vxlanPeer, hostWAN4, four)},
		"not ours":                 {inVXLAN(w, vxlanVNI, tagger6, hostWAN6, four)},
		"inner source not allowed": {inVXLAN(w, vxlanVNI, vxlanPeer, hostWAN4, rtp(pagesFrom, vxlanTo))},
		"inner source forged":      {inVXLAN(w, vxlanVNI, vxlanPeer, hostWAN4, rtp(vxlanTo, vxlanTo))},
	} {
		for _, p := range packets {
			frame := ethernet(w.far, w.own, nil, p.ip)
			got := ktest.Unwrap(ktest.Frame{Data: frame, Slot: 1, Tag: -1}, scene)
			if got.Why != why || got.Strip != (why == "") || got.Kind == 0 {
				t.Errorf("from %s: %q, unwrapped %v, want %q", p.flow.Src, got.Why, got.Strip, why)
			}
			if k := got.Outer.Key; k.Src.Netip() != p.flow.Src || k.Dst.Netip() != p.flow.Dst || k.SPort != p.flow.SPort || k.DPort != p.flow.DPort {
				t.Errorf("the outer packet is %+v, counted as %+v", k, p.flow)
			}
		}
	}
}
