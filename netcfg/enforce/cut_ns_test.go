// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
)

// cutting makes a policy at random that cuts the way from the desk to the gate's sshd, among rules that have nothing to do
// with it.
func cutting(r *rand.Rand, port uint16) string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	aside := func() []string {
		var out []string
		for range r.IntN(4) {
			out = append(out, pick(fmt.Sprintf("deny in udp to any port %d", 1+r.IntN(65000)), "allow in tcp from 192.0.2.0/24", "count in tcp", "count from any to any",
				"allow in tcp to any port "+fmt.Sprint(port)+" dev v9", "deny in tcp to any port 23", "limit in udp rate 5/s per source burst 9", "off allow from any",
				"allow in icmp", "allow out udp", "deny from 2001:db8::/32", "allow in tcp vlan 7"))
		}
		return out
	}
	desk := "from " + pick(deskAddr, deskAddr+"/31", "10.9.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "any", "not 192.0.2.0/24", "@desk", "not @other")
	gate := pick(gateAddr, "10.9.0.0/24", "any", "not 10.9.0.2", "not @other")
	ports := pick("", fmt.Sprintf(" port %d", port), fmt.Sprintf(" port 1,%d", port), fmt.Sprintf(" port %d-%d", port-5, port), " port 1024-65535", " port not 22")
	proto := pick("tcp", "tcp", "not udp", "")
	if ports != "" {
		proto = pick("tcp", "tcp,udp")
	}
	lines := append([]string{"set desk { 10.9.0.2, 198.51.100.0/24 }", "set other { 10.9.0.7, 203.0.113.0/24 }"}, aside()...)
	switch r.IntN(6) {
	case 0:
		lines = append(lines, "default in deny")
	case 1:
		lines = append(lines, "default out deny")
	case 2:
		lines = append(lines, "deny out "+proto+" from "+gate+ports+" to "+deskAddr)
	case 3:
		lines = append(lines, "deny "+proto+" "+desk+" to "+gate+ports+" dev v0")
	default:
		lines = append(lines, "deny in "+proto+" "+desk+" to "+gate+ports)
	}
	return strings.Join(append(lines, aside()...), "\n")
}

// batches runs n rounds in namespaces of their own, a few in each and several at once: each waits most of the time.
func batches(t *testing.T, n int, run func(t *testing.T, first, end int)) {
	const atOnce = 10
	each := max(1, min(10, n/atOnce))
	var all sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for first := 0; first < n; first += each {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			t.Run(fmt.Sprintf("from%d", first), func(t *testing.T) {
				if ktest.Inside(t) {
					run(t, first, min(n, first+each))
				}
			})
		})
	}
	all.Wait()
}

// Commits that cut the operator's way in, with the guard off and the process stopped at once: the kernel ends the lease, new
// sessions get in and the old one goes on.
func TestLeaseSavesTheSession(t *testing.T) {
	batches(t, ktest.Rounds(t, 20), func(t *testing.T, first, end int) {
		g := newGate(t, false)
		g.start()
		for i := first; i < end; i++ {
			text := cutting(rand.New(rand.NewPCG(uint64(i), 1)), g.sshd.Addr.Port())
			w := g.cut(text)
			g.signal(unix.SIGSTOP)
			g.restored(text, w, fmt.Sprint("still there ", i))
			g.signal(unix.SIGCONT)
		}
		g.end()
		audit := readFile(t, filepath.Join(g.dir, "audit"))
		ends := strings.Count(audit, `"what":"lease over"`) + strings.Count(audit, `"what":"restore"`)
		if strings.Count(audit, `"what":"commit"`) != end-first || ends != end-first {
			t.Errorf("%d commits are not in the audit log with their ends: %s", end-first, audit)
		}
	})
}

// cut commits a policy that cuts the way in, which it is told and which is so.
func (g *gate) cut(text string) window {
	t := g.t
	t.Helper()
	w, warned := g.commit(text)
	if !strings.Contains(warned, "cuts a way in") {
		t.Fatalf("a cut was not refused: %s\n%s", warned, text)
	}
	if g.sshd.Answers(g.desk) && w.from+cutLease > monotonic() {
		t.Fatalf("it did not cut the way in, nothing is shown:\n%s\n%s", text, g.story())
	}
	return w
}

// story is what hooktop wrote down.
func (g *gate) story() string {
	return readFile(g.t, filepath.Join(g.dir, "audit"))
}

// restored waits until the way in is open again: by the kernel's clock alone, neither early nor late.
func (g *gate) restored(text string, w window, word string) {
	t := g.t
	t.Helper()
	g.session.Say(t, word)
	g.sshd.Admitted(t, g.desk)
	connected := monotonic()
	if early := w.from + cutLease - connected; early > 20*time.Millisecond { // jiffies
		t.Fatalf("the way in was open %s before the lease ended:\n%s\n%s", early, text, g.story())
	}
	g.session.Expect(t, word)
	went := monotonic()
	var out []byte
	fresh := g.sshd.Command(false, "echo in")
	g.desk.Do(t, func() (err error) { out, err = fresh.Output(); return err })
	if string(out) != "in\n" {
		t.Fatalf("a new session said %q", out)
	}
	ended := w.until + cutLease
	t.Logf("after the end of the lease: a new connection %4d ms; the old session went on %4d ms after the commit; a new login took %4d ms: %s",
		(connected - ended).Milliseconds(), (went - w.from).Milliseconds(), (monotonic() - went).Milliseconds(), strings.ReplaceAll(text, "\n", "; "))
	// A login takes the processor its time, which a machine that runs ten of these has not; sshd's greeting says that one is in.
	if ktest.Full() && (connected-ended > time.Second || went-w.from > 2*cutLease+2*time.Second) {
		t.Errorf("too late: a new connection %s after the lease, the old session %s after the commit\n%s", connected-ended, went-w.from, text)
	}
}

// The process is stopped or killed at any instant of the window: the kernel ends the lease, whoever is alive.
func TestTheProcessMayStopOrDieInTheWindow(t *testing.T) {
	batches(t, ktest.Rounds(t, 20), func(t *testing.T, first, end int) {
		g := newGate(t, false)
		g.start()
		for i := first; i < end; i++ {
			r := rand.New(rand.NewPCG(uint64(i), 2))
			text := cutting(r, g.sshd.Addr.Port())
			w := g.cut(text)
			at := time.Duration(r.Int64N(int64(cutLease)))
			<-time.After(w.from + at - monotonic())
			if i%2 == 0 {
				g.signal(unix.SIGSTOP)
				t.Logf("stopped %s after the commit", at.Round(time.Millisecond))
				g.restored(text, w, fmt.Sprint("still there ", i))
				g.signal(unix.SIGCONT)
				continue
			}
			g.killed(text, w, fmt.Sprint("still there ", i), at)
		}
		g.end()
	})
}

// killed kills hooktop, whose programs go with it, and starts another one.
func (g *gate) killed(text string, w window, word string, at time.Duration) {
	t := g.t
	t.Helper()
	g.session.Say(t, word)
	g.signal(unix.SIGKILL)
	_ = g.hooktop.Wait() // killed
	g.sshd.Admitted(t, g.desk)
	late := -w.left()
	t.Logf("killed %s after the commit: a new connection %4d ms after the end of the lease", at.Round(time.Millisecond), late.Milliseconds())
	if ktest.Full() && late > time.Second {
		t.Errorf("too late\n%s", text)
	}
	g.session.Expect(t, word)
	g.start()
}

// With the guard on, the same policies cut nobody: the session and new ones from its peer go on at once.
func TestTheGuardKeepsTheWayIn(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	g := newGate(t, true)
	g.start()
	for i := range ktest.Rounds(t, 4) {
		text := cutting(rand.New(rand.NewPCG(uint64(i), 3)), g.sshd.Addr.Port())
		w, warned := g.commit(text)
		word := fmt.Sprint("still there ", i)
		g.session.Say(t, word)
		g.session.Expect(t, word)
		if tries := g.refused(w); warned != "" || tries > fewTries {
			t.Fatalf("with a guard: warned %q, and %d tries of a new connection were in vain until the lease was over\n%s", warned, tries, text)
		}
	}
	g.end()
}

// fewTries of a new connection may fail by a stall: each has a moment only.
const fewTries = 4

// refused counts the tries of a new connection that fail in a lease; 0 when one gets in.
func (g *gate) refused(w window) int {
	for tries := 0; ; tries++ {
		switch open := g.sshd.Answers(g.desk); {
		case open:
			return 0
		case w.left() <= 0:
			return tries
		}
	}
}
