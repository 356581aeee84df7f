// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// door is the socket of hooktop keep: whoever gets to it has just logged in, which is the proof that one can. hooktop bench asks there
// for the policy in force.
type door struct {
	listener *net.UnixListener
	done     chan struct{}
}

// knock is what comes in, one JSON object.
type knock struct {
	Code string `json:"code"`
	From string `json:"from"`          // SSH_CONNECTION of the login
	Ask  string `json:"ask,omitempty"` // askPolicy: for what is in force, and nothing is kept
}

// reply is what goes out.
type reply struct {
	Text   string  `json:"text"`
	Err    string  `json:"err"`
	Policy *Policy `json:"policy,omitempty"` // of askPolicy
}

// behind is who answers at the door.
type behind struct {
	keep   func(string, actor) snap.Answer
	policy func() Policy
}

// Limits of one knock: neither a slow nor a chatty client may keep the door.
const (
	knockTime  = 4 * time.Second
	knockBytes = 4096
)

// openDoor listens, with the place of a dead hooktop's socket taken. The caller holds the pen of this namespace.
func openDoor(path string, b behind) (*door, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listen for hooktop keep: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for hooktop keep: %w", err)
	}
	// The folder lets nobody else in meanwhile, and each client is asked who it is.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("listen for hooktop keep: %w", err), l.Close())
	}
	d := &door{l, make(chan struct{})}
	go func() { // ends with close
		defer close(d.done)
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			answerKnock(c, b)
		}
	}()
	return d, nil
}

func (d *door) close() error {
	err := d.listener.Close() // removes the socket
	<-d.done
	if err != nil {
		return fmt.Errorf("stop listening for hooktop keep: %w", err)
	}
	return nil
}

func answerKnock(c *net.UnixConn, b behind) {
	defer c.Close()
	if c.SetDeadline(time.Now().Add(knockTime)) != nil {
		return
	}
	by, err := peer(c)
	var k knock
	if err == nil {
		err = json.NewDecoder(io.LimitReader(c, knockBytes)).Decode(&k)
	}
	r := reply{}
	switch {
	case err != nil:
		r.Err = "keep: " + err.Error()
	case k.Ask == askPolicy:
		p := b.policy()
		r.Policy = &p
	default:
		by.From = format.Clean(k.From)
		a := b.keep(k.Code, by)
		r.Text, r.Err = a.Text, a.Err
	}
	// A client that went away has lost nothing but the words.
	_ = json.NewEncoder(c).Encode(r)
}

// peer says who is at the other end, and lets in nobody but root and the owner of this process.
func peer(c *net.UnixConn) (actor, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return actor{}, err
	}
	var cred *unix.Ucred
	var got error
	if err := raw.Control(func(fd uintptr) { cred, got = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return actor{}, err
	}
	if got != nil {
		return actor{}, got
	}
	if uid := int(cred.Uid); uid != 0 && uid != os.Getuid() {
		return actor{}, fmt.Errorf("only root may keep a trial, and this is uid %d", uid)
	}
	return actor{Who: loginName(int(cred.Pid), int(cred.Uid)), UID: int(cred.Uid), PID: int(cred.Pid), Fresh: true}, nil
}

// Knock asks the hooktop that listens at path to keep its trial: what hooktop keep CODE does.
func Knock(ctx context.Context, path, code string) (string, error) {
	r, err := visit(ctx, path, knock{Code: code, From: os.Getenv("SSH_CONNECTION")}, knockBytes)
	switch {
	case errors.Is(err, errNobody):
		return "", errors.New("keep: no hooktop that may change anything runs in this network namespace: where it runs in another, as that of hooktop lab does, enter it: nsenter -t PID -n hooktop keep CODE, with the PID of that hooktop")
	case errors.Is(err, fs.ErrPermission):
		return "", errors.New("keep: only root may keep a trial: try sudo")
	case err != nil:
		return "", fmt.Errorf("keep: %w", err)
	case r.Err != "":
		return "", errors.New(r.Err)
	}
	return r.Text, nil
}

var errNobody = errors.New("nobody listens")

// visit says one thing at a door, and waits for the answer, of so many bytes at most.
func visit(ctx context.Context, path string, k knock, most int64) (r reply, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*knockTime)
	defer cancel()
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "unix", path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return r, errNobody
	}
	if err != nil {
		return r, err
	}
	defer c.Close()
	if at, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(at); err != nil {
			return r, err
		}
	}
	if err := json.NewEncoder(c).Encode(k); err != nil {
		return r, err
	}
	if err := json.NewDecoder(io.LimitReader(c, most)).Decode(&r); err != nil {
		return r, fmt.Errorf("no answer from hooktop, which may be stopped: %w", err)
	}
	return r, nil
}
