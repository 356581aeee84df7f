/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is counted of packets in tunnels. */
#pragma once

#include "flow.h"
#include "maps.h"

static __always_inline struct tunnel_row *tunnel_row(const struct tunnel_query *q)
{
	struct tunnel_key key = { .vni = q->vni, .dev = dev_slot, .kind = q->kind };
	struct tunnel_row *row;

	key.peer[0] = q->w[0];
	key.peer[1] = q->w[0] >> 32;
	key.peer[2] = q->w[1];
	key.peer[3] = q->w[1] >> 32;
	key.shard = (bpf_get_smp_processor_id() & hit_shards) | (q->has_vni ? TUNNEL_HAS_VNI : 0);
	row = bpf_map_lookup_elem(&ht_tunnels, &key);
	if (likely(row))
		return row;
	bpf_map_update_elem(&ht_tunnels, &key, &q->none, BPF_NOEXIST); /* another CPU may have been faster */
	return bpf_map_lookup_elem(&ht_tunnels, &key);
}

static __noinline int size_add(u32 len)
{
	u32 class = (len > 64) + (len > 128) + (len > 256) + (len > 512) + (len > 1024);
	u64 *n = bpf_map_lookup_elem(&ht_sizes, &class);

	if (n)
		*n += 1;
	return 0;
}

/* Counts the query's packet in its tunnel's row, and for the line that speaks of it. */
__noinline int ht_tun_count(u32 gen)
{
	u32 zero = 0;
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);
	struct tunnel_row *row;
	u64 why;

	if (!q)
		return 0;
	if (q->looked)
		size_add(q->inside);
	if (q->hit)
		hit_add(gen % ACL_SLOTS, q->hit, 1, q->len, q->strip);
	row = tunnel_row(q);
	if (!row) {
		stat_add(STAT_TUNNEL_FULL);
		return 0;
	}
	__sync_fetch_and_add(&row->packets, 1);
	__sync_fetch_and_add(&row->bytes, q->len);
	if (q->strip)
		__sync_fetch_and_add(&row->stripped, 1);
	why = q->why;
	if (why) {
		barrier_var(why); /* two comparisons: of one with why - 1 the verifier of 5.10 learns nothing about why */
		if (why < TERR_MAX)
			__sync_fetch_and_add(&row->errors[why], 1);
	}
	row->local[0] = q->w[2];
	row->local[1] = q->w[2] >> 32;
	row->local[2] = q->w[3];
	row->local[3] = q->w[3] >> 32;
	row->port = q->port;
	row->inner = q->inner;
	row->hit = q->hit;
	row->gen = gen;
	row->last = bpf_jiffies64();
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
	if (!b)
		return 0;
	e = flow_way(b, way);
	if (way < WAY_NONE && e->packets) {
		if (!(e->bytes_flags & FLOW_INNER) || e->packets >= FLOW_PACKETS)
			flow_renew(e, 0, HIT_NONE);
		flow_more(e, q, index, way, FLOW_INNER);
		return 0;
	}
	if (way >= WAY_NONE)
		e = flow_way(b, ht_flow_victim(index));
	flow_put(e, q, 0, HIT_NONE, FLOW_INNER);
	return 0;
}
