// SPDX-License-Identifier: Apache-2.0

package owner

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// big makes a host of many processes with files and a socket each, and some sockets that no process holds.
func big(b *testing.B, processes, files, kernel int) (x *Index, sockets *[]snap.Socket, now *time.Time) {
	b.Helper()
	root := b.TempDir()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	var all []snap.Socket
	for i := range processes {
		pid := 100 + i
		dir := filepath.Join(root, strconv.Itoa(pid))
		must(os.MkdirAll(filepath.Join(dir, "fd"), 0o755))
		must(os.WriteFile(filepath.Join(dir, "stat"), fmt.Appendf(nil, "%d (p) S 1 1 1 0 -1 1 2 3 4 5 6 7 8 9 10 0 1 0 %d 0\n", pid, pid), 0o644))
		for fd := range files {
			must(os.Symlink("/dev/null", filepath.Join(dir, "fd", strconv.Itoa(fd))))
		}
		if i%10 == 0 {
			must(os.Symlink(fmt.Sprintf("socket:[%d]", pid), filepath.Join(dir, "fd", strconv.Itoa(files))))
			all = append(all, connected("10.0.0.1", uint16(pid), "10.9.9.9", 1, uint64(pid)))
		}
	}
	for i := range kernel {
		all = append(all, listening(17, "0.0.0.0", uint16(10000+i), uint64(1e6+i)))
	}
	at := time.Unix(1e9, 0)
	return New(Options{Root: root, Passwd: os.DevNull, Now: func() time.Time { return at },
		Sockets: func() ([]snap.Socket, error) { return append([]snap.Socket(nil), all...), nil },
		Addrs:   func() ([]netip.Prefix, error) { return nil, nil }}), &all, &at
}

// BenchmarkRefresh: 500 processes of 20 files, one in ten with a socket.
func BenchmarkRefresh(b *testing.B) {
	b.Run("first", func(b *testing.B) {
		x, _, _ := big(b, 500, 20, 0)
		for b.Loop() {
			x.walk = newWalker(x.opt.Root, x.opt.Passwd, x.opt.Now)
			if err := x.Refresh(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, kernel := range map[string]int{"again": 0, "again with kernel sockets": 5} {
		b.Run(name, func(b *testing.B) {
			x, _, now := big(b, 500, 20, kernel)
			for b.Loop() {
				*now = now.Add(2 * time.Second)
				if err := x.Refresh(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOwner(b *testing.B) {
	x, sockets, _ := big(b, 1000, 1, 0)
	if err := x.Refresh(); err != nil {
		b.Fatal(err)
	}
	s := (*sockets)[17]
	k := in(6, s.Local.String(), s.LPort, s.Peer.String(), s.PPort)
	b.ReportAllocs()
	for b.Loop() {
		if x.Owner(k).PID == 0 {
			b.Fatal("not found")
		}
	}
}
