// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Encapsulate makes a TUN device whose packets leave by another device, each in the frame that wrap makes of it: a tunnel of kinds
// that this kernel has no device for. Only towards the other side: what comes back has no tunnel. It ends with the test.
func (n *NS) Encapsulate(t testing.TB, name, out string, wrap func(packet []byte) []byte) {
	t.Helper()
	index := n.Index(t, out)
	var tun *os.File
	sock := -1
	n.Do(t, func() (err error) {
		if tun, err = openTUN(name); err != nil {
			return err
		}
		sock, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		return err
	})
	done := make(chan error, 1)
	go func() {
		b := make([]byte, 1<<16)
		for {
			size, err := tun.Read(b)
			if err == nil {
				err = unix.Sendto(sock, wrap(b[:size]), 0, &unix.SockaddrLinklayer{Ifindex: index, Halen: 6})
			}
			if err != nil && !errors.Is(err, unix.ENOBUFS) { // a full queue loses packets, as on a wire
				done <- err
				return
			}
		}
	}()
	t.Cleanup(func() {
		tun.Close()
		if err := <-done; !errors.Is(err, os.ErrClosed) {
			t.Errorf("encapsulate packets of %s: %v", name, err)
		}
		unix.Close(sock)
	})
}

// openTUN makes a device in the thread's namespace; it goes with the file.
func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make TUN device %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
