// SPDX-License-Identifier: Apache-2.0

package fallback

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// changing is a host whose connections are others at each look.
type changing struct{}

func (changing) Tracked() ([]snap.Tracked, error) {
	list := make([]snap.Tracked, 200)
	for i := range list {
		list[i] = snap.Tracked{
			Proto: 6, Src: snap.AddrFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1})),
			Dst:   snap.AddrFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(rand.IntN(256))})),
			SPort: uint16(rand.IntN(1000)), DPort: 443, Packets: rand.Uint64N(1000), Bytes: rand.Uint64N(100000),
		}
	}
	return list, nil
}

func (changing) Sockets() ([]snap.Socket, error) { return nil, nil }

// Refresh on one goroutine, everything else on another: the race detector looks.
func TestRefreshBesideReaders(t *testing.T) {
	w := newWorld(nil)
	w.src.o.Host, w.src.o.Now = changing{}, time.Now
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for now := time.Now(); ; now = now.Add(time.Second) {
			select {
			case <-stop:
				return
			default:
			}
			if err := w.store.Collect(now); err != nil {
				t.Error(err)
				return
			}
			w.store.Answer(now, snap.FlowQuery{Limit: 30, Rerank: true}, nil)
			w.src.Limits()
			w.src.Slots()
		}
	})
	for range 300 {
		if err := w.src.Refresh(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	reader.Wait()
}
