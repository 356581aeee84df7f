// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ETHTOOL_S* commands that set one value (include/uapi/linux/ethtool.h), segmentation before the checksums it needs.
var offloads = [...]struct {
	name string
	set  uint32
}{
	{"tso", 0x1f},
	{"gso", 0x24},
	{"gro", 0x2c},
	{"tx checksum", 0x17},
	{"rx checksum", 0x15},
}

// Segments in one packet of TCP on the way to a device: the kernel's default, and none joined.
const (
	gsoJoined = 65535
	gsoSingle = 1
)

// SetOffloads turns segmentation (tso, gso, gro) and checksum offloads of a device on or off, so that what is counted at
// a hook are the frames of the wire. What a device does not have is left out. It holds for connections made afterwards.
func (h *Host) SetOffloads(dev string, on bool) error {
	l, err := h.link(dev)
	if err != nil {
		return err
	}
	// TCP joins segments whatever gso says (sk_route_forced_caps in net/ipv4/tcp.c); they are cut apart behind tc egress.
	segments := gsoSingle
	if on {
		segments = gsoJoined
	}
	if err := h.handle.LinkSetGSOMaxSegs(l, segments); err != nil {
		return fmt.Errorf("set the most segments in a packet of %s to %d: %w", dev, segments, err)
	}
	return h.Do(func() error {
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open ethtool socket: %w", err)
		}
		defer unix.Close(s)
		for i := range offloads {
			o := offloads[i]
			if on { // checksums first on the way up
				o = offloads[len(offloads)-1-i]
			}
			if err := ethtoolSet(s, dev, o.set, on); err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
				return fmt.Errorf("set %s of %s: %w", o.name, dev, err)
			}
		}
		return nil
	})
}

// ethtoolSet is SIOCETHTOOL with struct ethtool_value.
func ethtoolSet(s int, dev string, command uint32, on bool) error {
	value := struct{ command, data uint32 }{command: command}
	if on {
		value.data = 1
	}
	var request struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte // struct ifreq is 40 bytes
	}
	if len(dev) >= len(request.name) {
		return unix.ENAMETOOLONG
	}
	copy(request.name[:], dev)
	request.data = unsafe.Pointer(&value)
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(s), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	runtime.KeepAlive(&value)
	if e != 0 {
		return e
	}
	return nil
}
