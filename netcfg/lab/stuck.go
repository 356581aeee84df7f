// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// crowdedBacklog is the listen queue of the service that accepts nothing. One more connection fits, and with fewer the
// kernel would answer the second SYN by a cookie.
const crowdedBacklog = 2

// serveStuck are a socket that nobody reads and a listener that nobody accepts from.
func serveStuck(s *station) error {
	unread, err := net.ListenUDP("udp4", &net.UDPAddr{IP: addr(hostWAN4).AsSlice(), Port: unreadPort})
	if err != nil {
		return fmt.Errorf("open UDP socket at %s port %d: %w", hostWAN4, unreadPort, err)
	}
	if err := unread.SetReadBuffer(1); err != nil { // the kernel's least
		return fmt.Errorf("make a receive buffer small: %w", err)
	}
	// What found room in the buffer did not die.
	s.atCount = func() error {
		n, err := drain(unread)
		s.die(-n, Drop{"socket", "RcvbufErrors", ""})
		return err
	}
	return listenStuck()
}

// listenStuck opens a listener that lives as long as the process. Go's own have no choice of the backlog.
func listenStuck() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: crowdedPort, Addr: addr(hostWAN4).As4()})
	}
	if err == nil {
		err = unix.Listen(fd, crowdedBacklog)
	}
	if err != nil {
		return fmt.Errorf("listen at %s port %d: %w", hostWAN4, crowdedPort, err)
	}
	return nil
}

// drain takes what waits in a socket and counts it.
func drain(c *net.UDPConn) (n int64, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("read what waits in a socket: %w", err)
	}
	buf := make([]byte, 1<<16)
	cerr := raw.Control(func(fd uintptr) {
		for {
			_, _, err = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
			if err == nil {
				n++
			} else if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
	if errors.Is(err, unix.EAGAIN) {
		err = nil
	}
	if err = errors.Join(err, cerr); err != nil {
		return n, fmt.Errorf("read what waits in a socket: %w", err)
	}
	return n, nil
}

// acknowledged sends a byte and waits until the peer's kernel has it: then the connection waits there to be accepted.
func acknowledged(ctx context.Context, c net.Conn) bool {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	if _, err := c.Write([]byte{0}); err != nil {
		return false
	}
	for left := 1; left > 0; {
		cerr := raw.Control(func(fd uintptr) { left, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
		if err != nil || cerr != nil || left > 0 && !pause(ctx, 5*time.Millisecond) {
			return false
		}
	}
	return true
}

// reset ends a connection at once and at both ends: nothing of it is left to be said after Stop.
func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0) // it fails on a connection that is gone already
	c.Close()
}
