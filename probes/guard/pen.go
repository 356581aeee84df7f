// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Pen is the right to change the network namespace: one writer at a time (FAULTS 7).
type Pen struct {
	file *os.File
	dir  string
}

// HeldError says who holds the pen.
type HeldError struct{ By Identity }

func (e *HeldError) Error() string {
	if e.By.PID == 0 {
		return "another hooktop holds the pen"
	}
	return fmt.Sprintf("pid %d holds the pen", e.By.PID)
}

// TakePen locks the network namespace of this process for writing, or returns a *HeldError.
func TakePen(dir string) (*Pen, error) {
	self, err := Self()
	if err != nil {
		return nil, fmt.Errorf("take the pen: %w", err)
	}
	path := penPath(dir, self.NetNS)
	var by Identity
	file, err := lockOwn(path, dir, func() bool {
		by = holder(path)
		return by.PID == 0 || by.PIDNS == self.PIDNS && !alive(by.PID, by.Start)
	})
	if errors.Is(err, errLocked) {
		return nil, &HeldError{By: by}
	}
	if err != nil {
		return nil, fmt.Errorf("take the pen: %w", err)
	}
	p := &Pen{file: file, dir: dir}
	if err := p.record(self); err != nil {
		return nil, errors.Join(fmt.Errorf("take the pen: %w", err), p.Drop())
	}
	return p, nil
}

// penPath is the lock file of a namespace, by inode; "*" makes the pattern of all.
func penPath(dir string, netns any) string {
	return filepath.Join(dir, fmt.Sprintf("pen-%v.lock", netns))
}

// Door is the socket beside a namespace's pen, by inode: whoever holds the pen may listen there. It goes with the pen.
func Door(dir string, netns uint64) string { return doorOf(penPath(dir, netns)) }

func doorOf(pen string) string { return strings.TrimSuffix(pen, ".lock") + ".sock" }

// dropPen removes a pen that is locked, and the socket that its holder left if he was killed.
func dropPen(f *os.File, dir string) error {
	err := os.Remove(doorOf(f.Name()))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, dropFile(f, dir))
}

func (p *Pen) record(id Identity) error {
	b, err := json.Marshal(id)
	if err != nil {
		return err
	}
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	_, err = p.file.WriteAt(append(b, '\n'), 0)
	return err
}

// Drop gives the pen back. Calling it again does nothing.
func (p *Pen) Drop() error {
	if p == nil || p.file == nil {
		return nil
	}
	err := dropPen(p.file, p.dir)
	p.file = nil
	return err
}

// holder reads the owner record of a pen that is held; it may be written just now, so it is read for a moment.
func holder(path string) Identity {
	var id Identity
	for range 20 {
		b, err := os.ReadFile(path)
		if err == nil && json.Unmarshal(b, &id) == nil {
			return id
		}
		time.Sleep(time.Millisecond)
	}
	return Identity{}
}
