/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parsers hand on. No maps here. */
#pragma once

#include "compat.h"
#include "config.h"
#include "wire.h"

/* A place in the frame. `left` counts bytes on the wire from pos to the end of what encloses it (frame, then IP packet):
 * more than end - pos when the frame was captured short or lies in fragments of the skb, less when there is padding. */
struct cursor {
	void *start;
	void *pos;
	void *end;
	u32 left;
};

static __always_inline struct cursor cursor(void *start, void *end)
{
	return (struct cursor){ .start = start, .pos = start, .end = end };
}

#define OFFSET_MASK 0x7fff /* of the deepest header: 30 + 40 + 8 * 2,048 bytes */

/* Makes the verifier forget by which way a place was reached: the difference of two packet pointers is any number to it.
 * Without that it follows what comes next once for each number of tags and of extension headers. */
static __always_inline void cursor_settle(struct cursor *c)
{
	void *pos = c->pos;
	u64 offset;

	barrier_var(pos);
	offset = pos - c->start;
	barrier_var(offset);
	c->pos = c->start + (offset & OFFSET_MASK);
}

/* A zero that the verifier takes for any number. Added to what it knows, it makes states alike that differ in nothing that matters:
 * it follows what comes next for one of them. Costs two instructions: for where few packets come. */
static __always_inline u64 unknown_zero(const struct cursor *c)
{
	void *pos = c->pos;
	u64 zero;

	barrier_var(pos);
	zero = pos - c->pos;
	barrier_var(zero);
	return zero;
}

/* One parsed frame. w and tag_dev are struct flow_key in eight-byte words. */
struct packet {
	u64 w[5];
	u32 tag_dev;
	u32 len; /* bytes on the wire, all VLAN tags included, without FCS */
	u64 hash;
	u32 tcp_flags;
	u32 frag; /* TAG_FRAG_FIRST, TAG_FRAG_LATER or 0 */
	u32 l3;   /* offset of the IP header in the frame */
	u32 l4;   /* and of the L4 header */
	u32 left; /* bytes of the IP packet from there on */
};

/* Ends a measurement of the parser: what is only needed further on, clang would make further on. */
static __always_inline void use_packet(const struct packet *p)
{
	asm volatile("" ::"r"(p->w[0]), "r"(p->w[1]), "r"(p->w[2]), "r"(p->w[3]));
	asm volatile("" ::"r"(p->w[4]), "r"(p->hash), "r"((u64)p->tag_dev), "r"((u64)p->len));
	asm volatile("" ::"r"((u64)p->tcp_flags), "r"((u64)p->l3), "r"((u64)p->l4), "r"((u64)p->left));
}

/* What a parser found: 0, why the frame is malformed (enum malformed), or one of these. */
enum {
	FOUND_NOT_IP = MAL_MAX,
	FOUND_IP4,
	FOUND_IP6,
};
