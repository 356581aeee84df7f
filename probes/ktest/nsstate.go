// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"
)

// State is what a host has that hooktop could leave something in, as text that an operator can read: one section a
// listing, one line an entry.
type State map[string][]string

// listings are the commands whose output must not change, in the namespace that they run in, with what they read. Few
// processes do it: a guest of the kernel matrix needs some 50 ms to start one.
var listings = []struct{ command, input string }{
	{"bpftool -j net", ""},
	{"ip -j -d -batch -", "link show\nrule\nroute show table all\nneigh show nud permanent\nnetns\n"},
	{"ip -j -6 -batch -", "rule\nroute show table all\n"},
	{"tc -j qdisc show", ""},
	{"nft list ruleset", ""},
}

// TakeState lists the namespace of n, or the process's own for nil, and the kernel's BPF programs, maps and links. Those
// are the whole machine's: what a living process other than this one holds is its own business and left out, so that what
// remains is attached, pinned or held by this process.
func TakeState(t testing.TB, n *NS) State {
	t.Helper()
	s := takeNet(t, n)
	for kind, next := range map[string]func(uint32) (uint32, error){bpfProgram: nextProgram, bpfMap: nextMap, bpfLink: nextLink} {
		s[kind] = ids(t, kind, next)
	}
	// Held after listed: what ends in between shows once as unheld, and not again.
	for object := range heldByOthers(os.Getpid()) {
		s[object.kind] = slices.DeleteFunc(s[object.kind], func(id string) bool { return id == object.id })
	}
	for kind, list := range s {
		for i, id := range list {
			list[i] += described(kind, id)
		}
	}
	return s
}

// takeNet is TakeState without the machine-wide BPF ids.
func takeNet(t testing.TB, n *NS) State {
	t.Helper()
	s := State{}
	for _, l := range listings {
		out, err := run(n, l.command, l.input)
		if err != nil {
			t.Fatalf("list host state: %s: %v", l.command, err)
		}
		s[l.command] = lines(out)
	}
	return s
}

func run(n *NS, command, input string) (out []byte, err error) {
	words := strings.Fields(command)
	start := func() error {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Stdin = strings.NewReader(input)
		out, err = cmd.Output()
		return err
	}
	if n == nil {
		return out, start()
	}
	return out, n.Run(start)
}

// lines makes one line of each element of JSON lists, without what changes by itself; other text stays as it is.
func lines(out []byte) []string {
	var list []map[string]any
	for text := json.NewDecoder(bytes.NewReader(out)); ; {
		var more []map[string]any
		if err := text.Decode(&more); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return strings.Split(strings.TrimSpace(string(out)), "\n")
		}
		list = append(list, more...)
	}
	all := []string{}
	for _, entry := range list {
		if ofIPv6Address(entry) {
			continue
		}
		for _, moving := range []string{"expires", "stats64", "stats", "used", "operstate"} {
			delete(entry, moving)
		}
		if info, ok := entry["linkinfo"].(map[string]any); ok { // bridge timers and the like
			delete(info, "info_data")
		}
		text, _ := json.Marshal(entry) // it came from JSON
		all = append(all, string(text))
	}
	sort.Strings(all)
	return all
}

// ofIPv6Address says of a route that the kernel made it for an IPv6 address of a device, which it does some time after the
// address or its device's carrier came.
func ofIPv6Address(route map[string]any) bool {
	to, _ := route["dst"].(string)
	return route["protocol"] == "kernel" && strings.Contains(to, ":")
}

// Diff says what is in one state and not in the other, a line each; "" when they are equal. A BPF object that is gone is no
// difference: the kernel frees what was let go of before, after a time of its own. That somebody's program stays
// attached is in bpftool's and ip's lists, where what is gone counts.
func (s State) Diff(after State) string {
	var b strings.Builder
	for _, name := range sortedKeys(s) {
		for _, l := range s[name] {
			if !slices.Contains(after[name], l) && !slices.Contains([]string{bpfProgram, bpfMap, bpfLink}, name) {
				fmt.Fprintf(&b, "gone from %s: %s\n", name, l)
			}
		}
		for _, l := range after[name] {
			if !slices.Contains(s[name], l) {
				fmt.Fprintf(&b, "new in %s: %s\n", name, l)
			}
		}
	}
	return b.String()
}

func sortedKeys(s State) []string {
	names := []string{}
	for name := range s {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// HostState lists the process's own namespace and the kernel's BPF objects now, and fails the test at its end when they
// differ then. Call it first: cleanups run in reverse. The kernel frees BPF objects after a grace period, so the second
// listing is repeated until it is equal or the patience is over.
func HostState(t testing.TB) { checkLater(t, nil, TakeState) }

// NetState is HostState for one namespace and without the machine-wide BPF ids, for tests that run beside others.
func (n *NS) NetState(t testing.TB) { checkLater(t, n, takeNet) }

// restless bounds the wait for a host that changes all the time.
const restless = 10 * time.Second

// settled lists until a listing has nothing that the one before had not: what an earlier test or another process makes or has let go
// of may still be under way.
func settled(t testing.TB, n *NS, take func(testing.TB, *NS) State) State {
	t.Helper()
	late := time.After(restless)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	before := take(t, n)
	for {
		select {
		case <-again.C:
		case <-late:
			return before // something changes all the time; what differs at the end will be said
		}
		now := take(t, n)
		if before.Diff(now) == "" {
			return now
		}
		before = now
	}
}

func checkLater(t testing.TB, n *NS, take func(testing.TB, *NS) State) {
	t.Helper()
	before := settled(t, n, take)
	t.Cleanup(func() {
		patience := Patience
		if t.Failed() { // it may have left off anywhere: no need to wait for order
			patience = time.Second
		}
		late := time.After(patience)
		again := time.NewTicker(100 * time.Millisecond)
		defer again.Stop()
		for over := false; ; { // what a stall made late is looked at once more
			diff := before.Diff(take(t, n))
			switch {
			case diff == "":
				return
			case over:
				t.Errorf("the host is not as it was before:\n%s", diff)
				return
			}
			select {
			case <-again.C:
			case <-late:
				over = true
			}
		}
	})
}
