// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// station is a node as it sees itself: the process that Run is.
type station struct {
	counter
	steady  steadyClient
	stop    context.CancelFunc
	senders sync.WaitGroup
	session net.Conn     // the operator's, on the node that has it
	atCount func() error // what is to be counted last, nil: nothing
}

// role is what a node does. Every part may be nil.
type role struct {
	comm  string                            // process name
	serve []func(*station) error            // opens listeners and returns; what serves lives as long as the process
	meet  func(*station) error              // makes the connections that stand before the traffic begins
	send  []func(context.Context, *station) // a sender each; returns when its context ends
}

// services are the roles of the processes that stand in the host's own namespace.
func services() []string { return []string{"sshd", "web", "dns", "batch", "vtep"} }

func roles() map[string]role {
	return map[string]role{
		"wan": {
			comm:  "lab-wan",
			serve: []func(*station) error{serveWebServers, serveResolver, serveBulk, serveChained},
			meet:  meetHost,
			send: []func(context.Context, *station){browseHost, scanHost, flood, keepAsking, sendTagged, sendFragments, sendDying, crowd, ping, typeKeys,
				sendVXLAN, sendGeneve, sendRogue, askInside},
		},
		"lan": {
			comm: "lab-lan",
			send: []func(context.Context, *station){browseServers, browseChained, lookUp, lookUpOutside, scanBlackhole},
		},
		firewall: {comm: "lab-fw"},
		"sshd":   {comm: Agent, serve: []func(*station) error{serveSession}},
		"web":    {comm: "lab-web", serve: []func(*station) error{serveHost}},
		"dns":    {comm: "lab-dns", serve: []func(*station) error{serveDNS, serveDiscard, serveFlooded}},
		"vtep":   {comm: "lab-vtep", serve: []func(*station) error{serveTunnels}},
		"batch":  {comm: "lab-batch", serve: []func(*station) error{serveStuck}, send: []func(context.Context, *station){fetch, upload, knock}},
	}
}

// Run is the life of a node: it carries out the orders that come on in until it ends. args are what follows Command.
func Run(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("%s: want one role, have %q", Command, args)
	}
	r, ok := roles()[args[0]]
	if !ok {
		return fmt.Errorf("%s: no such role: %q", Command, args[0])
	}
	if err := rename(r.comm); err != nil {
		return fmt.Errorf("%s %s: set process name: %w", Command, args[0], err)
	}
	s := &station{stop: func() {}}
	orders, reports := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil // the host is gone, or wants this node to go
		} else if err != nil {
			return fmt.Errorf("%s %s: read order: %w", Command, args[0], err)
		}
		answer := report{Done: o.Do}
		if err := s.carryOut(r, o.Do, &answer); err != nil {
			answer.Err = err.Error()
		}
		if err := reports.Encode(answer); err != nil {
			return fmt.Errorf("%s %s: report: %w", Command, args[0], err)
		}
	}
}

func (s *station) carryOut(r role, what string, answer *report) error {
	switch what {
	case "serve":
		for _, serve := range r.serve {
			if err := serve(s); err != nil {
				return err
			}
		}
	case "meet":
		if r.meet != nil {
			return r.meet(s)
		}
	case "send":
		ctx, stop := context.WithCancel(context.Background())
		s.stop = stop
		for _, send := range r.send {
			s.senders.Go(func() { send(ctx, s) })
		}
	case "stop":
		s.stop()
		s.senders.Wait()
	case "count":
		if s.atCount != nil {
			if err := s.atCount(); err != nil {
				return err
			}
		}
		answer.Sent, answer.Dead, answer.Client = s.list(), s.dead(), s.steady.read()
	default:
		return fmt.Errorf("no such order: %q", what)
	}
	return nil
}

// every calls f at a steady pace until ctx ends, the first time at once.
func every(ctx context.Context, pace time.Duration, f func(i int)) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		f(i)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// pause waits; false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
