// SPDX-License-Identifier: Apache-2.0

package kern_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/bpf/kern"
)

// To attach needs no CAP_SYS_ADMIN, to look for ids does: who can't look is not told that somebody else holds the program.
func TestCloseWithoutTheRightToLook(t *testing.T) {
	l := newLab(t)
	l.here.NetState(t)
	for _, h := range []kern.Hook{kern.XDPGeneric, kern.TCEgress} {
		a := l.attach(t, h)
		if a == nil {
			l.filterOff(t)
			continue
		}
		l.here.Do(t, func() error { // on a thread that ends, and its rights with it
			if err := dropAdmin(); err != nil {
				return err
			}
			return a.Close()
		})
	}
}

// dropAdmin takes CAP_SYS_ADMIN from the calling thread.
func dropAdmin() error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var have [2]unix.CapUserData
	if err := unix.Capget(&head, &have[0]); err != nil {
		return err
	}
	have[0].Effective &^= 1 << unix.CAP_SYS_ADMIN
	return unix.Capset(&head, &have[0])
}
