// SPDX-License-Identifier: Apache-2.0

// Package uitest is the kit for testing screens without a terminal: frames of made-up traffic, an engine that answers
// queries by brute force, views drawn into cells, golden files, a sweep over sizes, and pictures of a screen.
//
// Imported by tests only. Golden files stand in testdata beside the test; go test -update rewrites them.
package uitest
