// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// sane undoes what a full-screen program asks of a terminal: synchronized output, mouse, focus and paste reports,
// keyboard protocols, colours, the hidden cursor, the alternate screen. Order matters: the screen is left last.
const sane = "\x1b[?2026l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?2027l\x1b[>4;0m\x1b[=0;1u" +
	"\x1b[0m\x1b[0 q\x1b]2;\x07\x1b[?25h\x1b[?1049l"

// terminal is what the watcher keeps of the operator's terminal.
type terminal struct {
	fd    int // own description, non-blocking: a terminal that nobody reads must not hold up the cleaning
	own   bool
	saved *unix.Termios
}

// openTerminal takes the settings of the terminal as they are before the screen changes them. nil when fd is none.
func openTerminal(fd int) *terminal {
	t := &terminal{fd: fd}
	own, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == nil {
		t.fd, t.own = own, true
	}
	if t.saved, err = unix.IoctlGetTermios(t.fd, unix.TCGETS); err != nil {
		return nil
	}
	return t
}

// restore gives the terminal back. Failures have nobody to be told to: the terminal is gone.
func (t *terminal) restore() {
	t.write(sane)
	_ = unix.IoctlSetTermios(t.fd, unix.TCSETS, t.saved)
}

func (t *terminal) say(line string) { t.write(line + "\n") }

// write never waits: over a description that is not ours it writes only while there is room.
func (t *terminal) write(text string) {
	if !t.own {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(t.fd), Events: unix.POLLOUT}}, 0)
		if err != nil || n == 0 {
			return
		}
	}
	_, _ = unix.Write(t.fd, []byte(text))
}

// Terminal returns the first of the standard streams that is a terminal, nil when none is.
func Terminal() *os.File {
	for _, f := range []*os.File{os.Stdout, os.Stdin, os.Stderr} {
		if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err == nil {
			return f
		}
	}
	return nil
}

// Restorer remembers the settings of a terminal as they are now; the function that it returns gives them back, without
// ever waiting for the terminal. tty may be nil.
func Restorer(tty *os.File) func() {
	if tty == nil {
		return func() {}
	}
	t := openTerminal(int(tty.Fd()))
	if t == nil {
		return func() {}
	}
	return t.restore
}
