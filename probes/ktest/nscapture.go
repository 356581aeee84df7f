// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// Tally is what was counted of one flow. Bytes are frame lengths.
type Tally struct{ Packets, Bytes uint64 }

// Capture counts frames per flow at a device with a packet socket: the judge of what hooktop counts at the same hook.
type Capture struct {
	sock, wake int // wake: eventfd that asks the reader to drain and end
	done       chan error
	flows      map[snap.FlowKey]Tally
	other      Tally
	each       func(frame []byte, egress bool)
}

// largeBuffer holds what arrives while the reader waits for a CPU.
const largeBuffer = 64 << 20

func enlarge(sock int) error {
	if err := unix.SetsockoptInt(sock, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, largeBuffer); err != nil {
		return fmt.Errorf("make a receive buffer large: %w", err)
	}
	return nil
}

// LargeBuffer gives a socket the receive buffer of a capture: its reader may wait for a CPU for seconds and loses nothing.
func LargeBuffer(t testing.TB, c syscall.Conn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = enlarge(int(fd)) })
	if err = errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
}

// Capture starts counting at a device, both directions.
func (n *NS) Capture(t testing.TB, dev string) *Capture {
	t.Helper()
	return n.CaptureEach(t, dev, nil)
}

// CaptureEach is Capture that shows each frame as well, until Stop returns; the frame is the callee's until it returns.
func (n *NS) CaptureEach(t testing.TB, dev string, each func(frame []byte, egress bool)) *Capture {
	t.Helper()
	c := &Capture{sock: -1, wake: -1, done: make(chan error, 1), flows: map[snap.FlowKey]Tally{}, each: each}
	index := n.Index(t, dev)
	n.Do(t, func() error { return c.open(index) })
	go func() { c.done <- c.run() }()
	return c
}

func (c *Capture) open(index int) (err error) {
	// Protocol 0 until bound: else frames of other devices come first.
	if c.sock, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return fmt.Errorf("open packet socket: %w", err)
	}
	if err := enlarge(c.sock); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(c.sock, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
		return fmt.Errorf("ask for VLAN tags: %w", err)
	}
	if err := unix.Bind(c.sock, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: index}); err != nil {
		return fmt.Errorf("bind packet socket: %w", err)
	}
	c.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC)
	return err
}

func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// Stop counts what is queued, ends the capture and gives the flows, keyed without a device slot. The caller sees to it
// that everything was sent and delivered before. A capture that lost frames is fatal.
func (c *Capture) Stop(t testing.TB) map[snap.FlowKey]Tally {
	t.Helper()
	if _, err := unix.Write(c.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		t.Fatalf("end capture: %v", err)
	}
	err := <-c.done
	stats, serr := unix.GetsockoptTpacketStats(c.sock, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	unix.Close(c.sock)
	unix.Close(c.wake)
	switch {
	case err != nil:
		t.Fatalf("capture: %v", err)
	case serr != nil:
		t.Fatalf("read capture statistics: %v", serr)
	case stats.Drops > 0:
		t.Fatalf("capture lost %d frames", stats.Drops)
	}
	return c.flows
}

// NotIP is what Stop's flows leave out: frames that are not IP or can't be parsed.
func (c *Capture) NotIP() Tally { return c.other }

func (c *Capture) run() error {
	frame, aux := make([]byte, 1<<17), make([]byte, 256)
	for ending := false; ; {
		n, auxn, _, from, err := unix.Recvmsg(c.sock, frame, aux, unix.MSG_TRUNC)
		switch {
		case err == nil:
			c.count(frame[:min(n, len(frame))], aux[:auxn], from)
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENETDOWN): // the device went down or is gone: what came before stays counted
		case !errors.Is(err, unix.EAGAIN):
			return fmt.Errorf("receive: %w", err)
		case ending:
			return nil
		default:
			fds := []unix.PollFd{{Fd: int32(c.sock), Events: unix.POLLIN}, {Fd: int32(c.wake), Events: unix.POLLIN}}
			if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
				return fmt.Errorf("poll: %w", err)
			}
			ending = fds[1].Revents != 0
		}
	}
}

func (c *Capture) count(frame, aux []byte, from unix.Sockaddr) {
	tag := vlanTag(aux)
	if tag != nil && len(frame) >= 12 {
		frame = append(append(append([]byte(nil), frame[:12]...), tag...), frame[12:]...)
	}
	sll, known := from.(*unix.SockaddrLinklayer)
	egress := known && sll.Pkttype == unix.PACKET_OUTGOING
	if c.each != nil {
		c.each(frame, egress)
	}
	key, ok := FlowOf(frame)
	if !ok {
		c.other.Packets++
		c.other.Bytes += uint64(len(frame))
		return
	}
	key.Egress = egress
	tally := c.flows[key]
	tally.Packets++
	tally.Bytes += uint64(len(frame))
	c.flows[key] = tally
}

// vlanTag gives back the tag that the kernel took off the frame (PACKET_AUXDATA), as four bytes, or nil.
func vlanTag(aux []byte) []byte {
	messages, err := unix.ParseSocketControlMessage(aux)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		if m.Header.Level != unix.SOL_PACKET || m.Header.Type != unix.PACKET_AUXDATA || len(m.Data) < int(unsafe.Sizeof(unix.TpacketAuxdata{})) {
			continue
		}
		a := (*unix.TpacketAuxdata)(unsafe.Pointer(&m.Data[0]))
		if a.Status&unix.TP_STATUS_VLAN_VALID == 0 {
			return nil
		}
		tpid := a.Vlan_tpid
		if a.Status&unix.TP_STATUS_VLAN_TPID_VALID == 0 {
			tpid = unix.ETH_P_8021Q
		}
		return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, tpid), a.Vlan_tci)
	}
	return nil
}
