// SPDX-License-Identifier: Apache-2.0

package names

import (
	"bytes"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

// hosts is /etc/hosts, read again when it changed.
type hosts struct {
	path string

	mu      sync.Mutex
	looked  time.Time // when the file's time was last looked at
	changed time.Time // the file's time
	names   map[netip.Addr]string
}

// Limits of the hosts file.
const (
	hostsEvery = 5 * time.Second
	hostsSize  = 8 << 20
)

func (h *hosts) name(a netip.Addr, now time.Time) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.names == nil || now.Sub(h.looked) >= hostsEvery {
		h.looked = now
		st, err := os.Stat(h.path)
		switch {
		case err != nil || st.Size() > hostsSize:
			h.names = map[netip.Addr]string{} // without it there is the DNS
		case h.names == nil || !st.ModTime().Equal(h.changed):
			b, err := os.ReadFile(h.path)
			if err == nil {
				h.changed, h.names = st.ModTime(), parseHosts(b)
			}
		}
	}
	return h.names[a]
}

// parseHosts reads hosts(5): the first name of an address's first line.
func parseHosts(b []byte) map[netip.Addr]string {
	names := map[netip.Addr]string{}
	for line := range bytes.Lines(b) {
		text, _, _ := strings.Cut(string(line), "#")
		f := strings.Fields(text)
		if len(f) < 2 {
			continue
		}
		a, err := netip.ParseAddr(f[0])
		if err != nil {
			continue
		}
		a = a.Unmap().WithZone("")
		if _, ok := names[a]; !ok {
			if n := first(f[1:]); n != "" {
				names[a] = n
			}
		}
	}
	return names
}
