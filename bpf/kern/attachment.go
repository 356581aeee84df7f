// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"hooktop/probes/snap"
)

// Attachment is a program on its hook.
type Attachment struct {
	p        *Pipeline
	dev      Device
	hook     Hook
	prog     *ebpf.Program
	link     link.Link
	linkID   uint32
	progID   uint32
	about    snap.Program // what does not change
	once     sync.Once
	closeErr error
}

// goneWithin bounds how long Close waits for the kernel; ids vanish within a grace period, some 20 ms, or more where a CPU stands still.
const (
	goneWithin = 10 * time.Second
	goneLooks  = 50 // however long they take: the machine may stand still for all of that time
)

// keep notes ids and keeps the handles.
func (p *Pipeline) keep(d Device, h Hook, prog *ebpf.Program, l link.Link) (*Attachment, error) {
	a := &Attachment{p: p, dev: d, hook: h, prog: prog, link: l}
	p.mu.Lock()
	p.attached[a] = struct{}{}
	p.mu.Unlock()
	info, err := l.Info()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read back link on %s: %w", d.Name, err), a.Close())
	}
	a.linkID, a.progID = uint32(info.ID), uint32(info.Program)
	if a.about, err = DescribeProgram(prog); err != nil {
		return nil, errors.Join(fmt.Errorf("read back program on %s: %w", d.Name, err), a.Close())
	}
	a.about.Hook, a.about.Dev, a.about.State = string(h), d.Name, "attached"
	return a, nil
}

// ID gives the kernel's ids of link and program.
func (a *Attachment) ID() (linkID, progID uint32) { return a.linkID, a.progID }

// Device is what the program is attached to.
func (a *Attachment) Device() Device { return a.dev }

// Hook is where it is attached.
func (a *Attachment) Hook() Hook { return a.hook }

// Alive tells whether the link still is what it was: on its device, with our program. A device that went away or somebody
// who detached the link makes it false.
func (a *Attachment) Alive() (bool, error) {
	info, err := a.link.Info()
	if err != nil {
		return false, fmt.Errorf("look at link on %s: %w", a.dev.Name, err)
	}
	if x := info.XDP(); x != nil {
		return int(x.Ifindex) == a.dev.Index && uint32(info.Program) == a.progID, nil
	}
	if x := info.TCX(); x != nil {
		return int(x.Ifindex) == a.dev.Index && uint32(info.Program) == a.progID, nil
	}
	return false, nil
}

// Info reads what the kernel knows about the program. Run time is 0 unless kernel.bpf_stats_enabled is set.
// One system call: it is asked for each second.
func (a *Attachment) Info() (snap.Program, error) {
	s := a.about
	stats, err := a.prog.Stats()
	if err != nil {
		return s, fmt.Errorf("describe program: %w", err)
	}
	s.RunNs, s.Runs = uint64(stats.Runtime), stats.RunCount
	return s, nil
}

// Close takes the program off its hook. It returns when the kernel no longer knows link and program, or says that it does.
// Who may not ask the kernel for ids believes it.
func (a *Attachment) Close() error {
	a.once.Do(func() { a.closeErr = a.close() })
	return a.closeErr
}

func (a *Attachment) close() error {
	a.p.mu.Lock()
	delete(a.p.attached, a)
	delete(a.p.programs, a.prog)
	a.p.mu.Unlock()
	err := errors.Join(a.link.Close(), a.prog.Close())
	if err != nil {
		return fmt.Errorf("detach %s program from %s: %w", a.hook, a.dev.Name, err)
	}
	for deadline, looks := time.Now().Add(goneWithin), 1; ; looks++ {
		left := a.left()
		if left == "" {
			return nil
		}
		if looks >= goneLooks && time.Now().After(deadline) {
			return fmt.Errorf("detach %s program from %s: %s still exists after %v: somebody else holds it", a.hook, a.dev.Name, left, goneWithin)
		}
		time.Sleep(time.Millisecond)
	}
}

// left names what of the attachment the kernel still has, as far as it tells: to look by id needs CAP_SYS_ADMIN, to attach
// does not.
func (a *Attachment) left() string {
	if a.linkID != 0 {
		if l, err := link.NewFromID(link.ID(a.linkID)); err == nil {
			l.Close()
			return fmt.Sprintf("link %d", a.linkID)
		} else if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) {
			return fmt.Sprintf("link %d (%v)", a.linkID, err)
		}
	}
	if a.progID != 0 {
		if prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(a.progID)); err == nil {
			prog.Close()
			return fmt.Sprintf("program %d", a.progID)
		}
	}
	return ""
}
