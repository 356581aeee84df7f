// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// steadyPace is the time between two requests, each over a connection of its own: a rule that denies new connections
	// shows at once.
	steadyPace = 100 * time.Millisecond
	// steadyTime is what a request may take: longer than a machine that others use stalls, as none of them shall count as refused for
	// that. A SYN that nobody answers ends it earlier (the dialer's limit).
	steadyTime = 10 * time.Second
	steadySize = 512 // bytes of the page
)

// Client is what the client that must keep working got for its requests to the host's web server.
type Client struct {
	Asked  uint64
	Served uint64
	Why    string // of the last request that was not served
}

// ClientAddrs are the addresses that it asks from, one a family: neighbours of those who scan and flood.
func ClientAddrs() []netip.Addr { return []netip.Addr{addr(steady4), addr(steady6)} }

// steadyClient counts requests.
type steadyClient struct {
	mu  sync.Mutex
	sum Client
}

func (c *steadyClient) count(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.Asked++
	if err == nil {
		c.sum.Served++
	} else {
		c.sum.Why = err.Error()
	}
}

// read gives the sums, nil when nothing was asked.
func (c *steadyClient) read() *Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sum.Asked == 0 {
		return nil
	}
	out := c.sum
	return &out
}

// keepAsking asks the host for a page at a steady pace, over both families in turn. Every request ends, also those under
// way when ctx does: none is missed because the lab was stopped.
func keepAsking(ctx context.Context, s *station) {
	targets := []string{hostWAN4, hostWAN6}
	every(ctx, steadyPace, func(i int) {
		s.senders.Go(func() { s.steady.count(request(ClientAddrs()[i%2], targets[i%2])) })
	})
}

func request(from netip.Addr, to string) error {
	ctx, cancel := context.WithTimeout(context.Background(), steadyTime)
	defer cancel()
	return askPage(ctx, from.String(), netip.AddrPortFrom(addr(to), webPort), steadySize)
}

// askPage asks a web server for a page of that many bytes, over a connection of its own.
func askPage(ctx context.Context, from string, to netip.AddrPort, size int64) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/%d", to, size), nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DialContext: dialer(from, 0).DialContext, DisableCompression: true, DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if n, err := io.Copy(io.Discard, response.Body); err != nil || n != size {
		return fmt.Errorf("the page of %d bytes ended after %d: %w", size, n, err)
	}
	return nil
}
