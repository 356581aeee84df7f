// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Multicast groups of what steering depends on (linux/rtnetlink.h, enum rtnetlink_groups).
const (
	groupIPv4Rule = 8
	groupIPv6Rule = 19
	steerGroups   = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE |
		1<<(groupIPv4Rule-1) | 1<<(groupIPv6Rule-1)
)

// WatchSteering tells that rules, routes, addresses or devices may have changed until ctx ends, then closes the channel. Changes
// that nobody has taken notice of yet are told once: who is told looks at everything. What a look can't find any more, that a device
// was down for a while, down hears before: its ifindex, or 0 when that may be so of any. It must not block. The channel closes early when
// the socket fails for good.
func (h *Host) WatchSteering(ctx context.Context, down func(index int)) (<-chan struct{}, error) {
	fd, err := h.socket(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: steerGroups})
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("subscribe to changes of rules and routes: %w", err)
	}
	w := &watch{host: h, file: os.NewFile(uintptr(fd), "netlink")}
	out := make(chan struct{}, 1)
	stop := context.AfterFunc(ctx, func() { w.file.Close() })
	go func() {
		// A panic here would end the program with its rules in place; the closed channel says that watching ended.
		defer func() { _ = recover() }()
		defer close(out)
		defer w.file.Close()
		defer stop()
		w.tell(out, down)
	}()
	return out, nil
}

// tell reads the socket again and again.
func (w *watch) tell(out chan<- struct{}, down func(index int)) {
	buf := make([]byte, recvSize)
	for {
		n, err := w.file.Read(buf)
		switch {
		case errors.Is(err, unix.ENOBUFS):
			if w.drain(buf) != nil {
				return
			}
			down(0)
		case err != nil || n == 0:
			return
		}
		for m := range messages(buf[:n]) {
			if m.kind != unix.RTM_NEWLINK && m.kind != unix.RTM_DELLINK || isBridgePort(m.payload) {
				continue
			}
			if l, ok := decodeLink(m.payload); ok && (m.kind == unix.RTM_DELLINK || !l.Up || !l.Carrier) {
				down(l.Index)
			}
		}
		select {
		case out <- struct{}{}:
		default:
		}
	}
}
