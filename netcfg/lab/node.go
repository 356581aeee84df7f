// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// order goes down the control pipe, report comes up: one JSON object a line.
type order struct {
	Do string `json:"do"` // "serve", "send", "stop", "count"
}

type report struct {
	Done string      `json:"done"` // the order that was carried out
	Err  string      `json:"err,omitempty"`
	Sent []FlowCount `json:"sent,omitempty"`
	Dead []dropShare `json:"dead,omitempty"`
	// Client is of the node that has the client that must keep working.
	Client *Client `json:"client,omitempty"`
}

// keeper is the OS thread that starts every child and lives as long as the lab: PDEATHSIG fires when the thread that
// started a child ends, not the process.
type keeper struct{ jobs chan func() }

func newKeeper() *keeper {
	k := &keeper{make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the keeper
		for job := range k.jobs {
			job()
		}
	}()
	return k
}

// start runs cmd.Start on the keeper's thread.
func (k *keeper) start(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	k.jobs <- func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("panic: %v", r)
			}
		}()
		done <- cmd.Start()
	}
	return <-done
}

func (k *keeper) close() { close(k.jobs) }

// node is a child process as its parent sees it.
type node struct {
	role   string
	cmd    *exec.Cmd
	pipe   io.WriteCloser
	orders *json.Encoder
	answer *json.Decoder
	stderr tail
	mu     sync.Mutex
	gone   chan struct{} // closed when the process has ended
	err    error         // what Wait said; valid once gone is closed
}

// spawn starts this program again as a node. own: in a new network namespace of its own.
func spawn(k *keeper, role string, own bool) (*node, error) {
	n := &node{role: role}
	n.cmd = exec.Command(self, Command, role)
	n.cmd.Env = []string{"GOMAXPROCS=1"}
	n.cmd.Dir = "/"
	n.cmd.Stderr = &n.stderr
	// A session of its own: Ctrl-C and the hangup of the terminal are the host's to handle.
	n.cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL, Setsid: true}
	if own {
		n.cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWNET
	}
	var err error
	if n.pipe, err = n.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start lab node %s: %w", role, err)
	}
	up, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start lab node %s: %w", role, err)
	}
	n.orders, n.answer = json.NewEncoder(n.pipe), json.NewDecoder(up)
	if err := k.start(n.cmd); err != nil {
		return nil, fmt.Errorf("start lab node %s: %w", role, err)
	}
	n.gone = make(chan struct{})
	go func() { // ends with the process; can't panic
		n.err = n.cmd.Wait()
		close(n.gone)
	}()
	return n, nil
}

// namespace is the path of the node's network namespace.
func (n *node) namespace() string { return fmt.Sprintf("/proc/%d/ns/net", n.cmd.Process.Pid) }

// do gives an order and waits until it is carried out.
func (n *node) do(ctx context.Context, what string) (report, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	type result struct {
		report
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("panic: %v", p)
			}
			done <- r
		}()
		if r.err = n.orders.Encode(order{what}); r.err == nil {
			r.err = n.answer.Decode(&r.report)
		}
	}()
	select {
	case r := <-done:
		switch {
		case r.err != nil:
			return r.report, fmt.Errorf("lab node %s: %s: %w%s", n.role, what, r.err, n.stderr.quoted())
		case r.Err != "":
			return r.report, fmt.Errorf("lab node %s: %s: %s", n.role, what, r.Err)
		case r.Done != what:
			return r.report, fmt.Errorf("lab node %s: asked to %s, it answered %q", n.role, what, r.Done)
		}
		return r.report, nil
	case <-ctx.Done():
		return report{}, fmt.Errorf("lab node %s: %s: %w", n.role, what, ctx.Err())
	}
}

// leaveTime is how long a node may take to end by itself.
const leaveTime = time.Second

// close ends the process: by the end of its control pipe, else by SIGKILL. It returns when the process is gone.
func (n *node) close() error {
	n.pipe.Close()
	kill := time.AfterFunc(leaveTime, func() { _ = n.cmd.Process.Kill() }) // "already finished" is what is wanted
	defer kill.Stop()
	<-n.gone
	var exit *exec.ExitError
	if n.err != nil && !errors.As(n.err, &exit) && !errors.Is(n.err, os.ErrClosed) {
		return fmt.Errorf("end lab node %s: %w", n.role, n.err)
	}
	return nil
}

// death says how a node that has ended did so.
func (n *node) death() string {
	how := "it ended"
	if n.err != nil {
		how = n.err.Error()
	}
	return fmt.Sprintf("node %s is gone (%s)%s: its traffic has stopped", n.role, how, n.stderr.quoted())
}

// tail keeps the last lines that a child wrote to stderr: the reason when it dies.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	t.buf = t.buf[max(0, len(t.buf)-tailSize):]
	return len(p), nil
}

func (t *tail) quoted() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := strings.TrimSpace(string(bytes.ToValidUTF8(t.buf, nil))); text != "" {
		return fmt.Sprintf(" (it said: %q)", text)
	}
	return ""
}
