// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// maxPriced is how many packets stand for all in a price.
const maxPriced = 16

// pricedRounds is how often both sides of a price are measured by turns. The least of each counts: who comes first finds cold caches, and
// what the host does meanwhile would be on one side only.
const pricedRounds = 3

// price measures what a packet of an unknown flow costs by the generations before and after: 0 where nothing is there to measure
// with. turn is held.
func (s *Service) price(before, after uint32, flows []snap.Flow, world World) (ns [2]float64, err error) {
	sample := priced(flows, world.Ways)
	if len(sample) == 0 {
		return ns, nil
	}
	for range pricedRounds {
		for i, gen := range []uint32{before, after} {
			if s.idle() {
				return [2]float64{}, errEnded
			}
			one, err := s.plane.Price(gen, sample, world.Devices)
			if err != nil {
				return [2]float64{}, err
			}
			if ns[i] == 0 || one < ns[i] {
				ns[i] = one
			}
		}
	}
	return ns, nil
}

// priced picks the packets that are measured with: of the ways in and of the fastest flows, as many of each as there are.
func priced(flows []snap.Flow, ways []acl.WayIn) []acl.Packet {
	var out []acl.Packet
	for _, w := range ways {
		if w.Peer.IsValid() && w.Local.IsValid() {
			out = append(out, w.Packets()...)
		}
	}
	_, live := judged(flows[:min(len(flows), maxPriced)])
	out = out[:min(len(out), max(maxPriced/2, maxPriced-len(live)))]
	return append(out, live[:min(len(live), maxPriced-len(out))]...)
}
