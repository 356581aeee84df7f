// SPDX-License-Identifier: Apache-2.0

package term

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// ErrGone says that the terminal went away: a write to it failed.
var ErrGone = errors.New("the terminal is gone")

// ErrStalled says that nobody reads what is written to the terminal. Whoever gets it must not write there: it may block.
var ErrStalled = errors.New("the terminal takes no more output")

// slowWrite is how long one write may take before the screen counts as behind.
const slowWrite = 200 * time.Millisecond

// pollMs bounds how long a write waits before it looks whether it was told to give up.
const pollMs = 50

// Output writes to a terminal. The first write that fails calls lost, once, and no write ever waits for a terminal that was
// given up.
//
// It writes through its own non-blocking description of the terminal, so that giving up works even in the middle of a
// write, and so that the mode of the descriptor that the shell shares is not touched.
type Output struct {
	fd   int  // what is written to
	own  bool // fd is our own, non-blocking
	lost func(error)

	mu      sync.Mutex // one write at a time
	once    sync.Once
	given   atomic.Bool // given up
	refused atomic.Bool // a write found it given up
	looked  atomic.Bool // the last look of Stuck found a write waiting
	slow    atomic.Bool
	waiting atomic.Bool
	written atomic.Int64
}

// NewOutput wraps the terminal f. lost must not wait: a write is under way.
func NewOutput(f *os.File, lost func(error)) *Output {
	o := &Output{fd: int(f.Fd()), lost: lost}
	path := fmt.Sprintf("/proc/self/fd/%d", o.fd)
	if fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0); err == nil {
		o.fd, o.own = fd, true
	}
	return o
}

// Write implements io.Writer.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	begin, n := time.Now(), 0
	var err error
	for n < len(b) && err == nil {
		var w int
		w, err = o.some(b[n:])
		n += w
	}
	o.written.Add(int64(n))
	if time.Since(begin) > slowWrite {
		o.slow.Store(true)
	}
	if err != nil && !errors.Is(err, ErrStalled) {
		err = fmt.Errorf("%w: %w", ErrGone, err)
		o.once.Do(func() { o.lost(err) })
	}
	return n, err
}

// some writes what the terminal takes now, waiting for room in short steps.
func (o *Output) some(b []byte) (int, error) {
	if o.given.Load() {
		o.refused.Store(true)
		return 0, ErrStalled
	}
	o.waiting.Store(!o.own) // the shared description blocks
	n, err := unix.Write(o.fd, b)
	o.waiting.Store(false)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, unix.EINTR):
		return 0, nil
	case !errors.Is(err, unix.EAGAIN):
		return 0, err
	}
	o.waiting.Store(true)
	defer o.waiting.Store(false)
	_, err = unix.Poll([]unix.PollFd{{Fd: int32(o.fd), Events: unix.POLLOUT}}, pollMs)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return 0, err
	}
	return 0, nil
}

// GiveUp makes every write, present and future, return at once.
func (o *Output) GiveUp() { o.given.Store(true) }

// Refused reports whether a write returned because the terminal was given up.
func (o *Output) Refused() bool { return o.refused.Load() }

// Slow reports whether a write took long since the last call.
func (o *Output) Slow() bool { return o.slow.Swap(false) }

// Waiting reports whether a write waits for the terminal right now.
func (o *Output) Waiting() bool { return o.waiting.Load() }

// LookEvery is the time between two calls of Stuck: a write that the terminal takes waits for less.
const LookEvery = 50 * time.Millisecond

// Stuck reports whether a write waits for the terminal now and did so at the call before. A clock alone can't tell that from a
// machine that stood still.
func (o *Output) Stuck() bool {
	now := o.Waiting()
	return o.looked.Swap(now) && now
}

// Written is the number of bytes written so far.
func (o *Output) Written() int64 { return o.written.Load() }

// Reset leaves every mode of the screen, without waiting: what a stalled terminal still holds is thrown away first. It is for
// ends that skipped the orderly way.
func (o *Output) Reset() {
	if !o.own {
		return
	}
	_ = unix.IoctlSetInt(o.fd, unix.TCFLSH, unix.TCOFLUSH) // best effort: the terminal may be gone
	_, _ = unix.Write(o.fd, []byte(ResetSequences()))
}

// Close closes the own description; the file stays open for whoever gave it.
func (o *Output) Close() error {
	if !o.own {
		return nil
	}
	o.GiveUp()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.own = false
	return unix.Close(o.fd)
}
