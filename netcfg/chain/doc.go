// SPDX-License-Identifier: Apache-2.0

// Package chain says which ip rules and routes the chains of a policy need. Pure: netcfg/steer makes them.
//
// A leg of a chain that goes somewhere by its mark is a way: one rule that is asked after the local table and before main,
//
//	7400: from all fwmark 0x10/0xf0 iif lan0 lookup 267400 proto 199
//
// and one table of its own with the next hop and, for a chain that fails closed, a guard that stays when a flap of the link takes
// the route away:
//
//	default via 10.9.0.2 dev fw0 table 267400 proto 199
//	unreachable default table 267400 proto 199 metric 4000000000
//
// A table without a route falls through to main: that is what fail open means. Everything carries the protocol number Protocol
// and lies within Tables numbers from FirstTable and FirstPriority on; nothing else is ever touched. A way has its number as
// long as it is wanted, so that an edit elsewhere moves no packet.
package chain
