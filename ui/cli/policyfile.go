// SPDX-License-Identifier: Apache-2.0

package cli

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

// policyFile is a policy's text and where it came from.
type policyFile struct {
	name string // as the user gave it, clean; "standard input"
	text string
	root *os.Root    // its folder, nil for standard input
	base string      // its name there
	info fs.FileInfo // when it was read
}

func (p *policyFile) close() {
	if p.root != nil {
		p.root.Close()
	}
}

// readPolicy reads a file, or standard input for -. Close it.
func (c *call) readPolicy(name string) (*policyFile, error) {
	if name == "-" {
		text, err := readAll(c.std.In)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", unwrapPath(err))
		}
		return &policyFile{name: "standard input", text: text}, nil
	}
	p := &policyFile{name: format.Clean(name), base: filepath.Base(name)}
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p.name, unwrapPath(err))
	}
	p.root = root
	if err := p.read(name); err != nil {
		p.close()
		return nil, fmt.Errorf("read %s: %w", p.name, unwrapPath(err))
	}
	return p, nil
}

// read opens name itself, links and all: only writing asks for more. A FIFO must not hold the program up.
func (p *policyFile) read(name string) error {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if p.info, err = f.Stat(); err != nil {
		return err
	}
	if p.info.IsDir() {
		return errors.New("it is a folder")
	}
	p.text, err = readAll(f)
	return err
}

// readAll reads one byte more than a policy may have: the parser then says that it is too long.
func readAll(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, policy.MaxBytes+1))
	return string(text), err
}

// replace puts text in the place of what was read: beside it first, then by one rename, so that a full disk or a lost
// session leaves the old file whole. Mode and owner stay. A link is not followed, and nothing is replaced that is not what
// was read. write is (*os.File).WriteString.
func (p *policyFile) replace(text string, write func(*os.File, string) (int, error)) error {
	if err := p.replaceable(); err != nil {
		return fmt.Errorf("write %s: %w", p.name, err)
	}
	tmp := "." + p.base + "." + rand.Text()[:8]
	f, err := p.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: a new file beside it: %w", p.name, unwrapPath(err))
	}
	err = p.fill(f, text, write)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = p.replaceable() // it may have changed meanwhile
	}
	if err == nil {
		err = p.root.Rename(tmp, p.base)
	}
	if err != nil {
		if gone := p.root.Remove(tmp); gone != nil {
			err = fmt.Errorf("%w (and %s stays behind: %w)", err, tmp, unwrapPath(gone))
		}
		return fmt.Errorf("write %s: %w: the file is as it was", p.name, unwrapPath(err))
	}
	return p.syncFolder()
}

// replaceable reports why the file may not be replaced.
func (p *policyFile) replaceable() error {
	now, err := p.root.Lstat(p.base)
	if err != nil {
		return unwrapPath(err)
	}
	stat, ok := now.Sys().(*syscall.Stat_t)
	switch {
	case now.Mode()&fs.ModeSymlink != 0:
		return errors.New("it is a symbolic link: name the file that it leads to")
	case !now.Mode().IsRegular():
		return errors.New("it is no regular file")
	case !os.SameFile(now, p.info) || now.Size() != p.info.Size() || !now.ModTime().Equal(p.info.ModTime()):
		return errors.New("somebody changed it meanwhile: try again")
	case ok && stat.Nlink > 1:
		return errors.New("it has several names (hard links), of which only one would change: copy it first")
	}
	return nil
}

// fill gives the new file the old one's owner, mode and the text, down to the disk.
func (p *policyFile) fill(f *os.File, text string, write func(*os.File, string) (int, error)) error {
	if stat, ok := p.info.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
			return fmt.Errorf("keep its owner: %w", unwrapPath(err))
		}
	}
	if err := f.Chmod(p.info.Mode()); err != nil {
		return fmt.Errorf("keep its mode: %w", unwrapPath(err))
	}
	if _, err := write(f, text); err != nil {
		return err
	}
	return f.Sync()
}

func (p *policyFile) syncFolder() error {
	dir, err := p.root.Open(".")
	if err != nil {
		return fmt.Errorf("write %s: its folder: %w", p.name, unwrapPath(err))
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // some file systems can't
		return fmt.Errorf("write %s: its folder: %w", p.name, unwrapPath(err))
	}
	return nil
}
