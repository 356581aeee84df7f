/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tunnel stage: from a parsed packet that may be in a tunnel to the verdict whether it is unwrapped. Reading the packet and taking
 * headers off is each program's own (stage_tunnel.h there). */
#pragma once

#include "parse.h"
#include "shadow.h"
#include "tunnel.h"
#include "tunnel_count.h"
#include "tunnel_line.h"

/* Hands a packet to the stage. Returns 0 when it is in no tunnel. */
static __always_inline int tunnel_begin(const struct packet *p, u32 gen)
{
	u32 zero = 0;
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);

	if (!q)
		return 0;
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
	q->vni = q->has_vni = q->inner = q->offset = q->inside = q->ip = q->tagged = q->six = 0;
	q->found = q->looked = q->why = q->hit = q->strip = q->line = q->super = 0;
	q->kind = ht_tun_kind(gen);
	return q->kind;
}

/* What is behind an option that must be understood can be looked at, not unwrapped: most senders of such options are no secret. */
static __always_inline int readable(const struct tunnel_query *q)
{
	return !q->why || (q->why == TERR_CRITICAL && q->inner);
}

/* The tunnel header; `c` is at the outer L4 header. */
static __always_inline int tunnel_head(struct cursor *c, struct tunnel_query *q)
{
	q->why = q->frag ? TERR_FRAGMENT : parse_tunnel(c, q);
	q->offset = c->pos - c->start;
	q->inside = c->left;
	return 0;
}

/* Finds the policy's line for the packet. Returns 1 when what is inside is to be looked at. */
__noinline int ht_tun_find(u32 gen)
{
	u32 zero = 0, why;
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);

	if (!q)
		return 0;
	if (readable(q) && gen) {
		why = ht_tun_line(gen % ACL_SLOTS, gen);
		if (why)
			q->why = why;
	}
	return readable(q);
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

/* The packet inside, into the acl_query; `c` is at its IP header. */
static __always_inline void tunnel_inside(struct cursor *c, struct tunnel_query *q)
{
	struct packet p = {};

	if (q->found != FOUND_IP4 && q->found != FOUND_IP6)
		return;
	if (q->six && q->left < sizeof(struct ip6)) {
		q->found = MAL_SHORT_IP6;
		return;
	}
	p.len = q->inside;
	q->found = parse_ip(c, &p, q->found, q->tag, key_vni(q));
	if (!q->found)
		query_set(&p, dev_slot);
}

/* Whether the packet is unwrapped, in q->strip; else q->why may say why not. */
__noinline int ht_tun_judge(u32 gen)
{
	u32 zero = 0;
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);

	if (!q)
		return 0;
	if (!q->why && q->found && q->found < MAL_MAX)
		q->why = TERR_INNER;
	else if (!q->why && q->strip)
		q->why = ht_tun_check(gen % ACL_SLOTS);
	if (q->why)
		q->strip = 0;
	return q->strip;
}

/* Counts the packet in its tunnel, and what is inside as a flow when it stays there. */
static __always_inline void tunnel_end(const struct tunnel_query *q, u32 gen)
{
	if (shadow_gen())
		return;
	ht_tun_count(gen);
	if (q->looked && !q->found && readable(q) && !q->strip)
		ht_flow_observe();
}

/* Goes on with the packet inside. */
static __always_inline void tunnel_unwrap(struct packet *p)
{
	u32 zero = 0;
	struct acl_query *k = bpf_map_lookup_elem(&ht_query, &zero);
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);

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
