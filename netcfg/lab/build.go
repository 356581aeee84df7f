// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"hooktop/netcfg/nl"
)

// buildTime bounds the wait for a device's carrier.
const buildTime = 30 * time.Second

// prepare sets what the kernel does by itself in a namespace, and its loopback device.
func prepare(h *nl.Host, forward bool) error {
	settings := [][2]string{}
	for _, scope := range []string{"all", "default"} {
		settings = append(settings,
			[2]string{"ipv6/conf/" + scope + "/accept_dad", "0"}, // addresses work at once
			[2]string{"ipv6/conf/" + scope + "/router_solicitations", "0"},
			[2]string{"ipv6/conf/" + scope + "/accept_ra", "0"},
			[2]string{"ipv4/conf/" + scope + "/rp_filter", "0"},
			[2]string{"ipv4/conf/" + scope + "/send_redirects", "0"})
	}
	if forward {
		settings = append(settings, [2]string{"ipv4/ip_forward", "1"}, [2]string{"ipv6/conf/all/forwarding", "1"})
	}
	for _, s := range settings {
		if err := h.Sysctl(s[0], s[1]); err != nil {
			return err
		}
	}
	return h.SetUp("lo", true)
}

// table and chain are those of the lab's netfilter rule.
const table, chain = "lab", "pre"

// obstruct lets packets die at the host: by the reverse path, for want of a route, and by netfilter. It returns the name
// of the rule's row in the ledger, "" when the kernel has no nf_tables.
func obstruct(h *nl.Host) (rule string, err error) {
	if err := h.Sysctl("ipv4/conf/"+WAN+"/rp_filter", "1"); err != nil {
		return "", err
	}
	for _, p := range nowhere() {
		if err := h.AddThrow(p); err != nil {
			return "", err
		}
	}
	r, err := h.RefuseUDP(table, chain, refusedPort)
	if nl.NoNetfilter(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return r.Name(), nil
}

// connect joins host and node by a veth pair without offloads, so that what a hook sees are the frames of the wire.
func connect(ctx context.Context, host *nl.Host, n *node, w wire) error {
	peer, err := nl.At(n.namespace())
	if err != nil {
		return err
	}
	defer peer.Close()
	if err := prepare(peer, w.role == firewall); err != nil {
		return err
	}
	if err := host.AddVeth(nl.End{Name: w.host.dev, MAC: w.host.mac}, peer, nl.End{Name: w.node.dev, MAC: w.node.mac}, 0); err != nil {
		return err
	}
	for _, side := range []struct {
		at     *nl.Host
		own    end
		other  end
		routes []gate
	}{{host, w.host, w.node, w.hostR}, {peer, w.node, w.host, w.nodeR}} {
		if err := furnish(side.at, side.own, side.other); err != nil {
			return err
		}
	}
	if err := errors.Join(waitUp(ctx, host, w.host.dev), waitUp(ctx, peer, w.node.dev)); err != nil {
		return err
	}
	if err := errors.Join(addRoutes(host, w.host.dev, w.hostR), addRoutes(peer, w.node.dev, w.nodeR)); err != nil || w.host.dev != WAN {
		return err
	}
	return addOverlays(peer)
}

// furnish sets up one end. Neighbours are permanent: the first packets need not wait for an answer.
func furnish(h *nl.Host, own, other end) error {
	if err := errors.Join(h.SetOffloads(own.dev, false), h.SetUp(own.dev, true)); err != nil {
		return err
	}
	for _, a := range own.addrs {
		if err := h.AddAddr(own.dev, netip.MustParsePrefix(a)); err != nil {
			return err
		}
	}
	for _, a := range other.addrs {
		if p := netip.MustParsePrefix(a); !p.IsSingleIP() {
			if err := h.AddNeighbour(own.dev, p.Addr(), other.mac); err != nil {
				return err
			}
		}
	}
	return nil
}

func addRoutes(h *nl.Host, dev string, routes []gate) error {
	for _, r := range routes {
		if err := h.AddRoute(nl.Route{Dst: netip.MustParsePrefix(r.dst), Via: addr(r.via), Dev: dev}); err != nil {
			return err
		}
	}
	return nil
}

// waitUp waits until a device takes packets.
func waitUp(ctx context.Context, h *nl.Host, dev string) error {
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	events, err := h.WatchLinks(ctx)
	if err != nil {
		return err
	}
	for {
		if ready, err := h.Ready(dev); ready || err != nil {
			return err
		}
		if _, ok := <-events; !ok {
			return fmt.Errorf("device %s does not come up: waited %s", dev, buildTime)
		}
	}
}
