/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layers in order: a frame in, a packet with its key and hash out. */
#pragma once

#include "parse_l2.h"
#include "parse_l3.h"
#include "parse_l4.h"

/* From the IP header on. `vni`: of the tunnel that the packet is in. Returns 0 when the key is complete, or why the packet is
 * malformed. */
static __always_inline u32 parse_ip(struct cursor *c, struct packet *p, u32 found, u32 tag, u32 vni)
{
	u32 proto = 0, why;

	p->frag = 0;
	p->tcp_flags = 0;
	p->l3 = c->pos - c->start;
	if (likely(found == FOUND_IP4))
		why = parse_ip4(c, p, &proto);
	else
		why = parse_ip6(c, p, &proto);
	if (unlikely(why))
		return why;
	p->l4 = c->pos - c->start;
	p->left = c->left;
	why = parse_l4(c, p, proto | vni << 8);
	if (unlikely(why))
		return why;
	p->tag_dev = tag | p->frag | (u32)dev_slot << 16;
	p->hash += p->tag_dev * hash_seed[10];
	p->hash ^= p->hash >> 32;
	p->hash *= HASH_MIX;
	return 0;
}

/* `tag` holds TAG_EGRESS and the tag that the device took out, `tags` says whether it did. Returns 0 when the key is
 * complete, FOUND_NOT_IP, or why the frame is malformed. */
static __always_inline u32 parse(struct cursor *c, struct packet *p, u32 tag, u32 tags)
{
	u32 found = parse_l2(c, &tag, tags);

	return found == FOUND_IP4 || found == FOUND_IP6 ? parse_ip(c, p, found, tag, 0) : found;
}

/* The frame ended, for the parser, before the packet did: more of it may be elsewhere. */
static __always_inline int ran_short(u32 why)
{
	u32 reasons = 1 << MAL_SHORT_ETH | 1 << MAL_SHORT_VLAN | 1 << MAL_SHORT_IP4 | 1 << MAL_SHORT_IP6 | 1 << MAL_IP6_EXT_SHORT |
		      1 << MAL_SHORT_L4 | 1 << MAL_FRAG_TINY;

	return reasons >> why & 1;
}
