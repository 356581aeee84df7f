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
		res, err := dryrun.Explain(p, k)
		if err != nil {
			return err
		}
		report = cli.ExplainReport{Verdict: res.Verdict, By: res.By, Index: res.Index, Counted: res.Counted, Found: res.Found,
			Bytes: res.Bytes, Reason: res.Reason, Notes: res.Notes}
		if res.Tunnel != nil {
			t := cli.TunnelReport(*res.Tunnel)
			report.Tunnel = &t
		}
		report.Route, report.RouteWhy = route(k, res.Verdict)
		return nil
	}, func(err error) { failed = err })
	select {
	case <-done:
		return report, failed
	case <-ctx.Done():
		return cli.ExplainReport{}, ctx.Err()
	}
}

// route asks the kernel for the packet's way. nil when it can't be asked, with the reason: that is no failure of explain.
func route(k acl.Packet, v acl.Action) (*cli.Route, string) {
	switch {
	case v == acl.Deny:
		return nil, "the packet is dropped before"
	case k.NotIP || k.Malformed:
		return nil, "only IP is routed"
	case k.Dir == acl.In && k.Dev == "":
		return nil, "name the device that it comes in on with dev"
	}
	host, err := nl.Open()
	if err != nil {
		return nil, err.Error()
	}
	defer host.Close()
	q := nl.Question{Src: k.Src, Dst: k.Dst, Proto: k.Proto, SPort: k.SPort, DPort: k.DPort, In: k.Dir == acl.In, Dev: k.Dev}
	way, err := host.Lookup(q)
	if err != nil {
		return nil, err.Error()
	}
	return &cli.Route{Kind: way.Kind, Via: addrText(way.Via), Dev: way.Dev, Src: addrText(way.Src), Table: way.Table, Why: way.Why}, ""
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
