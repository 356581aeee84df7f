// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/chain"
	"hooktop/netcfg/nl"
	"hooktop/netcfg/policy"
	"hooktop/probes/guard"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// The test binary plays the killed run and its watcher, too.
const (
	watchPart  = "watch-run"
	victimPart = "victim-run"
)

func TestMain(m *testing.M) {
	var err error
	switch {
	case len(os.Args) > 1 && os.Args[1] == watchPart:
		err = guard.Watch(os.Args[2:], func() (guard.Host, error) { return nl.Open() })
	case len(os.Args) > 2 && os.Args[1] == victimPart:
		err = victim(os.Args[2])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// victim steers chains that change all the time, until it is killed.
func victim(dir string) error {
	host, err := nl.Open()
	if err != nil {
		return err
	}
	items, err := guard.Reclaim(dir, host)
	if err != nil || guard.Failed(items) {
		return fmt.Errorf("reclaim: %v, %w", items, err)
	}
	g, err := guard.Arm(guard.Options{Dir: dir, Command: watchPart})
	if err != nil {
		return err
	}
	s := New(host, g, func(snap.Severity, string) {})
	fmt.Println("run")
	list := []string{fw, strings.Replace(fw, "0x10/", "0x40/", 1), ""}
	for i := 0; ; i++ {
		kept, err := policy.Parse(list[i%len(list)])
		if err != nil {
			return err
		}
		trial, err := policy.Parse(list[rand.IntN(len(list))])
		if err != nil {
			return err
		}
		k, t := kept.ACL(), trial.ACL()
		if err := s.Want(k.Chains, t.Chains); err != nil {
			return err
		}
	}
}

// A run that is killed while it makes and removes rules and routes leaves none: its watcher undoes them, or the next start does when
// both were killed. What is foreign stays, byte for byte (FAULTS 11 and 12).
func TestKillWhileSteeringLeavesNothing(t *testing.T) {
	ns, far := ktest.NewNS(t), ktest.NewNS(t)
	for dev, addr := range map[string]string{"lan0": "10.1.0.1/24", "fw0": "10.9.0.1/30", "fw1": "10.9.1.1/30", "wan0": "10.0.0.2/24"} {
		ktest.Veth(t, ns, dev, far, dev)
		ns.Addr(t, dev, addr)
	}
	host, err := nl.At(ns.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	for i, r := range []chain.Rule{
		{Priority: chain.FirstPriority, Table: chain.FirstTable, Mark: 0x100, Mask: 0x100, Protocol: 4},
		{Priority: chain.FirstPriority + 1, Table: 99, Mark: 0x100, Mask: 0x100, Protocol: chain.Protocol},
		{Priority: 99, Table: chain.FirstTable + 2, Mark: 0x100, Mask: 0x100, Protocol: chain.Protocol},
	} {
		if err := errors.Join(host.AddRule(r), host.AddChainRoute(chain.Route{Table: chain.FirstTable + uint32(i), Guard: true, Protocol: 4})); err != nil {
			t.Fatal(err)
		}
	}
	ns.NetState(t)
	dir := filepath.Join(t.TempDir(), "hooktop")
	caught := 0
	for i := range ktest.Rounds(t, 12) {
		both := i%3 == 2
		killOnce(t, ns, dir, both)
		left, err := host.SteeringLeft()
		if err != nil {
			t.Fatal(err)
		}
		if !both && len(left) > 0 {
			t.Fatalf("round %d: the watcher has left %v", i, left)
		}
		if len(left) > 0 {
			caught++
		}
		ns.Do(t, func() error {
			items, err := guard.Reclaim(dir, host)
			if guard.Failed(items) {
				t.Errorf("reclaim: %+v", items)
			}
			return err
		})
		if left, err = host.SteeringLeft(); err != nil || len(left) > 0 {
			t.Fatalf("round %d, both %v: left %v, %v", i, both, left, err)
		}
	}
	t.Logf("%d times something was left to the next start", caught)
}

// killOnce kills a victim a random moment after it has begun.
func killOnce(t *testing.T, ns *ktest.NS, dir string, both bool) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", victimPart, dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	ns.Do(t, cmd.Start)
	if lines := bufio.NewScanner(out); !lines.Scan() {
		t.Fatalf("the victim says nothing: %v", lines.Err())
	}
	moment := time.NewTimer(rand.N(60 * time.Millisecond))
	<-moment.C
	watchers := ktest.Children(cmd.Process.Pid)
	if both {
		for _, pid := range watchers {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended by itself just now
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	for _, pid := range watchers {
		ktest.WaitGone(t, pid)
	}
}
