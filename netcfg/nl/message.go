// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sys/unix"
)

// Sizes of the fixed parts of messages (include/uapi/linux/netlink.h).
const (
	headerLen = 16
	attrLen   = 4
	// nlaTypeMask cuts NLA_F_NESTED and NLA_F_NET_BYTEORDER off an attribute's type.
	nlaTypeMask = 0x3fff
	// recvSize holds the largest part of a dump that the kernel makes for a reader with room (32 KiB), and more.
	recvSize = 64 << 10
	// dumpTries bounds how often a dump is asked for again because the tables changed meanwhile (NLM_F_DUMP_INTR).
	dumpTries = 5
	// answerLimit is how long the kernel may keep an answer, or the next part of one, to itself: a dump of any length comes in parts.
	answerLimit = 5 * time.Second
)

var native = binary.NativeEndian

// errInterrupted says that the tables changed while they were dumped.
var errInterrupted = errors.New("dump interrupted by changes")

// ErrSilent says that the kernel did not answer within answerLimit.
var ErrSilent = errors.New("the kernel does not answer: a lock in its network stack may be held; look for tasks that hang (dmesg), and try again")

// socket opens a netlink socket in the Host's namespace. It stays there whatever thread uses it later.
func (h *Host) socket(protocol int) (int, error) {
	fd := -1
	err := h.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
		return err
	})
	if err != nil {
		return -1, fmt.Errorf("open netlink socket: %w", err)
	}
	limit := unix.NsecToTimeval(int64(answerLimit))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("limit the wait for netlink answers: %w", err)
	}
	// Best effort: older kernels lack them, and all that is lost is detail.
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1<<20)
	return fd, nil
}

// dump sends one dump request and gives every message's type and payload to yield. It asks again when the tables
// changed meanwhile: reset is called before each try and forgets what was yielded.
func (h *Host) dump(protocol int, kind uint16, body []byte, reset func(), yield func(kind uint16, payload []byte)) error {
	fd, err := h.socket(protocol)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	buf, _ := h.buffers.Get().(*[recvSize]byte)
	if buf == nil {
		buf = new([recvSize]byte)
	}
	defer h.buffers.Put(buf)
	for try := 1; ; try++ {
		reset()
		err := dumpOnce(fd, uint32(try), kind, body, buf[:], yield)
		if !errors.Is(err, errInterrupted) || try == dumpTries {
			return err
		}
	}
}

// dumpOnce is one try. What is yielded lies in buf.
func dumpOnce(fd int, seq uint32, kind uint16, body, buf []byte, yield func(uint16, []byte)) error {
	if err := unix.Sendto(fd, request(kind, unix.NLM_F_REQUEST|unix.NLM_F_DUMP, seq, body), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("send netlink request: %w", err)
	}
	interrupted := false
	for {
		n, err := receive(fd, buf)
		if err != nil {
			return fmt.Errorf("receive netlink dump: %w", err)
		}
		for m := range messages(buf[:n]) {
			if m.seq != seq {
				continue // the tail of an earlier, interrupted try
			}
			interrupted = interrupted || m.flags&unix.NLM_F_DUMP_INTR != 0
			switch m.kind {
			case unix.NLMSG_DONE, unix.NLMSG_ERROR:
				if err := ackError(m.payload); err != nil {
					return err
				}
				if interrupted {
					return errInterrupted
				}
				return nil
			default:
				yield(m.kind, m.payload)
			}
		}
	}
}

// receive waits for one datagram.
func receive(fd int, buf []byte) (int, error) {
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return 0, ErrSilent
		}
		return n, err
	}
}

func request(kind uint16, flags uint16, seq uint32, body []byte) []byte {
	b := make([]byte, headerLen, headerLen+len(body))
	native.PutUint32(b, uint32(headerLen+len(body)))
	native.PutUint16(b[4:], kind)
	native.PutUint16(b[6:], flags)
	native.PutUint32(b[8:], seq)
	return append(b, body...)
}

// ackError reads the error number that begins NLMSG_ERROR and NLMSG_DONE; 0 is success.
func ackError(p []byte) error {
	if len(p) < 4 {
		return nil
	}
	if e := int32(native.Uint32(p)); e < 0 {
		return unix.Errno(-e)
	}
	return nil
}

type message struct {
	kind, flags uint16
	seq         uint32
	payload     []byte
}

// messages walks the messages of one datagram. It stops at the first that does not fit.
func messages(b []byte) iter.Seq[message] {
	return func(yield func(message) bool) {
		for len(b) >= headerLen {
			n := int(native.Uint32(b))
			if n < headerLen || n > len(b) {
				return
			}
			if !yield(message{native.Uint16(b[4:]), native.Uint16(b[6:]), native.Uint32(b[8:]), b[headerLen:n]}) {
				return
			}
			b = b[min(align(n), len(b)):]
		}
	}
}

// attrs walks netlink attributes: type without its flag bits, and value. It stops at the first that does not fit.
func attrs(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= attrLen {
			n := int(native.Uint16(b))
			if n < attrLen || n > len(b) {
				return
			}
			if !yield(native.Uint16(b[2:])&nlaTypeMask, b[attrLen:n]) {
				return
			}
			b = b[min(align(n), len(b)):]
		}
	}
}

func align(n int) int { return (n + 3) &^ 3 }

// u32 reads a 32-bit attribute; 0 when it is too short.
func u32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return native.Uint32(b)
}

// text reads a string attribute without its terminating zero.
func text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
