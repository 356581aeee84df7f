// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"hooktop/netcfg/policy"
	"hooktop/ui/format"
)

// readDraft reads what an earlier session left, "" when there is none, or none of this user's: what can't be read can't be
// written either, which is said when there is a draft to lose.
func readDraft(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := readText(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the draft %s: %w", format.Clean(path), bare(err))
	}
	return text, nil
}

// writeDraft keeps a draft; the empty text removes it.
func writeDraft(path, text string) error {
	if path == "" {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	switch {
	case err != nil:
	case text == "":
		if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	default:
		err = replace(path, text, mode{perm: 0o600})
	}
	if err != nil {
		return fmt.Errorf("write the draft %s: %w: a lost session would lose it", format.Clean(path), bare(err))
	}
	return nil
}

// readText reads a file of at most one policy. A FIFO must not hold anything up.
func readText(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, policy.MaxBytes+1))
	return string(text), err
}

// mode of a file that is replaced.
type mode struct {
	perm     fs.FileMode
	owned    bool
	uid, gid int
	still    func() error // says right before the switch why it may not be made; nil: it may
}

// replace writes text beside path and renames, so that a full disk or a lost session leaves the old file whole.
func replace(path, text string, m mode) error {
	dir := filepath.Dir(path)
	tmp := filepath.Join(dir, "."+filepath.Base(path)+"."+rand.Text()[:8])
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if m.owned {
		err = f.Chown(m.uid, m.gid)
	}
	if err == nil {
		err = f.Chmod(m.perm)
	}
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil && m.still != nil {
		err = m.still()
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return syncFolder(dir)
}

func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // some file systems can't
		return err
	}
	return nil
}

// bare takes the path out of an error whose message names it already.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
