// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Host is what the ledger asks of netlink.
type Host interface {
	Links() ([]snap.Link, error)
	Qdiscs() ([]snap.Qdisc, error)
	Refusals() ([]snap.Refusal, error)
}

// Options of a ledger. The zero value of a path means the kernel's.
type Options struct {
	Host Host
	Net  string // in place of /proc/thread-self/net
	Sys  string // in place of /proc/sys/net
}

// Ledger reads the counters and keeps the book. It belongs to one goroutine, whose thread is in the network namespace, but for Ask.
type Ledger struct {
	opt  Options
	mibs []mib
	book book
	read snap.Ledger

	// During one look:
	now []counter
	err []string
}

// New makes a ledger that has not looked yet.
func New(opt Options) *Ledger {
	if opt.Net == "" {
		opt.Net = "/proc/thread-self/net"
	}
	if opt.Sys == "" {
		opt.Sys = "/proc/sys/net"
	}
	return &Ledger{opt: opt, mibs: mibs()}
}

// Told is what netlink told.
type Told struct {
	links    []snap.Link
	queues   []snap.Qdisc
	refusals []snap.Refusal
	errs     []error // of each, in this order
}

// Ask asks netlink, which may take seconds where netfilter has many rules. It may be called from any goroutine.
func (l *Ledger) Ask() Told {
	t := Told{errs: make([]error, 3)}
	t.links, t.errs[0] = l.opt.Host.Links()
	t.queues, t.errs[1] = l.opt.Host.Qdiscs()
	t.refusals, t.errs[2] = l.opt.Host.Refusals()
	return t
}

// Look reads all sources beside what netlink told. The first look is where Since begins.
func (l *Ledger) Look(now time.Time, told Told) {
	l.now, l.err = l.now[:0], nil
	values := l.values()
	names := l.devices(told.links, told.errs[0])
	l.softnet()
	l.queues(names, told.queues, told.errs[1])
	l.refusals(told.refusals, told.errs[2])
	l.conntrack()
	l.stack(values, stageRouting, stageIP)
	l.neighbours()
	l.stack(values, stageXFRM, stageTCP, stageUDP, stageSocket)
	// A slice of its own each time: frames keep it.
	l.read = snap.Ledger{Rows: l.book.enter(now, l.now, len(l.err) == 0), Errs: l.err}
}

// Read is what the last look saw. Nothing in it changes later.
func (l *Ledger) Read() snap.Ledger { return l.read }

func (l *Ledger) add(c counter) {
	c.row.Name, c.row.Dev, c.row.Source = format.Clean(c.row.Name), format.Clean(c.row.Dev), format.Clean(c.row.Source)
	l.now = append(l.now, c)
}

func (l *Ledger) fail(what string, err error) {
	l.err = append(l.err, format.Clean(strings.ReplaceAll(fmt.Sprintf("%s: %v", what, err), "\n", "; ")))
}

// netFiles is what users know Options.Net as.
const netFiles = "/proc/net/"

// need says what it means when a file is not there.
type need bool

const (
	always  need = true  // every kernel has it: its absence is an error
	ifThere need = false // IPv6, XFRM or conntrack may not be there, and then lose no packets
)

// file reads one file below /proc/net; nil when there is none.
func (l *Ledger) file(name string, n need) []byte {
	b, err := os.ReadFile(filepath.Join(l.opt.Net, name))
	if err != nil && (n == always || !errors.Is(err, fs.ErrNotExist)) {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		l.fail("read "+netFiles+name, err)
	}
	return b
}

// values reads the counters of the protocol stack: a map a file.
func (l *Ledger) values() map[string]map[string]uint64 {
	all := map[string]map[string]uint64{}
	for _, f := range []struct {
		name  string
		parse func(map[string]uint64, []byte)
		need  need
	}{{"snmp", parseMIB, always}, {"netstat", parseMIB, always}, {"snmp6", parseList, ifThere}, {"xfrm_stat", parseList, ifThere}} {
		all[f.name] = map[string]uint64{}
		f.parse(all[f.name], l.file(f.name, f.need))
	}
	return all
}

// stack enters the counters of some stages, as far as this kernel has them.
func (l *Ledger) stack(values map[string]map[string]uint64, stages ...string) {
	for _, stage := range stages {
		for _, m := range l.mibs {
			if m.stage != stage {
				continue
			}
			v, ok := values[m.file][m.key]
			if !ok {
				continue
			}
			l.add(counter{headline: m.headline, row: snap.LedgerRow{
				Stage: stage, Name: m.name(), Total: v, Help: m.help, Trace: m.trace, Filter: m.filter,
				Source: netFiles + m.file + " " + m.key,
			}})
		}
	}
}
