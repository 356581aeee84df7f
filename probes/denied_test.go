// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/compile"
	"hooktop/probes/flows"
)

// Of a flood that a policy denies a part is shown, and before all others the flows that come again.
func TestAPartOfAFloodIsShown(t *testing.T) {
	k, err := kern.Open(kern.Options{Flows: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	img, err := compile.Compile(&acl.Policy{In: acl.Deny}, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	gen, err := k.WritePolicy(img)
	if err != nil {
		t.Fatal(err)
	}
	prog, err := k.Load(kern.Device{Name: "eth0", Slot: 1}, kern.XDPGeneric)
	if err := errors.Join(err, k.TryPolicy(gen, nil, time.Minute)); err != nil {
		t.Fatal(err)
	}
	frame := make([]byte, 60)
	frame[12], frame[14], frame[22], frame[23], frame[17], frame[39] = 8, 0x45, 64, 17, 46, 26
	send := func(from uint32) {
		t.Helper()
		binary.BigEndian.PutUint32(frame[26:], from)
		if _, err := prog.Run(&ebpf.RunOptions{Data: frame}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range uint32(2 * deniedMost) {
		send(0x0a000000 + n)
	}
	for range 3 * k.Sizes().CPUs { // twice on one of them
		send(0x0b000000)
	}
	s := &kernSource{p: k, live: k.Live(), denied: k.LiveDenied()}
	seen, again := 0, uint32(0)
	nobody := func(uint32, uint64) bool { return false }
	s.Scan(nobody, func(e *flows.Sample) bool {
		if !e.Denied || int(e.Slot) < s.Slots() {
			t.Errorf("%+v", *e)
		}
		if seen++; e.Key[12] == 0x0b {
			again = max(again, e.Packets)
		}
		return true
	})
	if seen != deniedMost || again < 2 {
		t.Errorf("%d denied flows are shown, the one that came again with %d packets", seen, again)
	}
	few := 0
	s.Scan(nobody, func(*flows.Sample) bool { few++; return few < 5 })
	if few != 5 {
		t.Errorf("%d flows, and 5 were asked for", few)
	}
}
