// SPDX-License-Identifier: Apache-2.0

// Package events keeps what single packets and changes of the policy have to tell: rows for the screen, lines of JSON for sinks,
// and the headers that each deny rule hit last.
//
// Words. A row stands for all packets of one flow that one rule told of (Repeat). A header is the beginning of a denied packet.
//
// Bounds: 500 rows; 64 headers of each rule, 4 MiB of all rules together, of which the rule goes first that has been silent
// longest. A Store is safe for any goroutine, and what it hands out never changes.
package events
