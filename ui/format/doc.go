// SPDX-License-Identifier: Apache-2.0

// Package format turns values into the text of a cell: cleaned foreign text, numbers at a fixed width, durations,
// addresses, names of protocols and flags.
//
// Append functions write into the caller's buffer, so that drawing a table allocates nothing. All results are printable
// ASCII unless a function says otherwise. Pure: standard library only.
package format
