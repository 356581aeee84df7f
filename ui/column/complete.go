// SPDX-License-Identifier: Apache-2.0

package column

import "strings"

// Completion is one way to go on with a filter.
type Completion struct {
	Text string // the whole filter after taking it
	Item string // what is inserted, for the list: "proto:", "tcp"
	Help string
}

// Complete offers what may stand at the end of the filter: columns, then the values of the column. seen gives values
// that occur in the traffic now, by column key; it may be nil.
func (s *Set) Complete(text string, seen func(key string) []string) []Completion {
	start := strings.LastIndexAny(text, " \t(!") + 1
	head, last := text[:start], text[start:]
	name, value, isField := strings.Cut(last, ":")
	if !isField {
		return s.completeName(head, last)
	}
	col := s.Find(name)
	if col == nil {
		return nil
	}
	if i := strings.LastIndexByte(value, ','); i >= 0 {
		last, value = last[:len(last)-len(value)+i+1], value[i+1:]
	} else {
		last = last[:len(last)-len(value)]
	}
	values := col.Values
	if seen != nil {
		values = append(values[:len(values):len(values)], seen(col.Key)...)
	}
	var out []Completion
	for _, v := range values {
		if len(v) > len(value) && hasFold(v[:len(value)], lower(value)) && !listed(out, v) {
			out = append(out, Completion{Text: head + last + quote(v), Item: v, Help: col.Help})
		}
	}
	return out
}

func (s *Set) completeName(head, last string) []Completion {
	var out []Completion
	low := lower(last)
	for i := range s.list {
		c := &s.list[i]
		for _, name := range append([]string{c.Key}, c.Aliases...) {
			if strings.HasPrefix(name, low) {
				out = append(out, Completion{Text: head + c.Key + ":", Item: c.Key + ":", Help: c.Help})
				break
			}
		}
	}
	return out
}

func listed(list []Completion, item string) bool {
	for i := range list {
		if list[i].Item == item {
			return true
		}
	}
	return false
}
