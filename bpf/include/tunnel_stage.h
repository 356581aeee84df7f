/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tunnel stage: from a parsed packet that may be in a tunnel to the verdict whether it is unwrapped. Reading the packet and taking
 * headers off is each program's own (stage_tunnel.h there). The pieces of it are put together in one function there: a call and its
 * return cost as much as a piece. What a piece found is in memory, and a barrier stands behind it, so that the verifier does not follow
 * what comes next once for each way through it. */
#pragma once

#include "parse.h"
#include "shadow.h"
#include "tunnel.h"
#include "tunnel_line.h"
#include "tunnel_lane.h"

/* What the stage finds out, from kind to super, in words. */
#define FOUND_WORDS ((__builtin_offsetof(struct tunnel_query, worst) - __builtin_offsetof(struct tunnel_query, kind)) / sizeof(u64))
_Static_assert(__builtin_offsetof(struct tunnel_query, kind) % sizeof(u64) == 0 && __builtin_offsetof(struct tunnel_query, worst) % sizeof(u64) == 0, "whole words");

/* Hands a packet to the stage. */
static __always_inline int tunnel_begin(const struct packet *p)
{
	u32 zero = 0;
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);

	if (!q) {
		stat_add(STAT_LOOKUP_FAILED);
		return 0;
	}
	q->w[0] = p->w[0];
	q->w[1] = p->w[1];
	q->w[2] = p->w[2];
	q->w[3] = p->w[3];
	q->proto = p->w[4] >> 32 & 0xff;
	q->port = q->proto == PROTO_UDP ? p->w[4] >> 16 & 0xffff : 0;
	q->l3 = p->l3;
	q->l4 = p->l4;
	q->left = p->left;
	q->len = p->len;
	q->frag = p->frag;
	q->tag = p->tag_dev & (TAG_VLAN_MASK | TAG_STACKED);
#pragma clang loop unroll(full)
	for (u32 i = 0; i < FOUND_WORDS; i++)
		((u64 *)&q->kind)[i] = 0;
	q->lane = LANE_NONE;
	return 1;
}

/* Whether the packet is in a tunnel. */
static __always_inline int tunnel_kind(const struct acl_image *img, struct tunnel_query *q, u32 gen)
{
	q->kind = kind_of(img, q, gen);
	barrier();
	return q->kind;
}

/* The tunnel header; `c` is at the outer L4 header. */
static __always_inline void tunnel_head(struct cursor *c, struct tunnel_query *q)
{
	q->why = q->frag ? TERR_FRAGMENT : parse_tunnel(c, q);
	q->offset = c->pos - c->start;
	q->inside = c->left;
	barrier();
}

/* What the policy says of the tunnel. Returns 1 when what is inside is to be looked at. A dry run leaves no trace in lanes, and asks
 * about other generations than what decides. */
static __always_inline int tunnel_outer(struct tunnel_query *q, u32 gen)
{
	int open;

	if (shadow || q->why)
		return ht_tun_find(gen);
	if (lane_says(q, gen)) {
		open = readable(q);
	} else {
		open = ht_tun_find(gen);
		ht_tun_lane(gen); /* not one inside the other: stacks of nested calls are added up */
	}
	barrier();
	return open;
}

/* Of the flow inside. 0 is that of packets outside of tunnels, which only an unwrapped one becomes: who sends VNI 0, or a key of 0, must not
 * be counted in somebody's plain flow. */
static __always_inline u32 key_vni(const struct tunnel_query *q)
{
	if (q->has_vni && q->vni && q->vni <= VNI_MAX)
		return q->vni;
	return q->strip && !q->why ? 0 : VNI_NONE;
}

/* The frame inside, up to its IP packet; `c` is at its beginning. One function for this and one for what follows: the verifier would
 * follow the latter once for each number of tags. */
static __always_inline void tunnel_ether(struct cursor *c, struct tunnel_query *q)
{
	u32 tag = q->tag;

	q->looked = 1;
	q->found = q->inner == INNER_ETH ? parse_ethernet(c, &tag, 0) : q->inner == INNER_IP4 ? FOUND_IP4 : FOUND_IP6;
	q->ip = c->pos - c->start;
	q->left = c->left;
	q->tagged = q->inner == INNER_ETH && q->ip - q->offset > sizeof(struct eth);
	q->six = q->found == FOUND_IP6;
	q->tag = tag;
	/* The outer packet may end before the frame does. */
	if (q->ip - q->offset > q->inside)
		q->found = MAL_SHORT_ETH;
}

/* The same for what is inside nearly always, in few instructions: an IP packet, behind an Ethernet header without tags if behind any.
 * Returns 0 when it is something else. */
static __always_inline int tunnel_plain(struct cursor *c, struct tunnel_query *q)
{
	struct eth *eth = c->pos;
	u32 head = 0, six = q->inner == INNER_IP6;

	if (q->inner == INNER_ETH) {
		head = sizeof(*eth);
		if ((void *)(eth + 1) > c->end || q->inside < head)
			return 0;
		six = eth->type == be16(ETHERTYPE_IP6);
		if (!six && eth->type != be16(ETHERTYPE_IP4))
			return 0;
	}
	q->looked = 1;
	q->six = six;
	q->found = FOUND_IP4 + six;
	q->ip = q->offset + head;
	q->left = q->inside - head;
	barrier();
	return 1;
}

/* The packet inside, into the acl_query; `c` is at its IP header. */
static __always_inline void tunnel_inside(struct cursor *c, struct tunnel_query *q, struct acl_query *k)
{
	struct packet p;

	if (q->found != FOUND_IP4 && q->found != FOUND_IP6)
		return;
	if (q->six && q->left < sizeof(struct ip6)) {
		q->found = MAL_SHORT_IP6;
		return;
	}
	p.len = q->inside;
	q->found = parse_ip(c, &p, q->found, q->tag, key_vni(q));
	if (!q->found)
		query_fill(k, &p, dev_slot);
	barrier();
}

/* Whether the packet is unwrapped, in q->strip; else q->why may say why not. */
static __always_inline int tunnel_judge(const struct acl_image *img, struct tunnel_query *q, const struct acl_query *k)
{
	if (!q->why && q->found && q->found < MAL_MAX)
		q->why = TERR_INNER;
	else if (!q->why && q->strip)
		q->why = check_strip(img, q, k);
	if (q->why)
		q->strip = 0;
	barrier();
	return q->strip;
}

/* Whether a packet that is to be unwrapped is denied as one before, and counts it then: it can be dropped as it is. Looks where flow_account
 * would look next. For XDP, which takes headers off whatever they are: a packet that stays wrapped is not judged by what is inside. */
static __always_inline int denied_inside(const struct tunnel_query *q, const struct acl_query *k, u32 gen)
{
	volatile struct dev_state *st = dev_state();
	u32 index;

	if (shadow || !gen)
		return 0;
	index = flow_index(st, k->hash);
	return !flow_may_be(index, k->hash) &&
	       denied_again(st, k->w, k->tag_dev, k->hash, q->len - (q->ip - q->l3), k->tcp_flags, gen, bpf_jiffies64(), DENIED_PLAIN);
}

/* What the stage says. */
#define TUNNEL_OPENED 1 /* the packet was unwrapped: the one inside is in the acl_query */
#define TUNNEL_INSIDE 2 /* so it is, but stays in its tunnel */
#define TUNNEL_DENIED 3 /* the packet inside is denied, and counted: see denied_inside */

/* Counts the packet in its tunnel. */
static __always_inline int tunnel_end(const struct tunnel_query *q, u32 gen)
{
	if (shadow_gen())
		return q->strip ? TUNNEL_OPENED : 0;
	if (shadow || !lane_count(q))
		ht_tun_count(gen);
	if (q->strip)
		return TUNNEL_OPENED;
	return q->looked && !q->found && readable(q) ? TUNNEL_INSIDE : 0;
}

/* Goes on with the packet inside, or counts it as a flow that stays there: not in the stage, as stacks of nested calls are added up. */
static __always_inline void tunnel_go_on(struct packet *p, int said)
{
	u32 zero = 0;
	struct acl_query *k;
	struct tunnel_query *q;

	if (said == TUNNEL_INSIDE)
		ht_flow_observe();
	if (said != TUNNEL_OPENED)
		return;
	k = bpf_map_lookup_elem(&ht_query, &zero);
	q = bpf_map_lookup_elem(&ht_tunnel, &zero);
	if (!k || !q)
		return;
	p->w[0] = k->w[0];
	p->w[1] = k->w[1];
	p->w[2] = k->w[2];
	p->w[3] = k->w[3];
	p->w[4] = k->w[4];
	p->hash = k->hash;
	p->tag_dev = k->tag_dev;
	p->tcp_flags = k->tcp_flags;
	p->frag = k->tag_dev & (TAG_FRAG_FIRST | TAG_FRAG_LATER);
	p->len -= q->ip - q->l3;
}
