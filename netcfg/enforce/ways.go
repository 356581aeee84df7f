// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"hooktop/netcfg/acl"
)

// maxOwn bounds the ways in that are remembered. The first ones stay: later ones may be anybody's where own sessions can't be told apart.
const maxOwn = 16

// remember notes this session's own ways in, and finds those that stand no more. Who lost the connection under a tmux in which
// hooktop goes on comes back by a new one, which a kept policy must not deny: the guard goes on letting it in. mu is held.
func (s *Service) remember(ways []acl.WayIn) (gone []acl.WayIn) {
	among := func(list []acl.WayIn, w acl.WayIn) bool {
		return slices.ContainsFunc(list, func(o acl.WayIn) bool { return sameGuard(o, w) })
	}
	for _, w := range ways {
		if w.Own && len(s.own) < maxOwn && !among(s.own, w) {
			w.Own, w.PeerPort, w.Name = false, 0, w.Name+" (gone)"
			s.own = append(s.own, w)
		}
	}
	for _, w := range s.own {
		if !among(ways, w) {
			gone = append(gone, w)
		}
	}
	return gone
}

// guarded are the ways in that the guard lets in.
func (w World) guarded() []acl.WayIn { return different(slices.Concat(w.Ways, w.gone)) }

// onDevices gives the ways in as packets may come by them. Which device a peer's packets arrive on is the network's choice:
// where it is not known, a way in is looked at on each watched device, or a rule with a device would cut it unseen.
func (w World) onDevices() []acl.WayIn {
	devices := slices.Sorted(maps.Keys(w.Devices))
	var out []acl.WayIn
	for _, way := range w.Ways {
		if way.Dev != "" || len(devices) == 0 {
			out = append(out, way)
			continue
		}
		for _, dev := range devices {
			way.Dev = dev
			out = append(out, way)
		}
	}
	return out
}

// cuts lists the ways in that a policy would close, by the oracle, which can't fail: at once, or when rules have ended that let them
// in. Whoever keeps a policy has no lease then.
func cuts(p *acl.Policy, ways []acl.WayIn, now time.Time) []string {
	var out []string
	told := map[string]bool{}
	for _, w := range ways {
		if anybody(w) || told[w.Name] {
			continue
		}
		line, first := "", time.Time{}
		for _, k := range w.PacketsUnder(p) {
			if d, at, cut := eitherDenied(p, k, now); cut && (line == "" || at.Before(first)) {
				if line, first = cutLine(p, w, k, d), at; !at.After(now) {
					break
				}
			}
		}
		if line == "" {
			continue
		}
		if first.After(now) {
			line += ", from " + first.UTC().Format(time.RFC3339) + " on"
		}
		told[w.Name] = true
		out = append(out, line)
	}
	return out
}

// eitherDenied is acl.Denied about a new connection, and about one whose other direction was seen: what comes first.
func eitherDenied(p *acl.Policy, k acl.Packet, now time.Time) (acl.Decision, time.Time, bool) {
	fresh, known := acl.NewState(now), acl.NewState(now)
	known.Saw(reverse(k))
	a, at, cut := acl.Denied(p, k, fresh)
	b, later, also := acl.Denied(p, k, known)
	if !cut || also && later.Before(at) {
		return b, later, also
	}
	return a, at, cut
}

// cutsBy lists the ways in of which a packet would be dropped now, in words.
func cutsBy(p *acl.Policy, ways []acl.WayIn, j judging) ([]string, error) {
	var out []string
	told := map[string]bool{}
	for _, w := range ways {
		if anybody(w) || told[w.Name] {
			continue
		}
		packets := w.Packets()
		said, err := j(packets)
		if err != nil {
			return nil, err
		}
		for i, d := range said {
			if d.Verdict == acl.Deny {
				told[w.Name] = true
				out = append(out, cutLine(p, w, packets[i], d))
				break
			}
		}
	}
	return out, nil
}

// anybody tells a carrier whose other end may be anybody: no packet stands for it.
func anybody(w acl.WayIn) bool { return !w.Peer.IsValid() || !w.Local.IsValid() }

func cutLine(p *acl.Policy, w acl.WayIn, k acl.Packet, d acl.Decision) string {
	name := w.Name
	if w.Own {
		name += " (your own session)"
	}
	return fmt.Sprintf("%s: %s: %s", name, k, p.Words(d))
}
