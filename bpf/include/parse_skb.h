/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The headers of an skb, of which only the first bytes may be where a program can read them. */
#pragma once

#include "maps.h"
#include "parse.h"

#define PULL_MAX 2048 /* bytes of header made linear at most */
#define VLAN_LEN 4

/* What ht_parse_skb found. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} ht_packet SEC(".maps");

/* Bytes on the wire. */
static __always_inline u32 wire_len(struct __sk_buff *skb)
{
	return skb->len + skb->vlan_present * VLAN_LEN;
}

/* The tag that the device took out of the frame, or that it is to put in, is the outermost one. */
static __always_inline u32 parse_skb(struct __sk_buff *skb, struct packet *p, u32 out)
{
	struct cursor c = cursor((void *)(long)skb->data, (void *)(long)skb->data_end);
	/* Products instead of a branch: the verifier would follow the parser twice. */
	u32 taken_out = skb->vlan_present;
	u32 vid = (skb->vlan_tci & TAG_VLAN_MASK) * taken_out;

	c.left = skb->len;
	p->len = wire_len(skb);
	return parse(&c, p, out | vid, taken_out);
}

/* parse_skb into ht_packet: a global function, so that the verifier follows the parser once more, and not once more for each of the
 * ways in which it ran short. Global functions take no pointers on old kernels. */
__noinline int ht_parse_skb(struct __sk_buff *skb, u32 out)
{
	u32 zero = 0;
	struct packet *p = bpf_map_lookup_elem(&ht_packet, &zero);

	return p ? parse_skb(skb, p, out) : MAL_SHORT_ETH;
}

/* Headers that lie beyond the linear part of the skb are fetched, once. `found`: what parse_skb said before. */
static __always_inline u32 parse_pulled(struct __sk_buff *skb, struct packet *p, u32 found, u32 out)
{
	u32 want = skb->len < PULL_MAX ? skb->len : PULL_MAX, zero = 0;
	struct packet *pulled;

	if (bpf_skb_pull_data(skb, want)) {
		stat_add(STAT_PULL_FAILED);
		return found;
	}
	pulled = bpf_map_lookup_elem(&ht_packet, &zero);
	if (!pulled)
		return found;
	found = ht_parse_skb(skb, out);
	*p = *pulled;
	return found;
}
