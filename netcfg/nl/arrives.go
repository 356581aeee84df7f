// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Arrives asks the kernel's routing whether a packet from src to dst, an address of the host's, gets in by the device that leads to
// peer. why is not "" when it is dropped; dev names the device, "" when none leads there.
func (h *Host) Arrives(peer, src, dst netip.Addr) (dev, why string, err error) {
	way, err := h.Lookup(Question{Dst: peer})
	if err != nil || way.Dev == "" {
		return "", "", err
	}
	body, err := h.question(Question{Src: src, Dst: dst, In: true, Dev: way.Dev})
	if err != nil {
		return way.Dev, "", fmt.Errorf("look up the way in from %s: %w", src, err)
	}
	_, err = h.one(unix.RTM_GETROUTE, body)
	switch {
	case err == nil:
		return way.Dev, "", nil
	case !errors.Is(err, unix.EXDEV) && !errors.Is(err, unix.EINVAL): // fib_validate_source; since 6.14 all of its reasons are EINVAL
		return way.Dev, "", fmt.Errorf("look up the way in from %s: %w", src, err)
	}
	back, err := h.Lookup(Question{Dst: src})
	switch {
	case err != nil:
		return way.Dev, "", err
	case back.Kind == "local":
		return way.Dev, "these addresses are this host's own", nil
	}
	return way.Dev, "rp_filter, as the way back to there leads through another device: add a route, or sysctl -w net.ipv4.conf." + way.Dev + ".rp_filter=2", nil
}
