/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For the benchmark only: classification as it is usually built from what the kernel has. Each field of a packet finds the bit
 * vector of the rules that it satisfies, and the first bit that all vectors have is the rule. Addresses are found in LPM tries,
 * destination ports by class; rules that ask for anything else are not here. */
#pragma once

#include "../include/parse.h"

#define BPF_MAP_TYPE_LPM_TRIE 11
#define BPF_F_NO_PREALLOC 1

/* Words of a vector. */
const volatile u32 bv_words = 1;

/* Which default decides, 1: deny. */
const volatile u32 bv_deny = 0;

struct bv_key {
	u32 bits, addr; /* network order */
};

struct bv_vector {
	u64 w[1];
};

struct bv_count {
	u64 packets, bytes;
};

#define BV_TRIE                                      \
	{                                            \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE); \
		__uint(map_flags, BPF_F_NO_PREALLOC); \
		__uint(max_entries, 1);              \
		__uint(key_size, 8);                 \
		__uint(value_size, 8);               \
	}

struct BV_TRIE bv_src SEC(".maps");
struct BV_TRIE bv_dst SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, u32);
} bv_class SEC(".maps");

#define BV_ARRAY                                  \
	{                                         \
		__uint(type, BPF_MAP_TYPE_ARRAY); \
		__uint(max_entries, 1);           \
		__uint(key_size, 4);              \
		__uint(value_size, 8);            \
	}

struct BV_ARRAY bv_port SEC(".maps");  /* by class */
struct BV_ARRAY bv_proto SEC(".maps"); /* by protocol */
struct BV_ARRAY bv_denies SEC(".maps"); /* one vector: the rules that deny */

/* By rule, the default last. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct bv_count);
} bv_hits SEC(".maps");

/* BPF has no instruction for it: the bits below the first are counted. */
static __always_inline u32 first_bit(u64 word)
{
	u64 x = (word & -word) - 1;

	x -= x >> 1 & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + (x >> 2 & 0x3333333333333333ULL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return x * 0x0101010101010101ULL >> 56;
}

/* The number of the rule that decides, or ~0. */
static __always_inline u32 bv_find(const struct packet *p)
{
	struct bv_key src = { 32, p->w[1] >> 32 }, dst = { 32, p->w[3] >> 32 };
	u32 proto = p->w[4] >> 32 & 0xff, port = be16((u16)(p->w[4] >> 16)), *class = bpf_map_lookup_elem(&bv_class, &port);
	u64 *s, *d, *o, *r;

	if (!class)
		return ~0U;
	s = bpf_map_lookup_elem(&bv_src, &src);
	d = bpf_map_lookup_elem(&bv_dst, &dst);
	o = bpf_map_lookup_elem(&bv_port, class);
	r = bpf_map_lookup_elem(&bv_proto, &proto);
	if (!s || !d || !o || !r)
		return ~0U;
#pragma clang loop unroll_count(4)
	for (u32 i = 0; i < bv_words; i++) {
		u64 both = s[i] & d[i] & o[i] & r[i];

		if (both)
			return i * 64 + first_bit(both);
	}
	return ~0U;
}

/* 1 when the packet is denied, which is counted. Tells which rule decided. */
static __always_inline u32 bv_judge(const struct packet *p, u32 *rule)
{
	u32 zero = 0, number = bv_find(p), denied = bv_deny;
	u64 *denies = bpf_map_lookup_elem(&bv_denies, &zero);
	struct bv_count *c;

	if (number < bv_words * 64 && denies)
		denied = denies[number >> 6] >> (number & 63) & 1;
	else
		number = bv_words * 64;
	*rule = number;
	if (!denied)
		return 0;
	c = bpf_map_lookup_elem(&bv_hits, rule);
	if (c) {
		c->packets++;
		c->bytes += p->len;
	}
	return 1;
}
