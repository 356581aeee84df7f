// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"strconv"
)

// The parsers take what the kernel prints. Columns and lines that make no sense are left out: the next kernel may have more.

// parseMIB reads /proc/net/snmp or netstat: pairs of lines, names and values, each behind the name of its group. The keys of
// the result are "Group Name".
func parseMIB(dst map[string]uint64, b []byte) {
	var group, names []byte
	for line := range bytes.Lines(b) {
		g, rest, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			names = nil
			continue
		}
		if names == nil || !bytes.Equal(g, group) {
			group, names = g, rest
			continue
		}
		values := bytes.Fields(rest)
		n := 0
		for name := range bytes.FieldsSeq(names) {
			if n == len(values) {
				break
			}
			if v, err := strconv.ParseUint(string(values[n]), 10, 64); err == nil { // MaxConn may be -1
				dst[string(group)+" "+string(name)] = v
			}
			n++
		}
		names = nil
	}
}

// parseList reads /proc/net/snmp6 or xfrm_stat: a name and a value a line.
func parseList(dst map[string]uint64, b []byte) {
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) != 2 {
			continue
		}
		if v, err := strconv.ParseUint(string(f[1]), 10, 64); err == nil {
			dst[string(f[0])] = v
		}
	}
}

// parsePerCPU reads a file of /proc/net/stat: a line of names, then one of hexadecimal values a CPU, 32 bits each. A row
// holds the columns called names, in that order; nil when the kernel lacks one of them.
func parsePerCPU(b []byte, names ...string) [][]uint64 {
	var columns []int
	var rows [][]uint64
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if columns == nil {
			if columns = find(f, names); columns == nil {
				return nil
			}
			continue
		}
		row := make([]uint64, len(columns))
		good := true
		for i, c := range columns {
			row[i], good = hex(f, c, good)
		}
		if good {
			rows = append(rows, row)
		}
	}
	return rows
}

func find(header [][]byte, names []string) []int {
	columns := make([]int, 0, len(names))
next:
	for _, name := range names {
		for i, h := range header {
			if string(h) == name {
				columns = append(columns, i)
				continue next
			}
		}
		return nil
	}
	return columns
}

// Columns of /proc/net/softnet_stat (net/core/net-procfs.c), hexadecimal.
const (
	softnetDropped   = 1
	softnetSqueezed  = 2
	softnetFlowLimit = 10
	softnetCPU       = 12 // since 5.10; before, lines stand for the CPUs that are online, in order
)

// softnet is one CPU's line.
type softnet struct {
	cpu                          int
	dropped, squeezed, flowLimit uint64
}

func parseSoftnet(b []byte) []softnet {
	var all []softnet
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		s := softnet{cpu: len(all)}
		good := true
		s.dropped, good = hex(f, softnetDropped, good)
		s.squeezed, good = hex(f, softnetSqueezed, good)
		s.flowLimit, good = hex(f, softnetFlowLimit, good)
		if !good {
			continue
		}
		if cpu, ok := hex(f, softnetCPU, true); ok {
			s.cpu = int(cpu)
		}
		all = append(all, s)
	}
	return all
}

// hex reads column c; false when it is not there, is no number, or the one before was not good.
func hex(f [][]byte, c int, good bool) (uint64, bool) {
	if !good || c >= len(f) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(f[c]), 16, 32)
	return v, err == nil
}

// parseNumber reads a file of one decimal number.
func parseNumber(b []byte) (uint64, bool) {
	v, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 64)
	return v, err == nil
}
