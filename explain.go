// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/netip"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/nl"
	"hooktop/probes"
	"hooktop/probes/dryrun"
	"hooktop/ui/cli"
)

// explain runs the programs on one packet, attached to nothing, and asks the kernel where it would go. An interrupt ends
// the process without waiting: nothing is there to be detached.
func explain(ctx context.Context, p acl.Policy, k acl.Packet) (cli.ExplainReport, error) {
	var report cli.ExplainReport
	var failed error
	done := probes.Go(ctx, "explain", func(context.Context) error {
		own, unknown := ownAddresses()
		res, err := dryrun.Explain(p, k, own)
		if err != nil {
			return err
		}
		if unknown != nil && res.Tunnel != nil {
			res.Notes = append(res.Notes, "inner sources were not held against this host's addresses: "+unknown.Error())
		}
		report = cli.ExplainReport{Verdict: res.Verdict, By: res.By, Index: res.Index, Counted: res.Counted, Found: res.Found,
			Bytes: res.Bytes, Reason: res.Reason, Notes: res.Notes, Leg: res.Leg}
		if res.Tunnel != nil {
			t := cli.TunnelReport(*res.Tunnel)
			report.Tunnel = &t
		}
		if k.VNI != 0 && res.Tunnel != nil && !res.Tunnel.Strips {
			k = res.Found // what goes on is the packet around it
		}
		route(p, k, &report)
		return nil
	}, func(err error) { failed = err })
	select {
	case <-done:
		return report, advised(failed)
	case <-ctx.Done():
		return cli.ExplainReport{}, ctx.Err()
	}
}

// ownAddresses lists this host's, which no packet inside a tunnel may claim.
func ownAddresses() ([]netip.Addr, error) {
	host, err := nl.Open()
	if err != nil {
		return nil, err
	}
	defer host.Close()
	return host.Addresses()
}

// route asks the kernel for the packet's way, by its mark. That it can't be asked is no failure of explain.
func route(p acl.Policy, k acl.Packet, r *cli.ExplainReport) {
	switch {
	case r.Verdict == acl.Deny:
		r.RouteWhy = "the packet is dropped before"
		return
	case k.NotIP || k.Malformed:
		r.RouteWhy = "only IP is routed"
		return
	case k.Dir == acl.In && k.Dev == "":
		r.RouteWhy = "name the device that it comes in on with dev"
		return
	}
	host, err := nl.Open()
	if err != nil {
		r.RouteWhy = err.Error()
		return
	}
	defer host.Close()
	q := nl.Question{Src: k.Src, Dst: k.Dst, Proto: k.Proto, SPort: k.SPort, DPort: k.DPort, In: k.Dir == acl.In, Dev: k.Dev}
	if n := r.Leg.Chain; n > 0 {
		c := &p.Chains[n-1]
		q.Mark = c.Mark
		if r.Steered, err = steered(host, c, k.Dev); err != nil {
			r.RouteWhy = err.Error()
			return
		}
	}
	way, err := host.Lookup(q)
	if err != nil {
		r.RouteWhy = err.Error()
		return
	}
	r.Route = &cli.Route{Kind: way.Kind, Via: addrText(way.Via), Dev: way.Dev, Src: addrText(way.Src), Table: way.Table, Why: way.Why}
}

// steered finds the rule that a chain's mark meets on a device.
func steered(host *nl.Host, c *acl.Chain, dev string) (*cli.Steered, error) {
	rules, err := host.Rules()
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		if r.Own() && r.Mark == c.Mark && r.Mask == c.Mask && r.From == dev {
			return &cli.Steered{Rule: r.String(), Table: r.Table, State: "in place"}, nil
		}
	}
	return &cli.Steered{State: "missing"}, nil
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
