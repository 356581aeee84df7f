// SPDX-License-Identifier: Apache-2.0

// Package decap keeps the book of tunnels: what the kernel programs counted for each tunnel, peer and device becomes rates, trends
// and rows of a frame. It reads no kernel itself.
package decap
