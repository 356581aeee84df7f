// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// AttachXDP attaches an instance at the XDP hook of a device. It never replaces anything: when a program sits there, the
// error is a *ForeignError (errors.Is(err, ErrForeign)). Links need Linux 5.9, which is below hooktop's floor.
func (p *Pipeline) AttachXDP(d Device, native bool) (*Attachment, error) {
	hook, flags := XDPGeneric, link.XDPGenericMode
	if native {
		hook, flags = XDPNative, link.XDPDriverMode
	}
	if p.shadow {
		return nil, fmt.Errorf("attach %s program to %s: this pipeline is for dry runs", hook, d.Name)
	}
	if d.Foreign != 0 {
		return nil, foreign(d, hook, d.Foreign)
	}
	prog, err := p.take(d, hook)
	if err != nil {
		return nil, err
	}
	l, err := link.AttachXDP(link.XDPOptions{Program: prog, Interface: d.Index, Flags: flags})
	if err == nil {
		return p.keep(d, hook, prog, l)
	}
	return nil, errors.Join(explainXDP(d, hook, err), p.Unload(prog))
}

// explainXDP turns an errno into what is in the way (net/core/dev.c, dev_xdp_attach; drivers).
func explainXDP(d Device, hook Hook, err error) error {
	switch {
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EEXIST):
		return foreign(d, hook, linkedXDP(d.Index))
	case errors.Is(err, unix.EOPNOTSUPP):
		return fmt.Errorf("attach %s program to %s: the driver has no such hook: %w", hook, d.Name, err)
	case errors.Is(err, unix.ERANGE), errors.Is(err, unix.EINVAL) && hook == XDPNative:
		return fmt.Errorf("attach %s program to %s: the driver refuses it, mostly for an MTU above a page or for LRO: %w", hook, d.Name, err)
	case errors.Is(err, unix.ENODEV):
		return fmt.Errorf("attach %s program to %s: the device is gone: %w", hook, d.Name, err)
	}
	return fmt.Errorf("attach %s program to %s: %w", hook, d.Name, err)
}
