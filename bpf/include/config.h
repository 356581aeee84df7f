/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Constants that user space sets before a program is loaded, one instance a device. The verifier sees their values, so a
 * branch on one of them costs nothing. Go: Pipeline.spec in bpf/kern. */
#pragma once

#include "compat.h"

/* Slot of the device in dev_state and dev_counters, and flow_key.dev; never 0. */
const volatile u16 dev_slot = 0;

/* 1: frames begin with the IP header (tun, wireguard, raw IP captures). */
const volatile u8 l3_device = 0;

/* 1: a dry run. The wire length comes from ht_shadow, and what the program found goes back there. */
const volatile u8 shadow = 0;

/* 1: a measurement of what finding and parsing a packet takes: everything behind it is left out. */
const volatile u8 parse_only = 0;

/* Buckets that one CPU has: a power of two, as its logarithm and as a mask. */
const volatile u32 bucket_shift = 0;
const volatile u32 bucket_mask = 0;

/* The same for buckets of denied flows. */
const volatile u32 denied_shift = 0;
const volatile u32 denied_mask = 0;

/* The same for lanes of tunnels. */
const volatile u32 lane_shift = 0;
const volatile u32 lane_mask = 0;

/* Random multipliers of the flow hash: one for each 32-bit word of the key, then the constant term. */
const volatile u64 hash_seed[12] = {};

/* Neighbouring addresses and ports differ by little, and a sum of products keeps their pattern: buckets of five beside
 * buckets of eight. Folding and multiplying once more breaks it (Fibonacci hashing, 2^64 divided by the golden ratio). */
#define HASH_MIX 0x9e3779b97f4a7c15ULL
#define HASH_UNMIX 0xf1de83e19937733dULL /* its inverse */

/* What the words of an IPv4 key that are always the same (::ffff:) add to the hash, with the constant term. */
const volatile u64 hash_ip4 = 0;

/* Rule counters are kept once for each shard of CPUs: shards minus one, a power of two minus one. */
const volatile u32 hit_shards = 0;

/* 1: each CPU has a shard of its own, and counts there without an atomic. */
const volatile u8 hits_own = 0;

/* Ticks of a second (CONFIG_HZ). */
const volatile u32 second = 1000;

/* Events that a rule with log tells of in a second, and headers of packets that a rule denied. */
const volatile u32 log_rate = 10;
const volatile u32 sample_rate = 64;

/* A denied flow's first packet in each span of 2^repeat_shift ticks is judged anew, so that its header may be told. */
const volatile u32 repeat_shift = 3;

/* Rings of events are shared by some CPUs each: rings minus one, a power of two minus one. */
const volatile u32 event_rings = 0;
