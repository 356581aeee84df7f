// SPDX-License-Identifier: Apache-2.0

// Package fallback shows flows where eBPF cannot run at all (no privilege, lockdown): connections from conntrack and
// sockets from sock_diag or /proc/net. It reads only, needs no privilege, and says what it cannot know.
//
// It is a flows.Source: each tracked connection gives one entry for each direction, each connected socket that conntrack
// does not know gives one without counters. Filter, rank, rates and groups are those of the real table. Entries that
// vanish are folded, so that totals never go back.
package fallback
