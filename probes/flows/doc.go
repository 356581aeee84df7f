// SPDX-License-Identifier: Apache-2.0

// Package flows keeps what the flow table told: one compact record a flow, rates, totals, and the answers to queries.
//
// Life of a flow: an entry of the kernel's table (one per CPU that saw it) is met by Collect for the first time and
// gets a record; while any entry of it stands in the table, the record counts on; when the last entry was evicted, the
// record is gone, stays as it was for GoneFor and is then forgotten.
//
// The table is read by slot: for each slot the store knows which flow's counters stood there at the last look and how
// far they were. The same flow further on: the difference counts. Counters that could not have grown to what they are
// (a frame has at least 14 bytes, the byte counter never wraps) were evicted and inserted again: everything counts.
// A packet counter that wrapped passes that test with 2^32 added. So rates never come out negative or absurd.
//
// A look costs what changed. An entry whose print and slot are those of the last look is passed over: its record, somewhere in
// memory, stays untouched, the device's live sums are kept up by changes, and what left is found among the slots. Rates fade by a
// formula of time alone and are worked out where somebody reads them.
//
// What an entry gained between the last look and its eviction is missing from the flow's own figures (the kernel folds
// it into the device's counters), but not from the totals: these are the live entries plus the folded counters.
package flows
