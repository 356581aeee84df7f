// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"context"
	"net/netip"

	"hooktop/netcfg/chain"
	"hooktop/netcfg/nl"
	"hooktop/probes/snap"
)

// host is what steering asks of a network namespace.
type host interface {
	Links() ([]snap.Link, error)
	Addressed() (map[int]nl.Addressed, error)
	Networks(dev string) []netip.Prefix
	Rules() ([]chain.Rule, error)
	AddRule(chain.Rule) error
	AddRuleAgain(chain.Rule) error
	RemoveRule(chain.Rule) error
	ChainRoutes(table uint32, six bool) ([]chain.Route, error)
	AddChainRoute(chain.Route) error
	ReplaceChainRoute(chain.Route) error
	RemoveChainRoute(chain.Route) error
	RemoveSteering(n int) (removed []string, err error)
	WatchSteering(ctx context.Context, down func(index int)) (<-chan struct{}, error)
	MarkOwners() ([]chain.Owner, error)
	Neighbour(index int, of netip.Addr) (nl.Neighbour, error)
	open(dev string, to netip.Addr) (asker, error)
	Do(func() error) error
}

// asker asks one next hop whether it is there.
type asker interface {
	Ask(wide bool) error
	Answered() bool
	Close() error
}

// kernel is the host that counts.
type kernel struct{ *nl.Host }

func (k kernel) open(dev string, to netip.Addr) (asker, error) {
	h, err := k.OpenHop(dev, to)
	if err != nil { // no asker, rather than one that is nil
		return nil, err
	}
	return h, nil
}
