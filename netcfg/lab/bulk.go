// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"io"
	"net"
	"net/netip"
	"time"
)

const (
	// bulkPace and bulkBlock: 16 KiB 25 times a second are 3.3 Mbit/s.
	bulkPace  = 40 * time.Millisecond
	bulkBlock = 16 << 10
	// retry is the pause after a connection broke.
	retry = 500 * time.Millisecond
	// knockTime is how long a connect to the black hole lasts: long enough for three repeated SYNs.
	knockTime = 8 * time.Second
	knockPort = 8443
)

// serveBulk reads an upload away.
func serveBulk(*station) error {
	l, err := listen(bulk4, bulkPort)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(io.Discard, c) // ends with the sender
			}()
		}
	}()
	return nil
}

// upload is one long, steady transfer from the host.
func upload(ctx context.Context, _ *station) {
	for ctx.Err() == nil {
		c, err := dialer(hostWAN4, 0).DialContext(ctx, "tcp", netip.AddrPortFrom(addr(bulk4), bulkPort).String())
		if err != nil {
			pause(ctx, retry)
			continue
		}
		send, broken := context.WithCancel(ctx)
		every(send, bulkPace, func(int) {
			if _, err := c.Write(make([]byte, bulkBlock)); err != nil {
				broken()
			}
		})
		broken()
		c.Close()
	}
}

// knock connects to an address that never answers, again and again: its SYNs are repeated and stay unanswered.
func knock(ctx context.Context, _ *station) {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr(hostWAN4), 0)), Timeout: knockTime}
	for ctx.Err() == nil {
		c, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(addr(blackhole4), knockPort).String())
		if err == nil {
			c.Close()
		}
		pause(ctx, retry)
	}
}
