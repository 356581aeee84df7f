// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// ErrNoTCX means that the kernel has no tcx hook (before 6.6): use ProgramForFilter and a clsact filter.
var ErrNoTCX = errors.New("kernel has no tcx (needs Linux 6.6)")

// AttachTCX attaches an instance at a device's tcx hook, before all others: a program that ends the chain there must not
// hide traffic. It passes every packet on to the next.
func (p *Pipeline) AttachTCX(d Device, hook Hook) (*Attachment, error) {
	if p.shadow {
		return nil, fmt.Errorf("attach %s program to %s: this pipeline is for dry runs", hook, d.Name)
	}
	prog, err := p.take(d, hook)
	if err != nil {
		return nil, err
	}
	l, err := link.AttachTCX(link.TCXOptions{Interface: d.Index, Program: prog, Attach: tcxType(hook == TCEgress), Anchor: link.Head()})
	if err == nil {
		return p.keep(d, hook, prog, l)
	}
	if errors.Is(err, link.ErrNotSupported) {
		// The filter that comes in its place runs the same program.
		return nil, errors.Join(fmt.Errorf("attach %s program to %s: %w", hook, d.Name, ErrNoTCX), p.putBack(d, hook, prog))
	}
	return nil, errors.Join(fmt.Errorf("attach %s program to %s: %w", hook, d.Name, err), p.Unload(prog))
}

func tcxType(egress bool) ebpf.AttachType {
	if egress {
		return ebpf.AttachTCXEgress
	}
	return ebpf.AttachTCXIngress
}
