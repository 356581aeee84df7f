// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// WatchLinks sends every change of a device until ctx ends, then closes the channel. After an overrun of the socket all
// devices are sent again, those that vanished meanwhile as gone. The channel closes early when the socket fails for good.
func (h *Host) WatchLinks(ctx context.Context) (<-chan snap.LinkEvent, error) {
	fd, err := h.socket(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("subscribe to device changes: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("subscribe to device changes: %w", err)
	}
	// The devices that exist now: what an overrun is compared with.
	links, err := h.Links()
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	w := &watch{host: h, file: os.NewFile(uintptr(fd), "netlink"), out: make(chan snap.LinkEvent, 64), known: map[int]snap.Link{}}
	for _, l := range links {
		w.known[l.Index] = l
	}
	stop := context.AfterFunc(ctx, func() { w.file.Close() })
	go func() {
		// A panic here would end the program with its programs attached; the closed channel says that watching ended.
		defer func() { _ = recover() }()
		defer close(w.out)
		defer w.file.Close()
		defer stop()
		w.run(ctx)
	}()
	return w.out, nil
}

type watch struct {
	host  *Host
	file  *os.File // in the runtime's poller, so that Close wakes the reader
	out   chan snap.LinkEvent
	known map[int]snap.Link
}

func (w *watch) run(ctx context.Context) {
	buf := make([]byte, recvSize)
	for {
		n, err := w.file.Read(buf)
		switch {
		case errors.Is(err, unix.ENOBUFS):
			if w.drain(buf) != nil || !w.resync(ctx) {
				return
			}
			continue
		case err != nil || n == 0:
			return
		}
		for m := range messages(buf[:n]) {
			l, ok := decodeLink(m.payload)
			if !ok || isBridgePort(m.payload) {
				continue
			}
			if m.kind != unix.RTM_NEWLINK && m.kind != unix.RTM_DELLINK {
				continue
			}
			if !w.send(ctx, snap.LinkEvent{Link: l, Gone: m.kind == unix.RTM_DELLINK}) {
				return
			}
		}
	}
}

// isBridgePort says that a message is the bridge's own about a port (family AF_BRIDGE): its RTM_DELLINK means that the
// device left the bridge, not that it vanished.
func isBridgePort(p []byte) bool { return len(p) > 0 && p[0] == unix.AF_BRIDGE }

// drain empties the socket. The kernel tells of an overrun once, and of the next not before the queue was empty
// (netlink_overrun): what it drops between a listing and that moment nobody would ever hear of.
func (w *watch) drain(buf []byte) error {
	conn, err := w.file.SyscallConn()
	if err != nil {
		return err
	}
	for {
		var got error
		if err := conn.Read(func(fd uintptr) bool {
			_, got = unix.Read(int(fd), buf)
			return true
		}); err != nil {
			return err // closed
		}
		switch {
		case errors.Is(got, unix.EAGAIN):
			return nil
		case got != nil && !errors.Is(got, unix.ENOBUFS) && !errors.Is(got, unix.EINTR):
			return got
		}
	}
}

// resync lists the devices anew because the kernel dropped messages. False ends the watch.
func (w *watch) resync(ctx context.Context) bool {
	links, err := w.host.Links()
	if err != nil {
		return false
	}
	now := map[int]bool{}
	for _, l := range links {
		now[l.Index] = true
	}
	for i, l := range w.known {
		if !now[i] && !w.send(ctx, snap.LinkEvent{Link: l, Gone: true}) {
			return false
		}
	}
	for _, l := range links {
		if !w.send(ctx, snap.LinkEvent{Link: l}) {
			return false
		}
	}
	return true
}

func (w *watch) send(ctx context.Context, e snap.LinkEvent) bool {
	if e.Gone {
		delete(w.known, e.Link.Index)
	} else {
		w.known[e.Link.Index] = e.Link
	}
	select {
	case w.out <- e:
		return true
	case <-ctx.Done():
		return false
	}
}
