// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"

	"hooktop/netcfg/acl"
)

// Difference is what one file says otherwise than another.
type Difference struct {
	acl.Difference
	Kept []KeptChange // tunnel and chain lines, in order of the new file, those that went last
}

// KeptChange is a tunnel or chain line that only one of the files has.
type KeptChange struct {
	Added bool
	Line  int // of the file that has it
	Text  string
}

func (c KeptChange) String() string {
	if c.Added {
		return fmt.Sprintf("line %d added: %s", c.Line, c.Text)
	}
	return fmt.Sprintf("line %d removed: %s", c.Line, c.Text)
}

// Same reports whether nothing differs but comments, blank lines and form.
func (d *Difference) Same() bool { return d.Difference.Same() && len(d.Kept) == 0 }

// Diff compares two files.
func Diff(a, b File) Difference {
	was, is := a.ACL(), b.ACL()
	d := Difference{Difference: acl.Diff(&was, &is)}
	left := map[string]int{}
	for _, l := range a.lines {
		if l.Kind == Tunnel || l.Kind == Chain {
			left[l.Text]++
		}
	}
	for i, l := range b.lines {
		if l.Kind != Tunnel && l.Kind != Chain {
			continue
		}
		if left[l.Text]--; left[l.Text] < 0 {
			d.Kept = append(d.Kept, KeptChange{true, i + 1, l.Text})
		}
	}
	for i := len(a.lines) - 1; i >= 0; i-- {
		if l := a.lines[i]; (l.Kind == Tunnel || l.Kind == Chain) && left[l.Text] > 0 {
			left[l.Text]--
			d.Kept = append(d.Kept, KeptChange{false, i + 1, l.Text})
		}
	}
	return d
}
