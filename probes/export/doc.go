// SPDX-License-Identifier: Apache-2.0

// Package export carries what happened out of the process: lines of JSON into a file. A file that is slow, full or gone holds up
// nobody: lines wait in a queue with an end, what finds no room or can't be written is counted, and the file itself is told how
// many lines it misses.
package export
