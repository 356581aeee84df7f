// SPDX-License-Identifier: Apache-2.0

// Package names turns addresses into names without ever making a caller wait: the first question for an address puts it
// on a bounded queue, a later one finds the answer.
package names
