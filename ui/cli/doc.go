// SPDX-License-Identifier: Apache-2.0

// Package cli holds hooktop's commands and flags as data, and prints answers as a table or as JSON.
//
// It knows no kernel interface: what a command does comes from main as Backends. One definition of the commands serves
// parsing, help, shell completion and the man page.
//
// Life of a call: Main → flags over environment over config file → Options (checked) → one backend → printed answer →
// exit code (DESIGN 3: 0 fine, 1 failed, 2 wrong usage, 3 nothing could attach).
package cli
