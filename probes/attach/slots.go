// SPDX-License-Identifier: Apache-2.0

package attach

import "errors"

// ErrNoSlot says that as many devices are watched as the pipeline can tell apart.
var ErrNoSlot = errors.New("all device slots are in use")

// slots hands out device slots 1…max. A slot that was given back still has flows under its number: it is taken again only
// when no fresh one is left, oldest first, and after forget has cleared it.
type slots struct {
	max, fresh uint16 // fresh: highest slot ever given
	back       []uint16
	forget     func(uint16) error
}

func (s *slots) take() (uint16, error) {
	if s.fresh < s.max {
		s.fresh++
		return s.fresh, nil
	}
	if len(s.back) == 0 {
		return 0, ErrNoSlot
	}
	n := s.back[0]
	s.back = s.back[1:]
	if err := s.forget(n); err != nil {
		s.back = append(s.back, n)
		return 0, err
	}
	return n, nil
}

func (s *slots) give(n uint16) { s.back = append(s.back, n) }
