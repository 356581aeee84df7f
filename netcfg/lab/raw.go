// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// wireEnd sends frames as they are from the node's device to the host's.
type wireEnd struct {
	sock     int
	index    int
	own, far [6]byte // MAC addresses
	dev      string  // the host's device that the frames arrive at
}

// openWire opens the node's device; role names the link.
func openWire(role string) (*wireEnd, error) {
	dev, err := net.InterfaceByName(nodeDev)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", nodeDev, err)
	}
	sock, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0) // protocol 0: send only
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	w := &wireEnd{sock: sock, index: dev.Index}
	for _, t := range topology() {
		if t.role == role {
			w.own, w.far, w.dev = t.node.mac, t.host.mac, t.host.dev
		}
	}
	return w, nil
}

func (w *wireEnd) close() { unix.Close(w.sock) }

// send puts an IP packet on the wire, which the host forwards unless it is its own.
func (w *wireEnd) send(s *station, f Flow, tags []tag, ip []byte) {
	f.Forwarded = !isHost(f.Dst)
	w.put(s, f, tags, ip)
}

// put puts an IP packet on the wire and counts it as f's if the kernel took it.
func (w *wireEnd) put(s *station, f Flow, tags []tag, ip []byte) bool {
	frame := ethernet(w.far, w.own, tags, ip)
	if unix.Sendto(w.sock, frame, 0, &unix.SockaddrLinklayer{Ifindex: w.index, Halen: 6}) != nil {
		return false // not sent, not counted
	}
	f.Dev, f.Dir = w.dev, "in"
	s.add(f, len(frame))
	return true
}

// withWire is the frame of a raw sender: it says why on stderr when it can't send at all, which the host quotes.
func withWire(role string, f func(*wireEnd)) {
	w, err := openWire(role)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer w.close()
	f(w)
}
