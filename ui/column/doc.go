// SPDX-License-Identifier: Apache-2.0

// Package column declares the columns of a table once, for rendering, sorting, filtering, completion and export, and
// holds the filter language that reads them.
//
// A column reads a Row: three methods that a compact record of the engine and a snap.Flow of the screen both have, so
// that both sides mean the same by "idle:>10s".
//
// The filter language, one line:
//
//	word             any text, address or port of the row contains it
//	field:value      the column (or its alias) has it; a,b,c means any of them
//	!term            not; also: not term
//	src:10.0.0.0/8   prefixes, ranges a-b, exact addresses, 10.0.0.1:443, *.port
//	pps:>10k         > >= < <= and ranges, SI suffixes; durations 30s 5m 1h 2d; a bare >10k compares pps
//	process:re:^ng   regular expression (RE2); process:=nginx is the whole text
//	a b              both; a or b; ( … )
//	"two words"      quoting, with \" and \\ inside
//	host X, net X, port X, proto X, src X, dst port X: as tcpdump writes them
//
// Pure: standard library and probes/snap only.
package column
