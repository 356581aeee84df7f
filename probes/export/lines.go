// SPDX-License-Identifier: Apache-2.0

package export

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	queued     = 1024            // lines that may wait for the disk
	batchBytes = 64 << 10        // that are written at once
	closeGrace = 2 * time.Second // how long the end waits for the disk
)

// Lines appends lines to a file on a goroutine of its own.
type Lines struct {
	path  string
	say   func(lost uint64) []byte // the line that tells of lines before it that were lost
	queue chan []byte
	done  chan struct{}
	lost  atomic.Uint64
	why   atomic.Pointer[string]

	mu     sync.Mutex
	closed bool

	// The goroutine's only:
	told uint64 // of lost
	torn bool   // the file ends inside a line
}

// Open tries to append to the file, which is made with mode 0600 when it is not there. say makes the line that tells of lost
// ones.
func Open(path string, say func(lost uint64) []byte) (*Lines, error) {
	f, err := appendTo(path)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return start(path, say), nil
}

func start(path string, say func(lost uint64) []byte) *Lines {
	l := &Lines{path: path, say: say, queue: make(chan []byte, queued), done: make(chan struct{})}
	go func() { // ends with Close
		defer close(l.done)
		for line := range l.queue {
			l.rescue(func() { l.batch(line) })
		}
		if l.told != l.lost.Load() {
			l.rescue(func() { l.write(nil, 0) })
		}
	}()
	return l
}

// rescue makes a loss of a panic: lines that can't be written are no reason to end what watches the network.
func (l *Lines) rescue(f func()) {
	defer func() {
		if r := recover(); r != nil {
			l.lost.Add(1)
			text := fmt.Sprintf("panic in the writer of lines: %v", r)
			l.why.Store(&text)
		}
	}()
	f()
}

// appendTo opens a file that lines go to the end of. A FIFO that nobody reads must not hold anything up; a file that is another user's
// would show that user the policy.
func appendTo(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
			err = fmt.Errorf("open %s: it belongs to user %d: name a file of your own", path, st.Uid)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Add takes a line without its end. It never blocks, and keeps the slice. After Close lines are lost.
func (l *Lines) Add(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.lost.Add(1)
		return
	}
	select {
	case l.queue <- line:
	default:
		l.lost.Add(1)
	}
}

// Lost counts lines that were not written.
func (l *Lines) Lost() uint64 { return l.lost.Load() }

// Trouble says why the last line that could not be written was not, "" when there was none.
func (l *Lines) Trouble() string {
	if why := l.why.Load(); why != nil {
		return *why
	}
	return ""
}

// batch writes a line and those that wait behind it.
func (l *Lines) batch(line []byte) {
	var b []byte
	n := uint64(0)
	for more := true; more; {
		b = append(append(b, line...), '\n')
		n++
		if len(b) >= batchBytes {
			break
		}
		select {
		case line, more = <-l.queue:
		default:
			more = false
		}
	}
	l.write(b, n)
}

// write appends n lines. What is not written is lost: the next write says so first, and begins a line of its own.
func (l *Lines) write(b []byte, n uint64) {
	lost := l.lost.Load()
	note := uint64(0)
	if lost != l.told {
		b = append(append(l.say(lost-l.told), '\n'), b...)
		note = 1
	}
	if l.torn {
		b = append([]byte{'\n'}, b...)
	}
	written, err := l.put(b)
	if written > 0 {
		l.torn = b[written-1] != '\n'
		whole := uint64(strings.Count(string(b[:written]), "\n"))
		if b[0] == '\n' {
			whole--
		}
		if note == 1 && whole > 0 {
			l.told = lost
			whole--
		}
		n -= min(n, whole)
	}
	if err != nil {
		l.lost.Add(n)
		text := strings.ReplaceAll(err.Error(), "\n", "; ")
		l.why.Store(&text)
	}
}

func (l *Lines) put(b []byte) (int, error) {
	f, err := appendTo(l.path)
	if err != nil {
		return 0, err
	}
	n, err := f.Write(b)
	return n, errors.Join(err, f.Close())
}

// Close writes what waits, for two seconds at most, and says how many lines the file misses.
func (l *Lines) Close() error {
	l.mu.Lock()
	again := l.closed
	l.closed = true
	l.mu.Unlock()
	if !again {
		close(l.queue)
	}
	select {
	case <-l.done:
	case <-time.After(closeGrace):
		select {
		case <-l.done: // in the same moment, when it was the host that stood still
		default:
			return fmt.Errorf("write %s: it takes no lines: the last ones are lost", l.path)
		}
	}
	if n := l.Lost(); n > 0 {
		why := l.Trouble()
		if why == "" {
			why = "it took lines slower than they came"
		}
		return fmt.Errorf("write %s: %d lines are missing: %s", l.path, n, why)
	}
	return nil
}
