/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The interval that an address is in: a binary search without branches, which would be guessed wrong half of the time, and
 * each of which the verifier would follow both ways. */
#pragma once

#include "maps.h"

#define BOUND_STEPS 16

/* 1 when a < b, unsigned, without a jump. */
static __always_inline u64 below(u64 a, u64 b)
{
	u64 less = ((~a & b) | (~(a ^ b) & (a - b))) >> 63;

	barrier_var(less);
	return less;
}

static __always_inline u64 equal(u64 a, u64 b)
{
	u64 x = a ^ b, same = ((x | -x) >> 63) ^ 1;

	barrier_var(same);
	return same;
}

static __always_inline u32 find4(const struct acl_side *s, u32 key)
{
	u32 top = bounded(key >> 16, ACL_PORTS - 1), lo = s->root[top], left = s->root[top + 1] - lo;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < BOUND_STEPS && left; i++) {
		u32 half = (left + 1) >> 1;
		u32 at = bounded(lo + half, ACL_BOUNDS - 1), not_yet;

		not_yet = below(key, s->bound4[at]);
		lo += half * (not_yet ^ 1);
		left = not_yet * (half - 1) + (not_yet ^ 1) * (left - half);
	}
	return lo;
}

static __always_inline u32 find6(const struct acl_side *s, u64 hi, u64 low)
{
	u32 lo = 0, left = s->n6 - 1;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < BOUND_STEPS && left; i++) {
		u32 half = (left + 1) >> 1;
		u32 at = bounded(lo + half, ACL_BOUNDS - 1), not_yet;

		not_yet = below(hi, s->bound6[at][0]) | (equal(hi, s->bound6[at][0]) & below(low, s->bound6[at][1]));
		lo += half * (not_yet ^ 1);
		left = not_yet * (half - 1) + (not_yet ^ 1) * (left - half);
	}
	return s->n4 + lo;
}

static __always_inline u32 find(const struct acl_side *s, u64 hi, u64 lo)
{
	if (!hi && (u32)lo == 0xffff0000U)
		return find4(s, be32(lo >> 32));
	return find6(s, be64(hi), be64(lo));
}

/* Finds the intervals of the query's source and destination. */
static __always_inline void acl_find(const struct acl_image *img, struct acl_query *q)
{
	q->interval[0] = find(&img->side[0], q->w[0], q->w[1]);
	q->interval[1] = find(&img->side[1], q->w[2], q->w[3]);
	barrier();
}
