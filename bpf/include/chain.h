/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The mark of a chain, on its way into the packet. */
#pragma once

#include "config.h"
#include "maps.h"

/* Marks a packet that is on a leg of a policy's chain, and counts it there. Bits that are not the chain's stay; a packet that
 * somebody else has marked within them is left alone. A global function: the verifier follows it once. */
__noinline int ht_chain_mark(struct __sk_buff *skb, u32 gen, u32 leg, u32 len)
{
	u32 slot = slot_of(gen), mark = skb->mark, index;
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);
	struct acl_leg *l;
	struct counter *c;

	leg = bounded(leg, ACL_LEGS - 1);
	index = (slot * (hit_shards + 1) + hit_shard()) * ACL_LEGS + leg;
	c = bpf_map_lookup_elem(&ht_legs, &index);
	if (!img || !c || !gen || img->gen != gen) {
		stat_add(STAT_MARK_STALE);
		return 0;
	}
	l = &img->leg[leg];
	if (mark & l->mask && (mark & l->mask) != l->mark) {
		stat_add(STAT_MARK_FOREIGN);
		return 0;
	}
	skb->mark = (mark & ~l->mask) | l->mark;
	__sync_fetch_and_add(&c->packets, 1);
	__sync_fetch_and_add(&c->bytes, len);
	return 0;
}
