// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// savedFile is the policy file as this session knows it.
type savedFile struct {
	path  string
	text  string
	known bool // text was read or written by this session
}

// changedError refuses a save over a file that says something that nobody here has read.
type changedError struct {
	Since bool     // it was read before, and changed since
	What  string   // "1 added, 2 changed"
	Lines []string // what it says otherwise
	Arg   string   // replaces exactly this
}

func (e *changedError) Error() string {
	if e.Since {
		return fmt.Sprintf("it changed on disk since it was read (%s): overwrite it, or save to another name", e.What)
	}
	return fmt.Sprintf("it exists and this session has not read it (%s): overwrite it, or save to another name", e.What)
}

// maxChanged is how many lines a refusal lists.
const maxChanged = 200

// changed tells what disk says otherwise than the text that this session knows the file by, or than what would be written.
func changed(file savedFile, text, disk string) *changedError {
	e := &changedError{Since: file.known, Arg: overwriteOf(disk)}
	if file.known {
		text = file.text
	}
	is, err := policy.Parse(disk)
	if err != nil {
		e.What, e.Lines = "it can't be read as a policy", []string{format.Clean(err.Error())}
		return e
	}
	was, err := policy.Parse(text)
	if err != nil {
		e.What = "it could not be read as a policy before"
		return e
	}
	diff := policy.Diff(was, is)
	if e.Lines = cleaned(changes(&diff)); len(e.Lines) == 0 {
		e.What = "in comments or spaces only"
		return e
	}
	if e.What = summary(&diff); len(e.Lines) > maxChanged {
		e.Lines = append(e.Lines[:maxChanged], fmt.Sprintf("and %d more", len(e.Lines)-maxChanged))
	}
	return e
}

// overwriteOf is the Arg that replaces a file as long as it says this.
func overwriteOf(disk string) string {
	sum := sha256.Sum256([]byte(disk))
	return snap.Overwrite + " " + hex.EncodeToString(sum[:])
}

// Save writes the kept policy to its file, or to path.
func (s *Service) Save(path, arg string) snap.Answer {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	kept, file, trying, readOnly := s.kept, s.saved, s.trial != nil, s.opt.ReadOnly
	s.mu.Unlock()
	switch {
	case readOnly != "":
		return snap.Answer{Err: "save: this hooktop only looks: " + readOnly}
	case path == "" && file.path == "":
		return snap.Answer{Err: "save: the policy came from no file: name one"}
	case kept.id == 0:
		return snap.Answer{Err: "save: no policy is kept: commit and keep one first"}
	case path != "" && path != file.path:
		file = savedFile{path: path}
	}
	note, err := s.put(file, kept.text, arg)
	name := format.Clean(file.path)
	if err != nil {
		a := snap.Answer{Err: fmt.Sprintf("save %s: %v", name, bare(err))}
		if other := (*changedError)(nil); errors.As(err, &other) {
			a.Changed, a.Offer = other.Lines, other.Arg
		}
		return a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved = savedFile{path: file.path, text: kept.text, known: true}
	s.record("save", &kept, s.audit.self(), func(e *event) { e.File = name })
	text := fmt.Sprintf("v%d is saved to %s", kept.id, name)
	if trying {
		text += ", the trial is not"
	}
	s.tell(snap.Info, text)
	return snap.Answer{Text: text + note}
}

// put replaces the file unless it says something that nobody here has read.
func (s *Service) put(file savedFile, text, arg string) (note string, err error) {
	m := mode{perm: 0o644}
	path, err := filepath.EvalSymlinks(file.path)
	if errors.Is(err, fs.ErrNotExist) {
		if file.known {
			note = " (it was gone, and is there again)"
		}
		m.still = unchanged(func() bool { _, err := os.Stat(file.path); return errors.Is(err, fs.ErrNotExist) })
		return note, replace(file.path, text, m)
	}
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("it is no regular file")
	}
	if info.Size() > policy.MaxBytes { // its end would be in no version
		return "", fmt.Errorf("it has %d bytes, which is no policy: save to another name", info.Size())
	}
	old, err := readText(path)
	if err != nil {
		return "", err
	}
	if arg != snap.Overwrite && arg != overwriteOf(old) && old != text && !(file.known && old == file.text) {
		return "", changed(file, text, old)
	}
	m.perm = info.Mode().Perm()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		m.owned, m.uid, m.gid = true, int(stat.Uid), int(stat.Gid)
	}
	m.still = unchanged(func() bool { now, err := readText(path); return err == nil && now == old })
	if err := s.archive(path, old); err != nil {
		return "", fmt.Errorf("keep the version before: %w", err)
	}
	return "", replace(path, text, m)
}

// unchanged refuses to replace what somebody wrote since it was looked at: no version would have it.
func unchanged(same func() bool) func() error {
	return func() error {
		if !same() {
			return errors.New("somebody changed it meanwhile: try again")
		}
		return nil
	}
}

// archive keeps what a file said, the last ten versions of each file.
func (s *Service) archive(path, text string) error {
	if s.opt.State == "" {
		return nil
	}
	dir := filepath.Join(s.opt.State, "versions")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	prefix := strings.NewReplacer("%", "%25", "/", "%2f").Replace(full) + "@"
	if len(prefix) > 200 { // a name has room for 255 bytes (NAME_MAX), the time and what replace adds among them
		sum := sha256.Sum256([]byte(full))
		prefix = "%" + hex.EncodeToString(sum[:]) + "@"
	}
	name := prefix + s.opt.Now().UTC().Format("20060102T150405.000000000")
	if err := replace(filepath.Join(dir, name), text, mode{perm: 0o600}); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir) // sorted: the oldest first
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), prefix) })
	for _, e := range entries[:max(0, len(entries)-maxVersions)] {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
