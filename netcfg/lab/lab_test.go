// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/lab"
	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

func TestSentIsWhatACaptureSees(t *testing.T) {
	h := startHost(t)
	ns := ktest.OpenNS(t, fmt.Sprintf("/proc/%d/ns/net", h.cmd.Process.Pid))
	captures := map[string]*ktest.Capture{lab.WAN: ns.Capture(t, lab.WAN), lab.LAN: ns.Capture(t, lab.LAN)}
	h.tell(t, "send")
	frames := uint64(busy)
	if ktest.InGuest() { // senders go by the clock, and a third of the frames takes longer there than all of them elsewhere
		frames = busy / 3
	}
	waitForFrames(t, ns, frames)
	sent := h.tell(t, "stop").Sent.Flows
	seen := map[string]map[snap.FlowKey]ktest.Tally{}
	for dev, c := range captures {
		seen[dev] = c.Stop(t)
		onePort(seen[dev])
	}
	kinds := map[string]int{}
	for _, f := range sent {
		kinds[f.Kind]++
		k := snap.FlowKey{Src: snap.AddrFrom(f.Src), Dst: snap.AddrFrom(f.Dst), SPort: f.SPort, DPort: f.DPort, Proto: f.Proto,
			Frag: f.Frag, Egress: f.Dir == "out", Stacked: f.Stacked, VLAN: f.VLAN}
		if got := seen[f.Dev][k]; got != (ktest.Tally{Packets: f.Packets, Bytes: f.Bytes}) {
			t.Errorf("%+v: captured %+v", f, got)
		}
	}
	for _, kind := range []string{"dns", "vlan", "frag", "scan", "icmp", "flood", "closed", "checksum", "noroute", "tunnel"} {
		if kinds[kind] < 2 {
			t.Errorf("%d flows of kind %s, want several", kinds[kind], kind)
		}
	}
	t.Logf("sent %v; seen at %s %d flows, at %s %d", kinds, lab.WAN, len(seen[lab.WAN]), lab.LAN, len(seen[lab.LAN]))
	checkTCP(t, seen)
}

// onePort joins what the peers' devices send from the two ports that the kernel may take.
func onePort(seen map[snap.FlowKey]ktest.Tally) {
	for k, n := range seen {
		if k.DPort != 4789 || k.SPort != 50101 {
			continue
		}
		delete(seen, k)
		k.SPort--
		first := seen[k]
		seen[k] = ktest.Tally{Packets: first.Packets + n.Packets, Bytes: first.Bytes + n.Bytes}
	}
}

// checkTCP: what the generator does not count is there too.
func checkTCP(t *testing.T, seen map[string]map[snap.FlowKey]ktest.Tally) {
	t.Helper()
	local, peer := lab.Session()
	for name, want := range map[string]func(dev string, k snap.FlowKey) bool{
		"operator's session": func(_ string, k snap.FlowKey) bool {
			return k.SPort == peer.Port() && k.DPort == local.Port() && k.Src.Netip() == peer.Addr()
		},
		"web to the host, IPv4": func(dev string, k snap.FlowKey) bool {
			return dev == lab.WAN && !k.Egress && k.DPort == 80 && k.Src.Is4()
		},
		"web to the host, IPv6": func(dev string, k snap.FlowKey) bool {
			return dev == lab.WAN && !k.Egress && k.DPort == 80 && !k.Src.Is4()
		},
		"web from the host":      func(dev string, k snap.FlowKey) bool { return dev == lab.WAN && k.Egress && k.DPort == 80 },
		"web through the host":   func(dev string, k snap.FlowKey) bool { return dev == lab.LAN && !k.Egress && k.DPort == 80 },
		"bulk":                   func(_ string, k snap.FlowKey) bool { return k.DPort == 5201 },
		"RST of closed ports":    func(_ string, k snap.FlowKey) bool { return k.Egress && k.SPort == 7 },
		"SYNs to the black hole": func(_ string, k snap.FlowKey) bool { return k.Egress && k.DPort == 8443 },
	} {
		found := false
		for dev, flows := range seen {
			for k, n := range flows {
				found = found || n.Packets > 0 && want(dev, k)
			}
		}
		if !found {
			t.Errorf("no %s seen", name)
		}
	}
}

// busy is so many frames that every sender has had its turn several times.
const busy = 6000

// waitForFrames returns when n frames have come in on the host's wan0.
func waitForFrames(t *testing.T, ns *ktest.NS, n uint64) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if l := ns.Link(t, lab.WAN); l.Attrs().Statistics.RxPackets >= n {
			return
		}
	}
}

func TestNothingIsLeftAfterClose(t *testing.T) {
	h := startHost(t)
	before := family(t, h.cmd.Process.Pid)
	if len(before) != 9 {
		t.Fatalf("host and nodes are %d processes, want 9", len(before))
	}
	h.tell(t, "send")
	h.in.Close()
	if err := h.cmd.Wait(); err != nil {
		t.Fatalf("host: %v", err)
	}
	wait(t, before)
}

func TestNothingIsLeftAfterKill(t *testing.T) {
	rounds := 3
	if ktest.InGuest() { // the same again, and each takes seconds there
		rounds = 1
	}
	for range rounds {
		h := startHost(t)
		before := family(t, h.cmd.Process.Pid)
		h.tell(t, "send")
		if err := h.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		wait(t, before)
	}
}

func TestEnterMakesAnotherNamespace(t *testing.T) {
	h := startHost(t)
	mine, err := nl.NamespaceOf("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{mine: true}
	for _, p := range family(t, h.cmd.Process.Pid) {
		seen[p.namespace] = true
	}
	if len(seen) != 5 { // ours, the host's, wan's, lan's
		t.Errorf("%d namespaces with ours, want 5", len(seen))
	}
	if lab.Inside() {
		t.Error("the test itself is inside")
	}
}

// process is one of the lab's, held by a pidfd.
type process struct {
	pid       int
	pidfd     int
	namespace uint64
}

// family is a host and its children.
func family(t *testing.T, host int) []process {
	t.Helper()
	pids := []int{host}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
		if parent, _ := strconv.Atoi(fields[1]); parent == host {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	var all []process
	for _, pid := range pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		ns, err := nl.NamespaceOf(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, process{pid, fd, ns})
	}
	return all
}

// wait returns when every process has ended, and fails the test when one does not.
func wait(t *testing.T, all []process) {
	t.Helper()
	for _, p := range all {
		fds := []unix.PollFd{{Fd: int32(p.pidfd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(ktest.Patience.Milliseconds()))
		for err == unix.EINTR {
			n, err = unix.Poll(fds, int(ktest.Patience.Milliseconds()))
		}
		if n != 1 || err != nil {
			t.Errorf("process %d lives on: %v", p.pid, err)
		}
	}
}
