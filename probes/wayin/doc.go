// SPDX-License-Identifier: Apache-2.0

// Package wayin finds the operator's way in: the connections by which people (this process's own session first) work on
// this host, where new ones would arrive, and what carries them.
//
// The own session is found, not assumed, because sudo and tmux lose SSH_CONNECTION: the parents are walked up to an
// access agent (sshd, mosh-server …), whose sockets are its sessions; the environments on the way say the same in their
// own words; a tmux or screen server has no such parents, so its attached clients are walked up instead.
package wayin
