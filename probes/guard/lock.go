// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Dir is where journals and locks live: a tmpfs, gone after a reboot, like everything that they speak of.
const Dir = "/run/hooktop"

var errLocked = errors.New("locked by another process")

// makeDir makes the folder, or checks that it is one that nobody but its owner can write to.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return fmt.Errorf("stat %s: %w", dir, err)
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return fmt.Errorf("%s is not a folder: remove it", dir)
	case int(st.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to user %d, not to %d: remove it", dir, st.Uid, os.Geteuid())
	case st.Mode&0o022 != 0:
		return fmt.Errorf("%s can be written to by others (mode %o): chmod 700 it", dir, st.Mode&0o777)
	}
	return nil
}

// lockFile opens (or makes) a file and locks it. errLocked when another process holds it. The file under path is the one
// that was locked: one that was unlinked in between is opened anew.
func lockFile(path string, flags int) (*os.File, error) {
	for range 100 {
		f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW|flags, 0o600)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, errLocked
			}
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		same, err := isAt(f, path)
		if err != nil {
			f.Close()
			return nil, err
		}
		if same {
			return f, nil
		}
		f.Close()
		if flags&os.O_CREATE == 0 {
			return nil, os.ErrNotExist
		}
	}
	return nil, fmt.Errorf("lock %s: it is replaced faster than it can be locked", path)
}

// A lock is waited for that a clean-up holds: it looks for a moment whether a file's owner is dead.
const (
	patience   = time.Second
	leastTries = 50 // however long they take: the machine may stand still for all of the patience
)

// lockOwn makes and locks a file of this process, and the folder around it, which goes with the last file in it. A lock
// that passing says is held for a moment only is waited out.
func lockOwn(path, dir string, passing func() bool) (*os.File, error) {
	deadline := time.Now().Add(patience)
	for tries := 1; ; tries++ {
		if err := makeDir(dir); err != nil {
			return nil, err
		}
		f, err := lockFile(path, os.O_CREATE)
		again := errors.Is(err, os.ErrNotExist) || errors.Is(err, errLocked) && passing()
		if !again || tries >= leastTries && time.Now().After(deadline) {
			return f, err
		}
		time.Sleep(time.Millisecond)
	}
}

func isAt(f *os.File, path string) (bool, error) {
	mine, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return os.SameFile(mine, there), nil
}

// dropFile removes a locked file, then lets go of the lock, then removes the folder if it was the last one in it.
func dropFile(f *os.File, dir string) error {
	err := os.Remove(f.Name())
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	err = errors.Join(err, f.Close())
	_ = os.Remove(dir) // fails while other files are in it, which is right
	return err
}
