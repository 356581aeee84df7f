// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"fmt"

	"hooktop/probes/snap"
)

// xdpHold is a program on an XDP hook with the one on tc beside it, which makes marks of what the first one noted.
type xdpHold struct {
	Hold
	mark   Hold         // nil: it could not be attached
	settle func() error // nil: this plane can't
}

// attachXDP attaches the one that makes marks first, so that no packet of a chain finds it missing.
func (s *Set) attachXDP(d *Dev, k Hook) (Hold, error) {
	mark, err := s.attach(d, TCMark)
	if err != nil {
		s.Notify(snap.Warn, fmt.Sprintf("%s: packets of chains get no mark by XDP: %v: mode tc marks them itself", d.Link.Name, err))
		h, err := s.plane.Attach(d.device(), k)
		if err != nil {
			return nil, err
		}
		return &xdpHold{Hold: h}, nil
	}
	h, err := s.plane.Attach(d.device(), k)
	if err != nil {
		return nil, errors.Join(err, mark.Close(), s.dropQdisc(d))
	}
	hold := &xdpHold{Hold: h, mark: mark.Hold}
	if over, ok := s.plane.(Handover); ok {
		hold.settle = over.Settle
	}
	return hold, nil
}

// Close takes XDP off first: what it noted is marked until the last packet.
func (h *xdpHold) Close() error {
	err := h.Hold.Close()
	if h.mark != nil {
		if h.settle != nil {
			err = errors.Join(err, h.settle())
		}
		err = errors.Join(err, h.mark.Close())
	}
	return err
}

// Sits reports whether both do.
func (h *xdpHold) Sits() (bool, error) {
	sits, err := h.Hold.Sits()
	if err != nil || !sits || h.mark == nil {
		return sits, err
	}
	return h.mark.Sits()
}
