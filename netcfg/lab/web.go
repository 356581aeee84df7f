// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

const (
	webPort = 80
	// think is the mean time between two requests of one client.
	think = 350 * time.Millisecond
	// perConnection is the most requests that a client sends before it opens a new connection.
	perConnection = 12
)

// serveHost is the web server that stands on the host.
func serveHost(*station) error { return serveWeb(hostWAN4, hostWAN6) }

// serveWebServers are those in the world.
func serveWebServers(*station) error { return serveWeb(webServers()...) }

// serveWeb answers GET /N with N bytes.
func serveWeb(at ...string) error { return serveWebAt(webPort, at...) }

func serveWebAt(port uint16, at ...string) error {
	server := &http.Server{
		Handler:           http.HandlerFunc(page),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that leave in the middle are part of the traffic
	}
	for _, a := range at {
		l, err := listen(a, port)
		if err != nil {
			return err
		}
		go func() { _ = server.Serve(l) }() // ends with the process
	}
	return nil
}

// listen opens a TCP listener without keep-alive probes: after Stop no connection says anything.
func listen(at string, port uint16) (net.Listener, error) {
	c := net.ListenConfig{KeepAlive: -1}
	c.SetMultipathTCP(false) // Go's default; its sockets look odd in sock_diag
	l, err := c.Listen(context.Background(), "tcp", netip.AddrPortFrom(addr(at), port).String())
	if err != nil {
		return nil, fmt.Errorf("listen at %s port %d: %w", at, port, err)
	}
	return l, nil
}

// dialer connects from an address, and port when it is not 0, without keep-alive probes.
func dialer(from string, port uint16) *net.Dialer {
	return &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr(from), port)), KeepAlive: -1, Timeout: 5 * time.Second}
}

func page(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.Atoi(r.URL.Path[1:])
	if err != nil || size < 0 || size > 1<<20 {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(size))
	for block := make([]byte, 16<<10); size > 0; {
		n, err := w.Write(block[:min(size, len(block))])
		if err != nil {
			return
		}
		size -= n
	}
}

// browseHost: clients of the world ask the host.
func browseHost(ctx context.Context, s *station) {
	browse(ctx, s, webClients(), []string{hostWAN4, hostWAN6})
}

// browseServers: clients of the LAN ask servers of the world; the host forwards.
func browseServers(ctx context.Context, s *station) { browse(ctx, s, lanClients(), webServers()) }

// fetch: the host itself asks servers of the world.
func fetch(ctx context.Context, s *station) {
	browse(ctx, s, []string{hostWAN4, hostWAN6}, webServers())
}

// browse lets each client ask the servers of its family in turn until ctx ends.
func browse(ctx context.Context, s *station, clients, servers []string) {
	browseAt(ctx, s, webPort, clients, servers)
}

func browseAt(ctx context.Context, s *station, port uint16, clients, servers []string) {
	for _, c := range clients {
		var known []string
		for _, v := range servers {
			if addr(v).Is4() == addr(c).Is4() {
				known = append(known, v)
			}
		}
		if len(known) == 0 {
			continue
		}
		s.senders.Go(func() {
			for ctx.Err() == nil {
				visit(ctx, c, netip.AddrPortFrom(addr(known[rand.IntN(len(known))]), port))
			}
		})
	}
}

// visit asks a server for some pages over one kept connection.
func visit(ctx context.Context, from string, to netip.AddrPort) {
	transport := &http.Transport{DialContext: dialer(from, 0).DialContext, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for range 1 + rand.IntN(perConnection) {
		url := fmt.Sprintf("http://%s/%d", to, pageSize())
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return
		}
		if response, err := client.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, response.Body) // a page cut short by the end of the lab is no fault
			response.Body.Close()
		}
		if !pause(ctx, think/2+rand.N(think)) {
			return
		}
	}
}

// pageSize is mostly small and sometimes large, as pages are. In bytes.
func pageSize() int {
	switch n := rand.IntN(20); {
	case n == 0:
		return 100<<10 + rand.IntN(150<<10)
	case n < 6:
		return 10<<10 + rand.IntN(30<<10)
	default:
		return 200 + rand.IntN(6<<10)
	}
}
