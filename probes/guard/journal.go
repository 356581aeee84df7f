// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"hooktop/probes/snap"
)

const suffix = ".journal"

// entry is one line of a journal. Pending is what stands minus what was taken back.
type entry struct {
	Op     string       `json:"op"` // "run", "filter", "qdisc", "steering", and "done" before the last three
	Run    *Identity    `json:"run,omitempty"`
	Filter *snap.Filter `json:"filter,omitempty"`
	Index  int          `json:"index,omitempty"`
	Dev    string       `json:"dev,omitempty"`
	Number int          `json:"number,omitempty"`
}

// Qdisc is a clsact qdisc that a run promised to remove.
type Qdisc struct {
	Index int
	Dev   string
}

// Contents of a journal: whose it is, and what may be there without being taken back.
type Contents struct {
	Run     Identity
	Filters []snap.Filter
	Devs    map[int]string // name of the device of each filter
	Qdiscs  []Qdisc
	Numbers []int // of chains' rules and routing tables
}

func (c *Contents) empty() bool { return len(c.Filters)+len(c.Qdiscs)+len(c.Numbers) == 0 }

// Journal is the write-ahead log of one run. Safe for concurrent use.
type Journal struct {
	mu      sync.Mutex
	file    *os.File
	dir     string
	id      Identity
	filters map[snap.Filter]bool
	qdiscs  map[int]bool
	numbers map[int]bool
}

// OpenJournal makes and locks the journal of this process.
func OpenJournal(dir string) (*Journal, error) {
	id, err := Self()
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	path := filepath.Join(dir, strings.TrimPrefix(id.Tag(), Mark)+suffix)
	file, err := lockOwn(path, dir, func() bool { return true }) // nobody else has a journal of this name
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	j := &Journal{file: file, dir: dir, id: id, filters: map[snap.Filter]bool{}, qdiscs: map[int]bool{}, numbers: map[int]bool{}}
	if err := j.write(entry{Op: "run", Run: &id}); err != nil {
		return nil, errors.Join(fmt.Errorf("open the journal: %w", err), dropFile(file, dir))
	}
	return j, nil
}

// Name of the file.
func (j *Journal) Name() string { return j.file.Name() }

// Tag is the mark of ownership of this run.
func (j *Journal) Tag() string { return j.id.Tag() }

// Intend says that a filter is about to be made.
func (j *Journal) Intend(f snap.Filter, dev string) error {
	f.FD, f.ProgID = 0, 0
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.write(entry{Op: "filter", Filter: &f, Dev: dev}); err != nil {
		return err
	}
	j.filters[f] = true
	return nil
}

// Done says that a filter is gone, or never came to be. A line that can't be written leaves a promise too many, which
// does no harm: what is not there can't be removed.
func (j *Journal) Done(f snap.Filter) {
	f.FD, f.ProgID = 0, 0
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.filters, f)
	_ = j.write(entry{Op: "done filter", Filter: &f})
}

// IntendQdisc says that a clsact qdisc is about to be made.
func (j *Journal) IntendQdisc(ifindex int, dev string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.write(entry{Op: "qdisc", Index: ifindex, Dev: dev}); err != nil {
		return err
	}
	j.qdiscs[ifindex] = true
	return nil
}

// DoneQdisc says that a qdisc is gone or belongs to somebody else. See Done for failures.
func (j *Journal) DoneQdisc(ifindex int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.qdiscs, ifindex)
	_ = j.write(entry{Op: "done qdisc", Index: ifindex})
}

// IntendSteering says that the rule and the routes of a chain with that number are about to be made.
func (j *Journal) IntendSteering(n int) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.write(entry{Op: "steering", Number: n}); err != nil {
		return err
	}
	j.numbers[n] = true
	return nil
}

// DoneSteering says that they are gone. See Done for failures.
func (j *Journal) DoneSteering(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.numbers, n)
	_ = j.write(entry{Op: "done steering", Number: n})
}

// Pending reports whether anything is left to undo.
func (j *Journal) Pending() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.filters)+len(j.qdiscs)+len(j.numbers) > 0
}

// Drop removes the journal; Keep only lets go of it, for others to undo.
func (j *Journal) Drop() error { return dropFile(j.file, j.dir) }

// End drops the journal when nothing is left to undo; else the file stays, for others to undo.
func (j *Journal) End() error {
	if !j.Pending() {
		return j.Drop()
	}
	return errors.Join(errors.New("some things could not be detached: run hooktop cleanup"), j.Keep())
}

// Keep closes the journal and leaves the file.
func (j *Journal) Keep() error { return j.file.Close() }

func (j *Journal) write(e entry) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	// One write a line: a crash tears at most the last line, and the line stands before what it announces is made.
	n, err := j.file.Write(append(b, '\n'))
	if err != nil && n > 0 { // a full /run took a part of it, which would spoil the next line
		err = errors.Join(err, j.cut(int64(n)))
	}
	return err
}

// cut takes the last n bytes back.
func (j *Journal) cut(n int64) error {
	end, err := j.file.Seek(-n, io.SeekCurrent)
	if err != nil {
		return err
	}
	return j.file.Truncate(end)
}

// parse reads a journal. A torn last line is what a crash leaves; what it would have announced was not made.
func parse(b []byte) (Contents, error) {
	c := Contents{Devs: map[int]string{}}
	filters, qdiscs, numbers := map[snap.Filter]bool{}, map[int]string{}, map[int]bool{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; lines.Scan(); n++ {
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			if !bytes.HasSuffix(b, []byte("\n")) {
				break
			}
			return c, fmt.Errorf("line %d: %w", n, err)
		}
		switch {
		case e.Op == "run" && e.Run != nil:
			c.Run = *e.Run
		case e.Op == "filter" && e.Filter != nil:
			filters[*e.Filter] = true
			c.Devs[e.Filter.Index] = e.Dev
		case e.Op == "done filter" && e.Filter != nil:
			delete(filters, *e.Filter)
		case e.Op == "qdisc":
			qdiscs[e.Index] = e.Dev
		case e.Op == "done qdisc":
			delete(qdiscs, e.Index)
		case e.Op == "steering":
			numbers[e.Number] = true
		case e.Op == "done steering":
			delete(numbers, e.Number)
		}
	}
	for f := range filters {
		c.Filters = append(c.Filters, f)
	}
	for i, dev := range qdiscs {
		c.Qdiscs = append(c.Qdiscs, Qdisc{i, dev})
	}
	for n := range numbers {
		c.Numbers = append(c.Numbers, n)
	}
	return c, lines.Err()
}
