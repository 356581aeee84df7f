// SPDX-License-Identifier: Apache-2.0

package types

// Values walks over the names of an enum until visit says false.
func (s *Set) Values(id ID, visit func(name string, value uint64) bool) {
	t := s.look(s.Strip(id))
	for i := range t.vlen {
		var name, value = "", uint64(0)
		switch t.kind {
		case Enum:
			name, value = t.set.text(t.word(2*i)), uint64(t.word(2*i+1))
			if t.flag {
				value = uint64(int64(int32(value)))
			}
		case Enum64:
			name, value = t.set.text(t.word(3*i)), uint64(t.word(3*i+2))<<32|uint64(t.word(3*i+1))
		default:
			return
		}
		if !visit(name, value) {
			return
		}
	}
}

// ValueName is the first name that an enum has for a value; "" when it has none.
func (s *Set) ValueName(id ID, value uint64) string {
	found := ""
	s.Values(id, func(name string, v uint64) bool {
		if v == value {
			found = name
		}
		return found == ""
	})
	return found
}
