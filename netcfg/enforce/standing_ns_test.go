// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

const onlyEstablished = "default in deny\nallow in established\n"

// connect opens a TCP connection from a namespace to a listener in another. Nothing keeps it alive: a probe would be seen.
func connect(t *testing.T, from, to *ktest.NS, addr string) (client, server net.Conn) {
	t.Helper()
	var l net.Listener
	to.Do(t, func() (err error) {
		l, err = (&net.ListenConfig{KeepAlive: -1}).Listen(t.Context(), "tcp", addr)
		return err
	})
	defer l.Close()
	from.Do(t, func() (err error) {
		client, err = (&net.Dialer{KeepAlive: -1, Timeout: ktest.Patience}).Dial("tcp", addr)
		return err
	})
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// says sends words over a connection and waits until they are there.
func says(t *testing.T, from, to net.Conn, words string) {
	t.Helper()
	if _, err := from.Write([]byte(words)); err != nil {
		t.Fatal(err)
	}
	if err := to.SetReadDeadline(time.Now().Add(ktest.Patience)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(words))
	if _, err := to.Read(got); err != nil || string(got) != words {
		t.Fatalf("%q was sent, %q arrived: %v", words, got, err)
	}
}

// settled waits until a connection has nothing under way, for a retransmission would be seen by the engine.
func settled(t *testing.T, client, server net.Conn) {
	t.Helper()
	says(t, client, server, "one")
	says(t, server, client, "two")
}

// A connection that stood before the launch, and said nothing since, is known by its socket.
func TestASilentConnectionOfThisHostSurvives(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	b := newQuietBench(t)
	client, server := connect(t, b.desk, b.here, "10.9.0.1:8080")
	settled(t, client, server)
	b.run(Options{}, onKern)
	f := b.wait("a frame", func(f *snap.Frame) bool { return f.Started })
	for _, row := range f.Flows.Rows {
		if row.Key.SPort == 8080 || row.Key.DPort == 8080 {
			t.Fatalf("the engine has seen it: %+v", row.Key)
		}
	}
	b.trial(onlyEstablished)
	b.do(snap.Intent{Kind: snap.KeepPolicy})
	says(t, client, server, "still there")
	says(t, server, client, "yes")
	b.listen("10.9.0.1:4000")
	b.talk("10.9.0.1:4000", 3)
	b.wait("what is new and denied", func(f *snap.Frame) bool { return f.Policy.Default[0].Packets >= 3 })
}

// One that this host forwards is known by conntrack.
func TestASilentForwardedConnectionSurvives(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	b := newQuietBench(t)
	far := ktest.NewNS(t)
	ktest.Veth(t, b.here, "v1", far, "v1")
	b.here.Addr(t, "v1", "10.9.1.1/24")
	far.Addr(t, "v1", "10.9.1.2/24")
	b.desk.Route(t, "10.9.1.0/24", "10.9.0.1")
	far.Route(t, "10.9.0.0/24", "10.9.1.1")
	b.here.Sysctl(t, "ipv4/ip_forward", "1")
	b.here.Do(t, func() error { // a rule that looks at the state makes the namespace track
		c := exec.Command("nft", "-f", "-")
		c.Stdin = strings.NewReader("table inet t { chain c { type filter hook forward priority 0; ct state established accept; }; }")
		if text, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, text)
		}
		return nil
	})
	client, server := connect(t, b.desk, far, "10.9.1.2:8080")
	settled(t, client, server)
	b.run(Options{}, onKern)
	b.wait("both devices", func(f *snap.Frame) bool { return f.Started && len(f.Policy.Devices) == 2 })
	b.trial(onlyEstablished)
	b.do(snap.Intent{Kind: snap.KeepPolicy})
	says(t, client, server, "still there")
	says(t, server, client, "yes")
}
