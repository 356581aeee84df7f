// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	keyPace = 180 * time.Millisecond
	keySize = 36 // a keystroke in an SSH packet: header, padding, MAC
	// A command's output comes after so many keys.
	keysPerCommand = 20
	outputSize     = 900
	// meetTime bounds the wait for the session.
	meetTime = 30 * time.Second
)

// serveSession is the stand-in for sshd: it takes connections on the host's port 22 and echoes, which is what a session
// looks like from outside.
func serveSession(*station) error {
	for _, at := range []string{hostWAN4, hostWAN6} {
		l, err := listen(at, sshPort)
		if err != nil {
			return err
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go echo(c)
			}
		}()
	}
	return nil
}

// echo answers each keystroke with one of the same size, and every so often with output.
func echo(c net.Conn) {
	defer c.Close()
	key := make([]byte, keySize)
	for n := 1; ; n++ {
		if _, err := io.ReadFull(c, key); err != nil {
			return
		}
		reply := key
		if n%keysPerCommand == 0 {
			reply = make([]byte, keySize+outputSize)
		}
		if _, err := c.Write(reply); err != nil {
			return
		}
	}
}

// meetHost opens the operator's connection, which stands as long as the lab does.
func meetHost(s *station) error {
	ctx, cancel := context.WithTimeout(context.Background(), meetTime)
	defer cancel()
	for {
		err := s.logIn(ctx)
		if err == nil || !pause(ctx, retry) {
			return err
		}
	}
}

func (s *station) logIn(ctx context.Context) error {
	local, peer := Session()
	c, err := dialer(operator4, peer.Port()).DialContext(ctx, "tcp", local.String())
	if err != nil {
		return fmt.Errorf("open the operator's session: %w", err)
	}
	s.session = c
	go func() { _, _ = io.Copy(io.Discard, c) }() // ends with the connection
	return nil
}

// typeKeys types into the session, and logs in again when it broke.
func typeKeys(ctx context.Context, s *station) {
	every(ctx, keyPace, func(int) {
		if _, err := s.session.Write(make([]byte, keySize)); err != nil && ctx.Err() == nil {
			s.session.Close()
			if s.logIn(ctx) != nil {
				pause(ctx, retry)
			}
		}
	})
}
