// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Watch is the life of the watcher process. args are those that Arm gave; open opens the network namespace that it
// shares with the main process. It returns when the main process has ended and its leftovers are gone.
func Watch(args []string, open func() (Host, error)) error {
	if len(args) < 2 {
		return errors.New("watch: this command is for hooktop itself")
	}
	w := watcher{dir: args[0], journal: args[1], open: open, sock: os.NewFile(fdSocket, "main"), main: fdMain}
	if len(args) > 2 {
		w.tty = openTerminal(fdTTY)
	}
	// The watcher outlives what ends the main process: its terminal, its session, an impatient operator's Ctrl-C.
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGPIPE, unix.SIGTSTP, unix.SIGTTOU, unix.SIGTTIN)
	_ = os.WriteFile("/proc/self/comm", []byte("hooktop-watch"), 0)  // best effort: for the eye
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0) // best effort: needs CAP_SYS_RESOURCE
	// A watcher that is late may find nobody any more: so much the more is there to do.
	_, _ = w.sock.Write([]byte{wordReady})
	if w.untilEnd() {
		return nil
	}
	return w.clean()
}

type watcher struct {
	dir, journal string
	open         func() (Host, error)
	sock         *os.File
	main         int // pidfd
	tty          *terminal
	screen       bool
}

// untilEnd listens until the main process ended; quiet says that it said goodbye.
func (w *watcher) untilEnd() (quiet bool) {
	sock := int32(w.sock.Fd())
	fds := []unix.PollFd{{Fd: sock, Events: unix.POLLIN}, {Fd: int32(w.main), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err != nil {
			if errors.Is(err, unix.EINTR) {
				continue
			}
			return false
		}
		if fds[0].Revents != 0 {
			quiet, ended := w.listen()
			if quiet {
				return true
			}
			if ended {
				fds[0].Fd = -1 // poll ignores it
			}
			continue // words that came before the end count
		}
		if fds[1].Revents != 0 {
			return false
		}
	}
}

func (w *watcher) listen() (quiet, ended bool) {
	words := make([]byte, 64)
	n, err := unix.Read(int(w.sock.Fd()), words)
	if n <= 0 {
		return false, !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN)
	}
	for _, word := range words[:n] {
		switch word {
		case wordScreenOn:
			w.screen = true
		case wordScreenOff:
			w.screen = false
		case wordQuit:
			return true, false
		}
	}
	return false, false
}

// clean does what the main process can't do any more: the terminal first, because somebody sits in front of it.
func (w *watcher) clean() error {
	if w.screen && w.tty != nil {
		w.tty.restore()
	}
	items, err := w.undo()
	if w.screen && w.tty != nil {
		w.tty.say(lastLine(items, err))
	}
	return err
}

func (w *watcher) undo() ([]Item, error) {
	if w.journal == "." || w.journal == "" {
		return nil, nil
	}
	path := filepath.Join(w.dir, w.journal)
	f, err := lockWhenFree(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // the main process, or a cleanup, was faster
	}
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	c, err := read(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("watch: %w", err)
	}
	var items []Item
	if !c.empty() {
		h, err := w.open()
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("watch: %w", err)
		}
		items = undo(h, c)
	}
	if Failed(items) {
		f.Close()
		return items, errors.New("watch: not everything could be removed")
	}
	if pen, err := lockFile(penPath(w.dir, c.Run.NetNS), 0); err == nil { // free, so its holder is dead
		_ = dropPen(pen, w.dir)
	}
	return items, dropFile(f, w.dir)
}

// lockWhenFree waits for the lock that the dying process may still hold for a moment.
func lockWhenFree(path string) (*os.File, error) {
	deadline := time.Now().Add(5 * time.Second)
	for tries := 1; ; tries++ {
		f, err := lockFile(path, 0)
		if !errors.Is(err, errLocked) || tries >= leastTries && time.Now().After(deadline) {
			return f, err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func lastLine(items []Item, err error) string {
	n := 0
	for _, i := range items {
		if i.State == "removed" {
			n++
		}
	}
	line := "hooktop was killed: its programs went with it"
	if n > 0 {
		line += fmt.Sprintf(", %d filters, qdiscs, rules and routes were removed", n)
	}
	if err != nil {
		return line + "; " + err.Error() + ": run hooktop cleanup"
	}
	return line
}
