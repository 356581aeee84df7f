/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is counted of packets in tunnels. */
#pragma once

#include "flow.h"
#include "maps.h"

/* The row of a key that lacks its peer, and shard; made when there is none. NULL when there is no room for one. `none` is of zeroes. */
static __always_inline struct tunnel_row *tunnel_row(struct tunnel_key *key, const u64 *peer, u32 has_vni, const struct tunnel_row *none)
{
	struct tunnel_row *row;

	key->peer[0] = peer[0];
	key->peer[1] = peer[0] >> 32;
	key->peer[2] = peer[1];
	key->peer[3] = peer[1] >> 32;
	key->shard = (bpf_get_smp_processor_id() & hit_shards) | (has_vni ? TUNNEL_HAS_VNI : 0);
	row = bpf_map_lookup_elem(&ht_tunnels, key);
	if (likely(row))
		return row;
	bpf_map_update_elem(&ht_tunnels, key, none, BPF_NOEXIST); /* another CPU may have been faster */
	return bpf_map_lookup_elem(&ht_tunnels, key);
}

static __always_inline u32 size_class(u32 len)
{
	u32 units = (len + 63) >> 6; /* of 64 bytes, begun ones too */

	return units > 16 ? 5 : 044444444333322100ULL >> units * 3 & 7; /* a digit for each number of them, beginning at the right */
}

static __noinline int size_add(u32 class, u32 count)
{
	u64 *n = bpf_map_lookup_elem(&ht_sizes, &class);

	if (n)
		*n += count;
	else
		stat_count(STAT_LOOKUP_FAILED); /* no call: six functions wait for this one, and their stacks are added up */
	return 0;
}

/* Of the newest packet; `local` is the outer destination. */
static __always_inline void row_says(struct tunnel_row *row, const u64 *local, u32 port, u32 inner, u32 hit, u32 gen, u32 last)
{
	row->local[0] = local[0];
	row->local[1] = local[0] >> 32;
	row->local[2] = local[1];
	row->local[3] = local[1] >> 32;
	row->port = port;
	row->inner = inner;
	row->hit = hit;
	row->gen = gen;
	row->last = last;
}

static __always_inline void row_error(struct tunnel_row *row, u64 why, u64 n)
{
	if (!why)
		return;
	barrier_var(why); /* two comparisons: of one with why - 1 the verifier of 5.10 learns nothing about why */
	if (why < TERR_MAX)
		__sync_fetch_and_add(&row->errors[why], n);
}

/* Counts the query's packet in its tunnel's row, and for the line that speaks of it. */
__noinline int ht_tun_count(u32 gen)
{
	u32 zero = 0;
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);
	struct tunnel_key key = {};
	struct tunnel_row *row;

	if (!q)
		return 0;
	if (q->looked)
		size_add(size_class(q->inside), 1);
	if (q->hit)
		hit_add(slot_of(gen), q->hit, 1, q->len, q->strip);
	key.vni = q->vni;
	key.dev = dev_slot;
	key.kind = q->kind;
	row = tunnel_row(&key, q->w, q->has_vni, &q->none);
	if (!row) {
		stat_add(STAT_TUNNEL_FULL);
		return 0;
	}
	__sync_fetch_and_add(&row->packets, 1);
	__sync_fetch_and_add(&row->bytes, q->len);
	if (q->strip)
		__sync_fetch_and_add(&row->stripped, 1);
	row_error(row, q->why, 1);
	row_says(row, q->w + 2, q->port, q->inner, q->hit, gen, bpf_jiffies64());
	return 0;
}

/* Counts the query's packet, which is inside a tunnel and stays there, as a flow of its own. No policy judges it. */
__noinline int ht_flow_observe(void)
{
	u32 zero = 0, index, way;
	struct acl_query *q = bpf_map_lookup_elem(&ht_query, &zero);
	struct flow_bucket *b;
	struct flow_entry *e;

	if (!q)
		return 0;
	index = flow_index(dev_state(), q->hash);
	way = ht_flow_find(index);
	b = bpf_map_lookup_elem(&ht_flows, &index);
	if (!b) {
		stat_add(STAT_LOOKUP_FAILED);
		return 0;
	}
	e = flow_way(b, way);
	if (way < WAY_NONE && e->packets) {
		if (!(e->bytes_flags & FLOW_INNER) || e->packets >= FLOW_PACKETS)
			flow_renew(e, 0, HIT_NONE);
		flow_more(e, q, index, way, FLOW_INNER);
		return 0;
	}
	if (way >= WAY_NONE)
		e = flow_way(b, flow_victim(index, q));
	flow_put(e, q, 0, HIT_NONE, FLOW_INNER);
	return 0;
}
