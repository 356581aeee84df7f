/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tunnel headers: cursor parsers like those of parse_*.h, without maps. Each leaves the cursor at what is inside, and says why it
 * can't be unwrapped (enum tunnel_error). Strict: what a reserved bit will mean one day nobody knows. */
#pragma once

#include "ip.h"
#include "packet.h"
#include "parse_l2.h"
#include "parse_l4.h"
#include "tunnel_wire.h"

#define PORT_GTPU 2152
#define PORT_VXLAN 4789
#define PORT_GPE 4790
#define PORT_GENEVE 6081
#define PORT_GUE 6080

#define PROTO_TEB 0x6558 /* transparent Ethernet bridging: a whole frame */

/* As in maps, so that an offset is all that crosses a call. */
static __always_inline struct cursor tunnel_cursor(void *data, void *end, u32 offset, u32 left)
{
	struct cursor c = cursor(data, end);

	c.pos = data + bounded(offset, OFFSET_MASK);
	c.left = left;
	return c;
}

static __always_inline u32 inner_of(u32 ethertype)
{
	if (ethertype == PROTO_TEB)
		return INNER_ETH;
	if (ethertype == ETHERTYPE_IP4)
		return INNER_IP4;
	return ethertype == ETHERTYPE_IP6 ? INNER_IP6 : INNER_UNKNOWN;
}

static __always_inline void step(struct cursor *c, u32 size)
{
	c->pos += size;
	c->left -= size;
}

/* VXLAN, and VXLAN-GPE: the same eight bytes, of which GPE gives five bits of the flags and the last reserved byte a meaning. */
struct vxlan {
	u8 flags;
	u8 reserved[2];
	u8 next;
	u32 vni; /* << 8 */
};

#define VXLAN_HAS_VNI 0x08
#define GPE_VERSION 0x30
#define GPE_NEXT 0x04
#define GPE_OAM 0x01

static __always_inline u32 parse_vxlan(struct cursor *c, struct tunnel_query *q)
{
	struct vxlan *h = c->pos;
	u32 vni;

	if (SHORT_OF(c, h))
		return TERR_SHORT;
	vni = be32(h->vni);
	if (*(u32 *)&h->flags != VXLAN_HAS_VNI || vni & 0xff) /* all reserved bits at once */
		return TERR_FLAGS;
	q->vni = vni >> 8;
	q->has_vni = 1;
	q->inner = INNER_ETH;
	step(c, sizeof(*h));
	return 0;
}

static __always_inline u32 parse_gpe(struct cursor *c, struct tunnel_query *q)
{
	struct vxlan *h = c->pos;
	u32 vni;

	if (SHORT_OF(c, h))
		return TERR_SHORT;
	if (h->flags & GPE_VERSION)
		return TERR_VERSION;
	vni = be32(h->vni);
	if (h->flags & ~(VXLAN_HAS_VNI | GPE_NEXT | GPE_OAM) || h->reserved[0] | h->reserved[1] || vni & 0xff)
		return TERR_FLAGS;
	if (h->flags & VXLAN_HAS_VNI) {
		q->vni = vni >> 8;
		q->has_vni = 1;
	}
	if (h->flags & GPE_OAM)
		return TERR_CONTROL;
	q->inner = h->flags & GPE_NEXT ? h->next : 3;
	q->inner = q->inner == 1 ? INNER_IP4 : q->inner == 2 ? INNER_IP6 : q->inner == 3 ? INNER_ETH : INNER_UNKNOWN;
	step(c, sizeof(*h));
	return q->inner ? 0 : TERR_PAYLOAD;
}

struct geneve {
	u8 version; /* << 6, then the options' length in four bytes */
	u8 flags;
	u16 type;
	u32 vni; /* << 8 */
};

struct geneve_option {
	u16 class;
	u8 type; /* its highest bit: who does not know it must not go on */
	u8 len;  /* in four bytes, behind the first four */
};

#define GENEVE_CONTROL 0x80
#define GENEVE_CRITICAL 0x40
#define GENEVE_OPTIONS 63

/* Walks the options: they fill their space exactly, and none that hooktop would have to know is among them. It knows none. */
static __always_inline u32 parse_geneve_options(struct cursor *c, u32 size)
{
	u32 critical = 0;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < GENEVE_OPTIONS && size; i++) {
		struct geneve_option *o = c->pos;
		u32 n;

		if (SHORT_OF(c, o))
			return TERR_SHORT;
		n = sizeof(*o) + (o->len & 0x1f) * 4;
		if (n > size)
			return TERR_FLAGS;
		critical |= o->type & 0x80;
		if (c->left < n)
			return TERR_SHORT;
		step(c, n);
		size -= n;
		cursor_settle(c);
	}
	return critical ? TERR_CRITICAL : 0;
}

static __always_inline u32 parse_geneve(struct cursor *c, struct tunnel_query *q)
{
	struct geneve *h = c->pos;
	u32 options, flags, why;

	if (SHORT_OF(c, h))
		return TERR_SHORT;
	if (h->version >> 6)
		return TERR_VERSION;
	flags = h->flags;
	if (flags & ~(GENEVE_CONTROL | GENEVE_CRITICAL) || be32(h->vni) & 0xff)
		return TERR_FLAGS;
	q->vni = be32(h->vni) >> 8;
	q->has_vni = 1;
	q->inner = inner_of(be16(h->type));
	options = (h->version & 0x3f) * 4;
	step(c, sizeof(*h));
	why = parse_geneve_options(c, options);
	if (why)
		return why;
	if (flags & GENEVE_CONTROL)
		return TERR_CONTROL;
	if (flags & GENEVE_CRITICAL)
		return TERR_CRITICAL;
	return q->inner ? 0 : TERR_PAYLOAD;
}

/* Version 0 has a header of its own; of version 1 the first bits are those of the IP header that follows at once. */
struct gue {
	u8 version; /* << 6, control << 5, length in four bytes behind the first four */
	u8 next;
	u16 flags;
};

static __always_inline u32 parse_gue(struct cursor *c, struct tunnel_query *q)
{
	struct gue *h = c->pos;
	u32 first;

	if (SHORT_OF(c, h))
		return TERR_SHORT;
	first = h->version;
	if (first >> 6 == 1) {
		q->inner = first >> 4 == 4 ? INNER_IP4 : first >> 4 == 6 ? INNER_IP6 : INNER_UNKNOWN;
		return q->inner ? 0 : TERR_VERSION;
	}
	if (first >> 6)
		return TERR_VERSION;
	if (first & 0x20)
		return TERR_CONTROL;
	/* Optional fields belong to flags: without a flag that is known there are none. */
	if (h->flags || first & 0x1f)
		return TERR_FLAGS;
	q->inner = h->next == PROTO_IPIP ? INNER_IP4 : h->next == PROTO_IP6 ? INNER_IP6 : INNER_UNKNOWN;
	step(c, sizeof(*h));
	return q->inner ? 0 : TERR_PAYLOAD;
}

struct gtpu {
	u8 flags; /* version << 5, GTP << 4, then: extension, sequence, N-PDU */
	u8 type;
	u16 len; /* behind these eight bytes */
	u32 teid;
};

struct gtpu_more {
	u16 seq;
	u8 npdu;
	u8 next; /* type of the extension header that follows, 0: none */
};

#define GTPU_PDU 255
#define GTPU_EXTENSIONS 4

/* An extension header begins with its length in four bytes and ends with the type of the next. */
static __always_inline u32 parse_gtpu_extensions(struct cursor *c, u32 next)
{
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < GTPU_EXTENSIONS && next; i++) {
		u8 *len = c->pos, *type;
		u32 n;

		if (SHORT_OF(c, (u32 *)c->pos))
			return TERR_SHORT;
		n = *len * 4;
		if (!n)
			return TERR_FLAGS;
		type = c->pos + bounded(n - 1, 1023);
		if (c->left < n || (void *)(type + 1) > c->end)
			return TERR_SHORT;
		next = *type;
		step(c, n);
		cursor_settle(c);
	}
	return next ? TERR_FLAGS : 0;
}

static __always_inline u32 parse_gtpu(struct cursor *c, struct tunnel_query *q)
{
	struct gtpu *h = c->pos;
	u32 flags, next = 0, why;
	u8 *first;

	if (SHORT_OF(c, h))
		return TERR_SHORT;
	flags = h->flags;
	if (flags >> 5 != 1)
		return TERR_VERSION;
	if (!(flags & 0x10) || flags & 0x08)
		return TERR_FLAGS;
	q->vni = be32(h->teid);
	q->has_vni = 1;
	if (h->type != GTPU_PDU)
		return TERR_CONTROL;
	step(c, sizeof(*h));
	if (flags & 7) {
		struct gtpu_more *m = c->pos;

		if (SHORT_OF(c, m))
			return TERR_SHORT;
		next = flags & 4 ? m->next : 0;
		step(c, sizeof(*m));
	}
	why = parse_gtpu_extensions(c, next);
	if (why)
		return why;
	first = c->pos;
	if (SHORT_OF(c, first))
		return TERR_SHORT;
	q->inner = *first >> 4 == 4 ? INNER_IP4 : *first >> 4 == 6 ? INNER_IP6 : INNER_UNKNOWN;
	return q->inner ? 0 : TERR_PAYLOAD;
}

struct gre {
	u16 flags; /* checksum, routing, key, sequence, …, version */
	u16 type;
};

#define GRE_KEY 0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_VERSION 0x0007

/* A checksum would have to be checked, over up to 64 KiB: such packets are the kernel's. Routing is long deprecated. */
static __always_inline u32 parse_gre(struct cursor *c, struct tunnel_query *q)
{
	struct gre *h = c->pos;
	u32 flags;

	if (SHORT_OF(c, h))
		return TERR_SHORT;
	flags = be16(h->flags);
	if (flags & GRE_VERSION)
		return TERR_VERSION;
	if (flags & ~(GRE_KEY | GRE_SEQUENCE))
		return TERR_FLAGS;
	q->inner = inner_of(be16(h->type));
	step(c, sizeof(*h));
	if (flags & GRE_KEY) {
		u32 *key = c->pos;

		if (SHORT_OF(c, key))
			return TERR_SHORT;
		q->vni = be32(*key);
		q->has_vni = 1;
		step(c, sizeof(*key));
	}
	if (flags & GRE_SEQUENCE) {
		u32 *seq = c->pos;

		if (SHORT_OF(c, seq))
			return TERR_SHORT;
		step(c, sizeof(*seq));
	}
	return q->inner ? 0 : TERR_PAYLOAD;
}

/* Behind a UDP header what it says is there, not what the IP packet has: it may be less. */
static __always_inline u32 parse_tunnel_udp(struct cursor *c)
{
	struct udp *udp = c->pos;
	u32 len;

	if (SHORT_OF(c, udp))
		return TERR_SHORT;
	len = be16(udp->len);
	if (len >= sizeof(*udp) && len < c->left)
		c->left = len;
	step(c, sizeof(*udp));
	return 0;
}

static __always_inline u32 parse_tunnel(struct cursor *c, struct tunnel_query *q)
{
	u32 kind = q->kind, why;

	if (kind == TUN_IPIP) {
		q->inner = q->proto == PROTO_IPIP ? INNER_IP4 : INNER_IP6;
		return 0;
	}
	if (kind == TUN_GRE)
		return parse_gre(c, q);
	why = parse_tunnel_udp(c);
	if (why)
		return why;
	if (kind == TUN_VXLAN)
		return parse_vxlan(c, q);
	if (kind == TUN_GENEVE)
		return parse_geneve(c, q);
	if (kind == TUN_GUE)
		return parse_gue(c, q);
	return kind == TUN_GPE ? parse_gpe(c, q) : parse_gtpu(c, q);
}
