// SPDX-License-Identifier: Apache-2.0

// Package acl is the part of the policy language that drops packets: model, parser, canonical printer, linter, oracle and
// semantic difference. Grammar is the language as users read it. Pure: standard library and ui/format only. The file around
// it is netcfg/policy.
//
// An Entry is one parsed line. A Policy is what a file says in all: what the linter, the oracle and the compiler read.
// Evaluate is the oracle: whatever else decides packets is compared with it. A Sampler makes the packets for that.
package acl
