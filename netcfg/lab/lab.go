// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hooktop/netcfg/nl"
)

// Command is the hidden first argument by which this program becomes a node; its second is the role.
const Command = "lab-node"

// Lab is the network that stands, seen from its host.
type Lab struct {
	keeper *keeper
	host   *nl.Host
	nodes  []*node
	rule   string // the row of the netfilter rule, "" without nf_tables
	deaths chan string
	ending chan struct{} // closed when Close begins
	once   sync.Once
	closed error
}

// Build makes namespaces, devices and addresses around this process, which Enter has put into an empty namespace, starts
// the services and connects the operator's session. No other traffic flows yet.
func Build(ctx context.Context) (l *Lab, err error) {
	if !Inside() {
		return nil, errors.New("build the lab: this process is not inside it: Enter first")
	}
	host, err := nl.Open()
	if err != nil {
		return nil, fmt.Errorf("build the lab: %w", err)
	}
	l = &Lab{host: host, keeper: newKeeper(), ending: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
			l = nil
		}
	}()
	if err := onlyLoopback(host); err != nil {
		return l, err
	}
	nameProcess()
	if err := prepare(host, true); err != nil {
		return l, fmt.Errorf("build the lab: %w", err)
	}
	for _, w := range topology() {
		n := l.node(w.role)
		if n == nil {
			if n, err = spawn(l.keeper, w.role, true); err != nil {
				return l, err
			}
			l.nodes = append(l.nodes, n)
		}
		if err := connect(ctx, host, n, w); err != nil {
			return l, fmt.Errorf("build the lab: join %s: %w", w.role, err)
		}
	}
	if l.rule, err = obstruct(host); err != nil {
		return l, fmt.Errorf("build the lab: %w", err)
	}
	for _, role := range services() {
		n, err := spawn(l.keeper, role, false)
		if err != nil {
			return l, err
		}
		l.nodes = append(l.nodes, n)
	}
	l.watch()
	_, err = l.all(ctx, "serve")
	if err == nil {
		_, err = l.all(ctx, "meet")
	}
	return l, err
}

// node finds the one with a role; nil: it was not started yet.
func (l *Lab) node(role string) *node {
	for _, n := range l.nodes {
		if n.role == role {
			return n
		}
	}
	return nil
}

// watch waits for the death of each node.
func (l *Lab) watch() {
	l.deaths = make(chan string, len(l.nodes))
	for _, n := range l.nodes {
		go func() { // ends with the node; can't panic
			<-n.gone
			select {
			case <-l.ending: // as it should
			default:
				l.deaths <- n.death()
			}
		}()
	}
}

// Deaths hears of each node that ended before Close, in words for the user.
func (l *Lab) Deaths() <-chan string { return l.deaths }

// orderTime bounds the wait for a node, which says by itself why nobody was met, and may have to wait for its last requests (steadyTime)
// before it has stopped.
const orderTime = meetTime + steadyTime

// Send lets the traffic begin.
func (l *Lab) Send(ctx context.Context) error {
	_, err := l.all(ctx, "send")
	return err
}

// Sent is what the lab's senders know, exactly: packets by flow, and how many of them died, by the host's counter. TCP is
// not among the flows, but for single SYNs: nobody but the wire knows its segments.
type Sent struct {
	Flows  []FlowCount
	Drops  []DropCount
	Client Client
}

// Stop ends the senders, waits until they have ended and all that they sent has arrived, and returns what was sent. The
// operator's session stays.
func (l *Lab) Stop(ctx context.Context) (Sent, error) {
	if _, err := l.all(ctx, "stop"); err != nil {
		return Sent{}, err
	}
	if err := l.settle(ctx); err != nil {
		return Sent{}, err
	}
	reports, err := l.all(ctx, "count")
	if err != nil {
		return Sent{}, err
	}
	var sent Sent
	dead := map[Drop]int64{}
	for _, r := range reports {
		sent.Flows = append(sent.Flows, r.Sent...)
		if r.Client != nil {
			sent.Client = *r.Client
		}
		for _, d := range r.Dead {
			dead[d.Drop] += d.N
		}
	}
	sortCounts(sent.Flows)
	sent.Drops = named(dead, l.rule)
	return sent, nil
}

// all gives an order to every node at the same time and waits for all.
func (l *Lab) all(ctx context.Context, what string) ([]report, error) {
	ctx, cancel := context.WithTimeout(ctx, orderTime)
	defer cancel()
	reports, failed := make([]report, len(l.nodes)), make([]error, len(l.nodes))
	var wg sync.WaitGroup
	for i, n := range l.nodes {
		wg.Go(func() { reports[i], failed[i] = n.do(ctx, what) })
	}
	wg.Wait()
	return reports, errors.Join(failed...)
}

// Close ends all nodes, and with them their namespaces and every device. It may be called again.
func (l *Lab) Close() error {
	l.once.Do(func() {
		close(l.ending)
		ended := make([]error, len(l.nodes))
		var all sync.WaitGroup
		for i, n := range l.nodes {
			all.Go(func() { ended[i] = n.close() })
		}
		all.Wait()
		failed := ended
		l.keeper.close()
		// The kernel takes a namespace down some time after its last process: the devices shall be gone now.
		for _, w := range topology() {
			failed = append(failed, l.host.Remove(w.host.dev))
		}
		failed = append(failed, l.host.Close())
		l.closed = errors.Join(failed...)
	})
	return l.closed
}
