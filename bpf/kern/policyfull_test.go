// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"testing"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
)

// loadOverFull loads the XDP instance of slot 1 over maps that take no new key: hash tables of one entry, which is taken, in the
// place of those that would drive the oldest out.
func loadOverFull(t *testing.T, p *Pipeline, full ...string) *ebpf.Program {
	t.Helper()
	d := Device{Name: "eth0", Slot: 1}
	spec, name, err := objectFor(XDPGeneric)
	if err != nil {
		t.Fatal(err)
	}
	consts, err := p.consts.constMap(spec, d, forDevice)
	if err != nil {
		t.Fatal(err)
	}
	defer consts.Close()
	for _, which := range full {
		m := spec.Maps[which]
		m.Type, m.MaxEntries = ebpf.Hash, 1
		made, err := ebpf.NewMap(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := made.Put(make([]byte, m.KeySize), make([]byte, m.ValueSize)); err != nil {
			t.Fatal(err)
		}
		if err := p.maps[which].Close(); err != nil {
			t.Fatal(err)
		}
		p.maps[which] = made // closed with the pipeline
	}
	replace := map[string]*ebpf.Map{constSection: consts}
	for which, m := range spec.Maps {
		if have, ok := p.maps[which]; ok {
			replace[which], m.MaxEntries = have, have.MaxEntries()
		}
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: replace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(coll.Close)
	return coll.Programs[name]
}

// What a full map does not take is counted: the tuple that an answer is known by, and a source's bucket.
func TestWhatFullMapsLoseIsCounted(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadOverFull(t, p, bpf.XdpMapHtSeen, bpf.XdpMapHtBuckets)
	lost := func() (seen, buckets uint64) {
		t.Helper()
		c, err := p.Counters()
		if err != nil {
			t.Fatal(err)
		}
		return c.Stats.SeenFailed, c.Stats.BucketFailed
	}
	keep(t, p, writePolicy(t, p, "default in deny\nallow in udp established\nlimit in udp to any port 53 rate 1/h per source burst 1\nallow in udp"))
	for n := range 5 { // flows that nobody limits
		if !passes(t, prog, frameFor(udp("10.0.0.1", uint16(n), "10.0.0.9", 80))) {
			t.Fatal("an allowed packet is denied")
		}
	}
	if seen, buckets := lost(); seen != 5 || buckets != 0 {
		t.Errorf("5 new flows in a full map: %d tuples and %d buckets are counted as lost", seen, buckets)
	}
	k := udp("10.0.0.2", 1000, "10.0.0.9", 53)
	for n := range 3 { // a token is left each time, as none was taken down
		if !passes(t, prog, frameFor(k)) {
			t.Errorf("packet %d: a limit whose buckets are full denies", n)
		}
	}
	if seen, buckets := lost(); seen != 6 || buckets != 3 {
		t.Errorf("3 limited packets of a new flow: %d tuples and %d buckets are counted as lost", seen, buckets)
	}
}
