// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"cmp"
	"slices"
	"strings"
)

// Scores: a name that has what was typed in one piece stands before one that has its letters with others between; a function
// that sees packets before one that does not, unless that one is meant much more exactly; a short name before a long one.
const (
	wholePiece = 1000
	wholeName  = 400
	atBegin    = 300
	atWord     = 200
	seesPacket = 250
	stepWord   = 12 // of each letter that begins a word
	stepNext   = 16 // of each letter that follows the one before
)

// hit is a place in the table that Search found.
type hit struct {
	score int32
	at    int32
}

func (h hit) worse(o hit) bool { return h.score < o.score || h.score == o.score && h.at > o.at }

// Search finds what can be traced and looks like the text: each of its words is in the name, in one piece or letter by letter.
// A text with a glob or a comma in it is taken as a pattern of Match. The best come first, at most limit of them; total is how
// many there are. Args are left out.
func (c *Catalog) Search(text string, limit int) (found []Function, total int) {
	score := c.fuzzy(text)
	if strings.ContainsAny(text, "*?[,!") {
		score = c.byPattern(text)
	}
	best := make([]hit, 0, min(max(limit, 0), len(c.entries)))
	for i := range c.entries {
		e := &c.entries[i]
		if e.can != canTrace {
			continue
		}
		s := score(i)
		if s < 0 {
			continue
		}
		total++
		if e.skb >= 0 {
			s += seesPacket
		}
		best = push(best, hit{int32(s), int32(i)})
	}
	slices.SortFunc(best, func(a, b hit) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.at, b.at)) })
	found = make([]Function, len(best))
	for i, h := range best {
		found[i] = c.function(&c.entries[h.at], false)
	}
	return found, total
}

// push keeps the best hits in a heap of fixed capacity, the worst on top.
func push(heap []hit, h hit) []hit {
	switch {
	case len(heap) < cap(heap):
		heap = append(heap, h)
		for i := len(heap) - 1; i > 0 && heap[i].worse(heap[(i-1)/2]); i = (i - 1) / 2 {
			heap[i], heap[(i-1)/2] = heap[(i-1)/2], heap[i]
		}
		return heap
	case len(heap) == 0 || h.worse(heap[0]):
		return heap
	}
	heap[0] = h
	for i := 0; ; {
		low := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(heap); child++ {
			if heap[child].worse(heap[low]) {
				low = child
			}
		}
		if low == i {
			return heap
		}
		heap[i], heap[low] = heap[low], heap[i]
		i = low
	}
}

// byPattern scores what a pattern stands for; nothing while it is not finished.
func (c *Catalog) byPattern(text string) func(i int) int {
	terms, err := parsePattern(text)
	return func(i int) int {
		in, out := false, err != nil
		for j := range terms {
			if terms[j].matches(c.name(&c.entries[i]), c.entries[i].event, true) {
				in, out = true, out || terms[j].not
			}
		}
		if !in || out {
			return -1
		}
		return 0
	}
}

// fuzzy scores how well a name has all words of a text; -1 when it has not.
func (c *Catalog) fuzzy(text string) func(i int) int {
	words := strings.Fields(strings.ToLower(text))
	need := letters(strings.Join(words, ""))
	return func(i int) int {
		if c.masks[i]&need != need {
			return -1
		}
		name, sum := c.fold(&c.entries[i]), 0
		for _, w := range words {
			s := likeness(name, w)
			if s < 0 {
				return -1
			}
			sum += s
		}
		if len(words) == 0 {
			return 0 // all of them, by name
		}
		return max(sum-len(name), 0)
	}
}

// likeness scores how well a name has one word; -1 when it lacks a letter of it.
func likeness(name, word string) int {
	if at := strings.Index(name, word); at >= 0 {
		score := wholePiece
		for !begins(name, at) {
			next := strings.Index(name[at+1:], word)
			if next < 0 {
				return score
			}
			at += 1 + next
		}
		score += atWord
		if at == 0 {
			score += atBegin
		}
		if len(name) == len(word) || name[at:] == word && name[max(at-1, 0)] == ':' {
			score += wholeName
		}
		return score
	}
	score, next := 0, 0
	for i := range len(word) {
		at := strings.IndexByte(name[next:], word[i])
		if at < 0 {
			return -1
		}
		switch {
		case at == 0 && i > 0:
			score += stepNext
		case begins(name, next+at):
			score += stepWord
		default:
			score -= at
		}
		next += at + 1
	}
	return max(score, 0)
}

// begins says whether a word of the name begins here.
func begins(name string, at int) bool {
	if at == 0 {
		return true
	}
	b := name[at-1]
	return b == '_' || b == ':' || b == '.'
}

func (c *Catalog) fold(e *entry) string { return c.folded[e.name : e.name+uint32(e.size)] }

// letters is a set of the characters of a name: one bit for each letter and digit, one for each of the rest modulo 28.
func letters(name string) uint64 {
	var set uint64
	for i := range len(name) {
		switch b := name[i]; {
		case b >= 'a' && b <= 'z':
			set |= 1 << (b - 'a')
		case b >= '0' && b <= '9':
			set |= 1 << (26 + b - '0')
		default:
			set |= 1 << (36 + b%28)
		}
	}
	return set
}
