/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ethernet, 802.1Q and 802.1ad; or nothing at all on an L3 device. */
#pragma once

#include "packet.h"

#define ETHERTYPE_IP4 0x0800
#define ETHERTYPE_IP6 0x86dd
#define ETHERTYPE_8021Q 0x8100
#define ETHERTYPE_8021AD 0x88a8
#ifndef MAX_TAGS
#define MAX_TAGS 4
#endif

struct eth {
	u8 dst[6];
	u8 src[6];
	u16 type;
};

struct vlan {
	u16 tci;
	u16 type;
};

/* VID 0 is a priority tag: as good as none. The key gets the outermost real one. */
static __always_inline u32 tag_add(u32 tag, u32 vid)
{
	if (!vid)
		return tag;
	return tag & TAG_VLAN_MASK ? tag | TAG_STACKED : tag | vid;
}

/* Walks the tags that are in the frame; `tags` counts those that the device took out. */
static __always_inline u32 parse_tags(struct cursor *c, u32 *tag, u32 tags, u16 *type)
{
#pragma clang loop unroll(full)
	for (u32 i = 0; i < MAX_TAGS; i++) {
		struct vlan *v = c->pos;

		if (*type != be16(ETHERTYPE_8021Q) && *type != be16(ETHERTYPE_8021AD))
			return 0;
		if (tags + i >= MAX_TAGS)
			return MAL_TOO_MANY_TAGS;
		if ((void *)(v + 1) > c->end)
			return MAL_SHORT_VLAN;
		*tag = tag_add(*tag, be16(v->tci) & TAG_VLAN_MASK);
		*type = v->type;
		c->pos = v + 1;
		c->left -= sizeof(*v);
	}
	if (*type == be16(ETHERTYPE_8021Q) || *type == be16(ETHERTYPE_8021AD))
		return MAL_TOO_MANY_TAGS;
	return 0;
}

/* Without Ethernet the version field of the IP header says what it is. */
static __always_inline u32 parse_l3_device(struct cursor *c)
{
	u8 *first = c->pos;

	if ((void *)(first + 1) > c->end)
		return MAL_SHORT_ETH;
	if (*first >> 4 == 4)
		return FOUND_IP4;
	return *first >> 4 == 6 ? FOUND_IP6 : FOUND_NOT_IP;
}

static __always_inline u32 parse_l2(struct cursor *c, u32 *tag, u32 tags)
{
	struct eth *eth = c->pos;
	u16 type;

	if (l3_device)
		return parse_l3_device(c);
	if (unlikely((void *)(eth + 1) > c->end))
		return MAL_SHORT_ETH;
	type = eth->type;
	c->pos = eth + 1;
	c->left -= sizeof(*eth);
	if (likely(type == be16(ETHERTYPE_IP4)))
		return FOUND_IP4;
	if (type == be16(ETHERTYPE_IP6))
		return FOUND_IP6;
	u32 why = parse_tags(c, tag, tags, &type);
	if (why)
		return why;
	cursor_settle(c);
	*tag += unknown_zero(c);
	c->left += unknown_zero(c);
	if (type == be16(ETHERTYPE_IP4))
		return FOUND_IP4;
	return type == be16(ETHERTYPE_IP6) ? FOUND_IP6 : FOUND_NOT_IP;
}
