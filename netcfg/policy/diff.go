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

// bare is the text of a tunnel or chain line that makes a difference.
func (l Line) bare() string {
	if l.Kind == Chain {
		c := *l.Chain
		c.Comment = ""
		return c.String()
	}
	t := *l.Tunnel
	t.Comment = ""
	return t.String()
}

// Diff compares two files.
func Diff(a, b File) Difference {
	was, is := a.ACL(), b.ACL()
	d := Difference{Difference: acl.Diff(&was, &is)}
	left := map[string]int{}
	for _, l := range a.lines {
		if l.Kind == Tunnel || l.Kind == Chain {
			left[l.bare()]++
		}
	}
	for i, l := range b.lines {
		if l.Kind != Tunnel && l.Kind != Chain {
			continue
		}
		if left[l.bare()]--; left[l.bare()] < 0 {
			d.Kept = append(d.Kept, KeptChange{true, i + 1, l.bare()})
		}
	}
	for i := len(a.lines) - 1; i >= 0; i-- {
		if l := a.lines[i]; (l.Kind == Tunnel || l.Kind == Chain) && left[l.bare()] > 0 {
			left[l.bare()]--
			d.Kept = append(d.Kept, KeptChange{false, i + 1, l.bare()})
		}
	}
	return d
}
