// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// archive writes an initramfs: cpio in the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst of the
// kernel). The first error stands, and close tells it.
type archive struct {
	w     io.Writer
	err   error
	inode int
	at    int
	dirs  map[string]bool
}

// Modes of entries: file type and rights.
const (
	modeDir  = 0o040755
	modeFile = 0o100644
	modeExec = 0o100755
	modeLink = 0o120777
	modeChar = 0o020600
)

func newArchive(w io.Writer) *archive { return &archive{w: w, dirs: map[string]bool{".": true}} }

// entry writes one, after the folders above it. Names have no leading slash.
func (a *archive) entry(name string, mode int, data []byte, major, minor int) {
	if dir := path.Dir(name); !a.dirs[dir] {
		a.dir(dir)
	}
	a.inode++
	const owner, group, links, time, check = 0, 0, 1, 0, 0
	var head strings.Builder
	head.WriteString("070701")
	for _, v := range []int{a.inode, mode, owner, group, links, time, len(data), 0, 0, major, minor, len(name) + 1, check} {
		fmt.Fprintf(&head, "%08x", v)
	}
	head.WriteString(name + "\x00")
	a.write([]byte(head.String()))
	a.write(data)
}

// write pads to four bytes, as the format wants it of names and of contents.
func (a *archive) write(b []byte) {
	if a.err != nil {
		return
	}
	a.at += len(b)
	pad := -a.at & 3
	a.at += pad
	if _, a.err = a.w.Write(b); a.err == nil {
		_, a.err = a.w.Write(make([]byte, pad))
	}
}

func (a *archive) dir(name string) {
	if !a.dirs[name] {
		a.dirs[name] = true
		a.entry(name, modeDir, nil, 0, 0)
	}
}

func (a *archive) file(name string, mode int, data []byte) { a.entry(name, mode, data, 0, 0) }

func (a *archive) link(name, to string) { a.entry(name, modeLink, []byte(to), 0, 0) }

func (a *archive) device(name string, major, minor int) { a.entry(name, modeChar, nil, major, minor) }

// copy takes a file of the host.
func (a *archive) copy(name string, mode int, from string) {
	data, err := os.ReadFile(from)
	if err != nil && a.err == nil {
		a.err = err
	}
	a.file(name, mode, data)
}

func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil, 0, 0)
	if a.err != nil {
		return fmt.Errorf("write initramfs: %w", a.err)
	}
	return nil
}
