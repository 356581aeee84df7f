// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"runtime"
	"runtime/debug"

	"hooktop/bpf/kern"
	"hooktop/netcfg/nl"
	"hooktop/netcfg/steer"
	"hooktop/probes/attach"
	"hooktop/probes/snap"
	"hooktop/ui/cli"
)

// check tells what a launch with the same options would attach, and what this kernel or these rights lack. It attaches
// nothing.
func check(_ context.Context, opt cli.Options) (cli.CheckReport, error) {
	var r cli.CheckReport
	usable, tcx := true, true
	for _, f := range kern.Features() {
		r.Features = append(r.Features, cli.Feature{Name: f.Name, Have: f.Have, Why: f.Why, Fix: f.Fix, Min: f.MinKernel})
		switch f.Name {
		case "bpf", "mmapable maps", "tc programs":
			usable = usable && f.Have
		case "tcx":
			tcx = f.Have
		}
	}
	host, err := nl.Open()
	if err != nil {
		return r, err
	}
	defer host.Close()
	owners, err := steer.Owners(host)
	if err != nil {
		r.Notes = append(r.Notes, "who uses bits of the mark is known in part: "+err.Error())
	}
	for _, o := range owners {
		r.Marks = append(r.Marks, snap.BitOwner{Mark: o.Mark, Mask: o.Mask, Sets: o.Sets, Who: o.Who, From: o.From})
	}
	mode, err := attach.ParseMode(opt.Mode)
	if err != nil {
		return r, err
	}
	links, err := host.Links()
	if err != nil {
		return r, err
	}
	routes, defaults, err := host.RouteDevices()
	if err != nil {
		return r, err
	}
	choices, out := attach.Plan(links, routes, defaults, attach.Wish{Globs: opt.Interfaces})
	r.LeftOut = out
	if !usable {
		return r, nil
	}
	for _, c := range choices {
		step := attach.Choose(c.Link, mode, foreign(c.Link.XDP.Native, c.Link.XDP.Generic, c.Link.XDP.Offload))
		in := "xdp " + string(step.Mode)
		if step.Mode == attach.TC {
			in = tcHook(tcx && !opt.NoTCX, "ingress")
		}
		r.Attach = append(r.Attach,
			cli.WouldAttach{Dev: c.Link.Name, Hook: in, Mode: string(step.Mode), Why: c.Reason + "; " + step.Why},
			cli.WouldAttach{Dev: c.Link.Name, Hook: tcHook(tcx && !opt.NoTCX, "egress"), Mode: "tc", Why: c.Reason})
	}
	return r, nil
}

func tcHook(tcx bool, direction string) string {
	if tcx {
		return "tcx " + direction
	}
	return "clsact " + direction
}

// foreign describes the program on an XDP hook; nothing of this run is attached, so every one is somebody else's.
func foreign(ids ...uint32) string {
	for _, id := range ids {
		if id != 0 {
			return kern.Describe(id)
		}
	}
	return ""
}

// interfaces lists the devices of this network namespace.
func interfaces() ([]string, error) {
	host, err := nl.Open()
	if err != nil {
		return nil, err
	}
	defer host.Close()
	links, err := host.Links()
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(links))
	for _, l := range links {
		names = append(names, l.Name)
	}
	return names, nil
}

// version of this binary as its build recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown (" + runtime.Version() + ")"
	}
	v, rev := info.Main.Version, ""
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			rev = ", " + s.Value[:12]
		}
	}
	return v + " (" + runtime.Version() + rev + ")"
}
