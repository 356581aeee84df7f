// SPDX-License-Identifier: Apache-2.0

// Package term is what must be done around a terminal: whether it can show a screen at all, how its settings are saved
// and given back, and an output whose first failed write ends the program.
package term

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// State is a terminal's settings (termios). It can be encoded, so that a watcher process can restore them.
type State struct{ Termios unix.Termios }

// Save reads the settings of the terminal behind fd.
func Save(fd int) (State, error) {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return State{}, fmt.Errorf("read terminal settings: %w", err)
	}
	return State{*t}, nil
}

// Restore sets them again, at once: it does not wait for output that nobody reads.
func Restore(fd int, s State) error {
	t := s.Termios
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &t); err != nil {
		return fmt.Errorf("restore terminal settings: %w", err)
	}
	return nil
}

// Raw gives every key to the program and every byte to the terminal, as cfmakeraw does. before is what Save read.
func Raw(fd int, before State) error {
	t := before.Termios
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &t); err != nil {
		return fmt.Errorf("set terminal settings: %w", err)
	}
	return nil
}

// Tabs reports whether the terminal gets tabs as they are, not as blanks.
func (s State) Tabs() bool { return s.Termios.Oflag&unix.TABDLY == unix.TAB0 }

// Backspaces reports whether they need no time.
func (s State) Backspaces() bool { return s.Termios.Oflag&unix.BSDLY == unix.BS0 }

// Size is the terminal's width and height in cells.
func Size(fd int) (w, h int, err error) {
	s, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0, fmt.Errorf("read the terminal's size: %w", err)
	}
	return int(s.Col), int(s.Row), nil
}

// ResetSequences leaves every mode that the screen may have switched on; harmless where they are off. Written by those who
// restore a terminal after the program is gone.
func ResetSequences() string {
	return "\x1b[?2026l" + // synchronized output
		"\x1b[?1002l\x1b[?1003l\x1b[?1006l" + // mouse
		"\x1b[?1004l" + // focus reports
		"\x1b[?2004l" + // bracketed paste
		"\x1b[>4m\x1b[<u" + // modifyOtherKeys, kitty keyboard
		"\x1b[?1049l" + // alternate screen
		"\x1b[m\x1b[?25h\r" // style, cursor
}
