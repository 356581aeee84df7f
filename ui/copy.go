// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/term"
)

// copy puts text on the terminal's clipboard (OSC 52) and into a file, for terminals that refuse it.
func (m *model) copy(c core.CopyMsg) tea.Cmd {
	clip := m.host.clip
	mux := term.Getenv(m.opt.Env, "TMUX") != "" || term.Getenv(m.opt.Env, "STY") != ""
	return tea.Batch(m.say(ansi.SetSystemClipboard(c.Text)), func() tea.Msg {
		if err := clip(c.Text); err != nil {
			return core.ToastMsg{Sev: snap.Warn, Text: "copied " + c.What + " to the terminal only: " + err.Error()}
		}
		text := "copied " + c.What + ", also to ~/.cache/hooktop/clip"
		if mux {
			text += " (tmux, screen may keep it)"
		}
		return core.ToastMsg{OK: true, Text: text}
	})
}

// writeClip replaces dir/hooktop/clip, readable by its owner only. No symbolic link on the way is followed, and the new file
// is a new file: nobody who prepared the place can read it or have another file overwritten.
func writeClip(dir, text string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", filepath.Join(dir, "hooktop", "clip"), err)
		}
	}()
	if dir == "" {
		return errors.New("HOME is not set")
	}
	const open = unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_RDONLY | unix.O_CLOEXEC
	if err := unix.Mkdir(dir, 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	cache, err := unix.Open(dir, open, 0)
	if err != nil {
		return err
	}
	defer unix.Close(cache)
	if err := unix.Mkdirat(cache, "hooktop", 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	own, err := unix.Openat(cache, "hooktop", open, 0)
	if err != nil {
		return err
	}
	defer unix.Close(own)
	temp := ".clip-" + rand.Text()
	fd, err := unix.Openat(own, temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	err = writeAll(fd, []byte(text))
	err = errors.Join(err, unix.Fchmod(fd, 0o600), unix.Close(fd))
	if err == nil {
		err = unix.Renameat(own, temp, own, "clip")
	}
	if err != nil {
		_ = unix.Unlinkat(own, temp, 0) // the first error is the one to report
	}
	return err
}

func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
