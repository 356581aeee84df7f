// SPDX-License-Identifier: Apache-2.0

// Package compile turns the rules of a policy into the flat image that the kernel programs look packets up in (struct
// acl_image in bpf/include/acl_image.h; bpf/kern writes it there). Pure.
//
// A rule becomes one record for each pair of its source and destination port ranges. Each side's addresses are cut into
// intervals at every bound that a rule names: a record's prefix is then a range of interval numbers, and a packet's address is
// one number, found by a binary search. A record hangs on the one field that tells it apart best (source, destination,
// either port), in the lists of the intervals or port classes that it covers; what no field tells apart is in a list that
// every packet is held against. The first record that matches, by number, decides: records are numbered in the policy's order.
//
// Image.Judge is the twin of the program over the same tables.
package compile
