// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// Every socket that asks has a limit, and a kernel that stays silent is an error that says so.
func TestSilenceIsAnError(t *testing.T) {
	h, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	fd, err := h.socket(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	limit, err := unix.GetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO)
	if err != nil || unix.TimevalToNsec(*limit) != int64(answerLimit) {
		t.Errorf("it waits for %+v, %v", limit, err)
	}
	soon := unix.NsecToTimeval(1e6)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &soon); err != nil {
		t.Fatal(err)
	}
	if _, err := receive(fd, make([]byte, 64)); !errors.Is(err, ErrSilent) { // nothing was asked: nothing comes
		t.Errorf("receive: %v", err)
	}
}
