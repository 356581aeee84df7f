// SPDX-License-Identifier: Apache-2.0

package procfs

import "golang.org/x/sys/unix"

// InitialNetNamespace is the identity of the host's own network namespace where it is always the same (NET_NS_INIT_INO of
// include/uapi/linux/nsfs.h, Linux 6.18).
const InitialNetNamespace = 0xEFFFFFF9

// NetNamespace is the inode behind a path such as /proc/thread-self/ns/net, 0 when it can't be told. initial says that it is the
// host's own, as far as can be seen: before 6.18 that is the one of process 1, which a container may hide.
func NetNamespace(path string) (inode uint64, initial bool) {
	var own, first unix.Stat_t
	if unix.Stat(path, &own) != nil {
		return 0, false
	}
	return own.Ino, own.Ino == InitialNetNamespace || unix.Stat("/proc/1/ns/net", &first) == nil && first.Ino == own.Ino
}
