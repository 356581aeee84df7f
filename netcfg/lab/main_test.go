// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"hooktop/netcfg/lab"
)

// hostCommand makes this test binary the host of a lab.
const hostCommand = "lab-host"

// TestMain lets the test binary play the parts of the real program: node and host.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case lab.Command:
			exit(lab.Run(os.Args[2:], os.Stdin, os.Stdout))
		case hostCommand:
			exit(playHost())
		}
	}
	os.Exit(m.Run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// said is one line from the host to the test.
type said struct {
	Done string
	Sent lab.Sent
}

// playHost enters, builds, and then obeys: "send", "stop", and the end of stdin.
func playHost() error {
	if !lab.Inside() {
		return lab.Enter(os.Args)
	}
	ctx := context.Background()
	l, err := lab.Build(ctx)
	if err != nil {
		return err
	}
	say := json.NewEncoder(os.Stdout)
	if err := say.Encode(said{Done: "build"}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		s := said{Done: lines.Text()}
		switch s.Done {
		case "send":
			err = l.Send(ctx)
		case "stop":
			s.Sent, err = l.Stop(ctx)
		}
		if err != nil {
			return err
		}
		if err := say.Encode(s); err != nil {
			return err
		}
	}
	return l.Close()
}

// host is a lab whose host is another process.
type host struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
}

func startHost(t *testing.T) *host {
	t.Helper()
	h := &host{cmd: exec.Command("/proc/self/exe", hostCommand)}
	h.cmd.Stderr = os.Stderr
	// No PDEATHSIG here: it fires when the thread that called Start ends, and test kits end threads. The host leaves at the
	// end of its stdin.
	var err error
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	h.answers = json.NewDecoder(out)
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill() // a test may have ended it
		_ = h.cmd.Wait()
	})
	h.hear(t, "build")
	return h
}

func (h *host) hear(t *testing.T, want string) said {
	t.Helper()
	var s said
	if err := h.answers.Decode(&s); err != nil || s.Done != want {
		t.Fatalf("the host said %q, %v; want %q", s.Done, err, want)
	}
	return s
}

func (h *host) tell(t *testing.T, what string) said {
	t.Helper()
	if _, err := fmt.Fprintln(h.in, what); err != nil {
		t.Fatal(err)
	}
	return h.hear(t, what)
}
