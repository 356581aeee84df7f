/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lanes: what the policy's lines say of the tunnels in use, for each CPU, and what is counted of their packets. A lane saves a packet
 * the look at all lines, the search for its row, and locked additions; user space adds lanes to rows. A tunnel gets a lane that is
 * free, or whose own tunnel has been silent for a second, after that one's counts are in its row. The packets of those for whom there
 * is none, and all that come to another end than their lane says, are counted one by one (ht_tun_count). */
#pragma once

#include "tunnel_count.h"

#define LANE_PACKETS 0x80000000U /* a lane is folded then: sizes are counted in 32 bits */

/* vni, port, kind and has_vni of a lane. */
static __always_inline u64 lane_what(const struct tunnel_query *q)
{
	return q->vni | (u64)q->port << 32 | (u64)q->kind << 48 | (u64)q->has_vni << 56;
}

/* 1 when a lane is that of the query's tunnel, whatever the generation. */
static __always_inline int lane_is(const struct tunnel_lane *lane, const struct tunnel_query *q, u64 what)
{
	return lane->w[1] == q->w[1] && lane->w[3] == q->w[3] && *(u64 *)&lane->vni == what && lane->dev == dev_slot &&
	       lane->w[0] == q->w[0] && lane->w[2] == q->w[2];
}

static __always_inline struct tunnel_lane *lane_at(u32 index)
{
	return bpf_map_lookup_elem(&ht_lanes, &index);
}

static __always_inline u32 lane_index(const struct tunnel_query *q, u64 what)
{
	u64 hash = (q->w[0] ^ q->w[1]) * hash_seed[0] + (q->w[2] ^ q->w[3]) * hash_seed[1] + what * hash_seed[2];

	return (bpf_get_smp_processor_id() << lane_shift) + ((u32)(hash >> 32) & lane_mask);
}

static __noinline int stat_more(enum stat which, u64 by)
{
	u32 index = which;
	u64 *n = bpf_map_lookup_elem(&ht_stats, &index);

	if (n)
		*n += by;
	return 0;
}

/* Adds a lane's counts to the row of its tunnel, to the sizes and, while its generation is there, to its line. */
static __noinline int lane_fold(struct tunnel_lane *lane, const struct tunnel_row *none)
{
	struct tunnel_key key = { .vni = lane->vni, .dev = lane->dev, .kind = lane->kind };
	u32 slot = slot_of(lane->gen);
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);
	u64 n = lane->packets, stripped = lane->strip ? n : 0;
	struct tunnel_row *row;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < TUNNEL_SIZES; i++)
		size_add(i, lane->sizes[i]);
	if (lane->hit && img && img->gen == lane->gen)
		hit_add(slot, lane->hit, n, lane->bytes, stripped);
	row = tunnel_row(&key, lane->w, lane->has_vni, none);
	if (!row) {
		stat_more(STAT_TUNNEL_FULL, n);
		return 0;
	}
	__sync_fetch_and_add(&row->packets, n);
	__sync_fetch_and_add(&row->bytes, lane->bytes);
	__sync_fetch_and_add(&row->stripped, stripped);
	row_error(row, lane->why, n);
	row_says(row, lane->w + 2, lane->port, lane->inner, lane->hit, lane->gen, lane->last);
	return 0;
}

/* Gives the query's tunnel a lane, if one is to be had, with what ht_tun_find found. */
__noinline int ht_tun_lane(u32 gen)
{
	u32 zero = 0, now = bpf_jiffies64(), index;
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);
	struct tunnel_lane *lane;
	u64 what;

	if (!q)
		return 0;
	what = lane_what(q);
	index = lane_index(q, what);
	lane = lane_at(index);
	if (!lane)
		return 0;
	if (lane->packets) {
		if (!lane_is(lane, q, what) && now - lane->last < second)
			return 0;
		lane_fold(lane, &q->none);
		lane->packets = 0;
		lane->folds++;
	}
	barrier(); /* who reads leaves it alone from here on */
	lane->w[0] = q->w[0];
	lane->w[1] = q->w[1];
	lane->w[2] = q->w[2];
	lane->w[3] = q->w[3];
	*(u64 *)&lane->vni = what;
	lane->dev = dev_slot;
	lane->gen = gen;
	lane->hit = q->hit;
	lane->line = q->line;
	lane->strip = q->strip;
	lane->why = q->why;
	lane->bytes = 0;
#pragma clang loop unroll(full)
	for (u32 i = 0; i < TUNNEL_SIZES; i++)
		lane->sizes[i] = 0;
	q->lane = index;
	return 0;
}

/* What the query's lane says, in the query. Returns 0 when there is none for it. */
static __always_inline int lane_says(struct tunnel_query *q, u32 gen)
{
	u64 what = lane_what(q);
	u32 index = lane_index(q, what);
	struct tunnel_lane *lane = lane_at(index);

	if (!lane || !lane_is(lane, q, what) || lane->gen != (u16)gen || lane->packets - 1 >= LANE_PACKETS - 1)
		return 0;
	q->hit = lane->hit;
	q->line = lane->line;
	q->strip = lane->strip;
	q->why = lane->why;
	q->lane = index;
	return 1;
}

/* Counts a packet that came to the end that its lane says. Returns 0 when it did not. */
static __always_inline int lane_count(const struct tunnel_query *q)
{
	struct tunnel_lane *lane = lane_at(q->lane);

	if (!lane || q->why != lane->why)
		return 0;
	lane->bytes += q->len;
	if (q->looked)
		lane->sizes[bounded(size_class(q->inside), 7)]++;
	lane->inner = q->inner;
	lane->last = bpf_jiffies64();
	barrier();
	lane->packets++;
	return 1;
}
