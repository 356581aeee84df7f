// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"hooktop/netcfg/lab"
	"hooktop/probes/ktest"
)

// refuse lets the host drop what comes from a prefix of the world: with its reverse path check (rp_filter of wan0, strict)
// a source that is not reached by wan0 dies on IPv4; no answer finds its way on IPv6.
func refuse(t *testing.T, ns *ktest.NS, p netip.Prefix) {
	t.Helper()
	args := "route add blackhole " + p.String()
	if p.Addr().Is6() {
		args = "-6 " + args
	}
	ns.Do(t, func() error {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %s", args, out)
		}
		return nil
	})
}

func hostSpace(t *testing.T, h *host) *ktest.NS {
	t.Helper()
	return ktest.OpenNS(t, fmt.Sprintf("/proc/%d/ns/net", h.cmd.Process.Pid))
}

// The client is a neighbour of those who scan and flood: what is refused to them it does not miss.
func TestTheClientIsServedWhileScanAndFloodAreRefused(t *testing.T) {
	h := startHost(t)
	ns := hostSpace(t, h)
	for _, a := range lab.ScanSources() {
		refuse(t, ns, netip.PrefixFrom(a, a.BitLen()))
	}
	for _, p := range lab.FloodSources() {
		refuse(t, ns, p)
	}
	h.tell(t, "send")
	waitForFrames(t, ns, busy)
	sent := h.tell(t, "stop").Sent
	if c := sent.Client; c.Asked < 10 || c.Served != c.Asked || c.Why != "" {
		t.Errorf("%+v", c)
	}
	frames := map[string]uint64{}
	for _, f := range sent.Flows {
		frames[f.Kind] += f.Packets
	}
	if frames["flood"] < busy/2 || frames["scan"] < 50 {
		t.Errorf("sent %v", frames)
	}
	t.Logf("%+v; sent %v", sent.Client, frames)
}

// A request that is not served is noticed.
func TestTheClientNoticesThatItIsRefused(t *testing.T) {
	h := startHost(t)
	ns := hostSpace(t, h)
	refuse(t, ns, netip.PrefixFrom(lab.ClientAddrs()[0], 32))
	h.tell(t, "send")
	waitForFrames(t, ns, busy)
	c := h.tell(t, "stop").Sent.Client
	if c.Asked < 10 || c.Served == 0 || c.Asked-c.Served < c.Asked/2-1 || c.Why == "" {
		t.Errorf("every other request is refused: %+v", c)
	}
	t.Logf("%+v", c)
}
