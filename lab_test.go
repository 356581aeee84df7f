// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/lab"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// The lab's devices have no offloads, so that a packet socket sees the same frames as the programs. Nobody else counts TCP.
func TestTCPOfTheLabIsWhatACaptureSees(t *testing.T) {
	for _, mode := range []string{"auto", "generic"} {
		t.Run(mode, func(t *testing.T) {
			enough(t, func() string {
				flows, seen, late := capturedLab(t, mode)
				if late {
					return "the captures began when programs were there, so traffic may have been, too"
				}
				return compareTCP(t, flows, seen)
			})
		})
	}
}

// capturedLab runs the lab beside packet sockets on its devices, which must be there before its traffic.
func capturedLab(t *testing.T, mode string) (flows []shotFlow, seen map[string]map[snap.FlowKey]ktest.Tally, late bool) {
	t.Helper()
	cmd := exec.Command(binary(t), "lab", "--once", "--for", "2s", "--json", "--no-config", "--mode", mode)
	var out, errText bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &errText, environment(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	endsWith(t, cmd)
	guard := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() }) // it may have ended
	defer guard.Stop()
	ns := labHost(t, cmd.Process.Pid)
	captures := map[string]*ktest.Capture{}
	for _, dev := range []string{lab.WAN, lab.LAN} {
		captures[dev] = ns.Capture(t, dev)
	}
	late = ktest.PacketPrograms(cmd.Process.Pid) > 0 // traffic begins when they are attached
	if err := cmd.Wait(); err != nil {
		t.Fatalf("hooktop lab: %v: %s", err, errText.String())
	}
	seen = map[string]map[snap.FlowKey]ktest.Tally{}
	for dev, c := range captures {
		seen[dev] = c.Stop(t)
	}
	return parse(t, out.String()).Flows, seen, late
}

// labHost waits until the process is in a namespace of its own that has the lab's devices. Traffic begins only after the
// programs are attached, which takes many times longer than a look.
func labHost(t *testing.T, pid int) *ktest.NS {
	t.Helper()
	path := fmt.Sprintf("/proc/%d/ns/net", pid)
	own, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	var ns *ktest.NS
	for {
		if at, err := os.Readlink(path); ns == nil && err == nil && at != own {
			ns = ktest.OpenNS(t, path)
		}
		if ns != nil {
			if _, err := ns.NL.LinkByName(lab.LAN); err == nil { // the last one that is made
				return ns
			}
		}
		select {
		case <-look.C:
		case <-late:
			t.Fatal("the lab's devices did not appear")
		}
	}
}

func compareTCP(t *testing.T, flows []shotFlow, seen map[string]map[snap.FlowKey]ktest.Tally) (few string) {
	t.Helper()
	shown := map[string]map[snap.FlowKey]ktest.Tally{lab.WAN: {}, lab.LAN: {}}
	for _, f := range flows {
		if f.Proto == "tcp" {
			shown[f.Dev][snap.FlowKey{
				Src: snap.AddrFrom(netip.MustParseAddr(f.Src)), Dst: snap.AddrFrom(netip.MustParseAddr(f.Dst)),
				SPort: f.SPort, DPort: f.DPort, Proto: unix.IPPROTO_TCP, Egress: f.Dir == "out",
			}] = ktest.Tally{Packets: f.Packets, Bytes: f.Bytes}
		}
	}
	// The operator's session stands before the programs are attached and ends after the snapshot.
	_, operator := lab.Session()
	compared := 0
	for dev, flows := range seen {
		for k, want := range flows {
			if k.Proto != unix.IPPROTO_TCP || k.SPort == operator.Port() || k.DPort == operator.Port() {
				continue
			}
			compared++
			if got := shown[dev][k]; got != want {
				t.Errorf("%s out %v, %s port %d > %s port %d: %+v shown, %+v captured", dev, k.Egress, k.Src, k.SPort, k.Dst, k.DPort, got, want)
			}
		}
	}
	t.Logf("%d TCP flows compared", compared)
	if compared < 50 {
		return fmt.Sprintf("only %d TCP flows were captured", compared)
	}
	return ""
}
