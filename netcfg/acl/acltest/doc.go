// SPDX-License-Identifier: Apache-2.0

// Package acltest makes random policies for tests of what reads them, and says them in the words of nftables.
package acltest
