// SPDX-License-Identifier: Apache-2.0

// Package steer makes the ip rules and routes of chains (package chain says which), watches them and takes them away again.
//
// Rules and routes of the kept policy and of the one on trial stand beside each other: without marks they match nothing, so that
// the kernel's choice of the generation is the only switch. What somebody else changes is shown and repaired when asked; what a
// flap of a link takes is put back at once. Each next hop of a service is asked by ARP or neighbour solicitation, seven times a second; when one
// of a service answers no more, the routes to that service are taken out of their tables: lookups end at the guard (fail closed) or
// go on to main (fail open).
//
// Whatever is made is in the journal before (package guard of probes undoes it should this process be killed).
package steer
