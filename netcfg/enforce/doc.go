// SPDX-License-Identifier: Apache-2.0

// Package enforce carries out what is wished about the policy: it is the one place that says what a change means.
//
// Words. An edition is a policy that an operator committed; its number is the first generation that carried it. The guard
// changes when operators come and go: the edition is then written again as another generation and takes the place of the
// first, with the lease as it is.
//
// Life cycle:
//
//	empty ── stage ──▶ draft (on disk, checked) ── commit ──▶ trial ── keep ──▶ kept ── save ──▶ file
//	                                                           │
//	                                  restore, end, lease over └──▶ what was kept before
//
// A commit may be for some devices first, the canary: its keep begins a soak, after which the rest follows. What was kept before
// stays kept until then, and what leases fall back to.
//
//	trial on some ── keep ──▶ soak ── its end, keep ──▶ kept
//	                           │
//	  a figure past its limit, restore, end, no look at the host for 5 s ──▶ what was kept before
//
// The data plane holds the clock of a lease: whatever becomes of this process, what was kept decides again when it ends.
// Nothing here ends a trial by a timer; Look only notices that one has ended.
//
// Two locks: turn belongs to whoever compiles or judges, which may take a second; mu guards the values and is held for
// stores into memory only. Keep, Restore and Extend need no turn, so that no check makes them late.
//
// Files: the draft (Options.Draft), earlier texts of saved files (versions/ in Options.State), the audit log
// (Options.Audit, one JSON object a line, schema hooktop.audit/1) and, when asked for, the same lines in Options.Events.
// All are 0600.
package enforce
