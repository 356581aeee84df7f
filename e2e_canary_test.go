// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"hooktop/probes/ktest"
)

// arrives reports whether a datagram from there gets to a socket of here. One of an earlier call that comes late is none.
func arrives(t *testing.T, there *ktest.NS, c *net.UDPConn) bool {
	t.Helper()
	word := fmt.Sprint(rand.Uint64())
	there.Do(t, func() error {
		out, err := net.Dial("udp4", c.LocalAddr().String())
		if err != nil {
			return err
		}
		defer out.Close()
		_, err = out.Write([]byte(word))
		return err
	})
	if err := c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 32); ; {
		n, _, err := c.ReadFromUDP(b)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false
		case err != nil:
			t.Fatal(err)
		case string(b[:n]) == word:
			return true
		}
	}
}

// A canary is watched, so it must not outlive its watcher: once hooktop is stopped the kernel goes back by itself.
func TestAStoppedHooktopLosesItsCanary(t *testing.T) {
	ns, there := ground(t), ktest.NewNS(t)
	ktest.Veth(t, ns, "up2", there, "up3")
	ns.Addr(t, "up2", "198.51.100.1/24")
	there.Addr(t, "up3", "198.51.100.2/24")
	var socket *net.UDPConn
	ns.Do(t, func() (err error) {
		socket, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(198, 51, 100, 1), Port: 4000})
		return err
	})
	t.Cleanup(func() { socket.Close() })
	waitUntil(t, "a datagram without a policy", func() bool { return arrives(t, there, socket) })
	enough(t, func() string { return losesItsCanary(t, ns, there, socket) })
}

func losesItsCanary(t *testing.T, ns, there *ktest.NS, socket *net.UDPConn) (few string) {
	t.Helper()
	policy := write(t, "policy", "deny in udp to any port 4000\n")
	s := open(t, ns, 160, 40, []string{"XDG_STATE_HOME=" + t.TempDir()}, "--no-config", "-i", "up0", "-i", "up2", "--lease", "60s",
		"--policy", policy, "--canary", "up2", "--soak", "10m", "--canary-limits", "cpu=100")
	// shown opens the messages until one is there.
	shown := func(what string, there func(text string) bool) string {
		return s.until(what, func(text string) bool {
			if there(text) {
				return true
			}
			s.keys("!")
			return false
		})
	}
	code := regexp.MustCompile(`hooktop keep ([a-z0-9]{6})`)
	text := shown("the code of the trial", code.MatchString)
	kept := time.Now()
	r := execute(t, ns, nil, "keep", code.FindStringSubmatch(text)[1])
	if r.code != 0 || !strings.Contains(r.out, "on up2 and is watched for 10m0s, then the rest follows: up0") {
		t.Fatalf("keep: %d %q %q", r.code, r.out, r.err)
	}
	if arrives(t, there, socket) {
		few = fmt.Sprintf("the canary does not decide, %s after it was kept", time.Since(kept))
		if time.Since(kept) < 4*time.Second { // it lasts five without a look
			t.Error(few)
		}
	}
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	waitUntil(t, "the kernel to go back: the canary outlives its watcher", func() bool { return arrives(t, there, socket) })
	t.Logf("the kernel went back %v after SIGSTOP", time.Since(began).Round(10*time.Millisecond))
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	shown("what became of it", func(text string) bool { return strings.Contains(text, "was not renewed") })
	s.keys(ctrlC)
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d; the screen:\n%s", code, s.text())
	}
	return few
}
