// SPDX-License-Identifier: Apache-2.0

// Package policy is the file that holds a policy: rules, sets, defaults, tunnel and chain lines, comments and blank lines,
// in order. It parses and prints the whole, gives each rule the identity that its counters hang on, and edits it by
// operations that can be undone. A File is a value: nothing changes one that somebody holds.
package policy
