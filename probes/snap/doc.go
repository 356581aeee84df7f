// SPDX-License-Identifier: Apache-2.0

// Package snap holds the values that cross between the engine and a screen: frames (what is), queries (what the
// screen wants to see of it), intents (what the user wants done) and answers.
//
// Everything here is a plain value: it can be encoded, sent over a socket, recorded and replayed. A frame is immutable
// once published; the newest wins. Pure: standard library only.
package snap
