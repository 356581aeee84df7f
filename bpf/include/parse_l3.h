/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv4 with options, IPv6 with extension headers, fragments of both. A parser checks bounds, advances the cursor to the
 * next header, and leaves in `left` what the IP packet has from there (its end, not the frame's: padding is legal).
 * A super-packet (GSO, GRO, BIG TCP) above 65,535 bytes says 0 in its length field (RFC 2675; kernel: iph_set_totlen). */
#pragma once

#include "ip.h"
#include "packet.h"

#define IP_MAX 65535
#define IP4_MF 0x2000
#define IP4_OFFSET 0x1fff
#ifndef IP6_EXT_MAX
#define IP6_EXT_MAX 8
#endif

/* Offset in bytes, `more` fragments to come, `size` bytes carried, `head` bytes of header that the whole packet repeats.
 * Neither offset nor more: an atomic fragment, which is a whole packet (RFC 6946). */
static __always_inline u32 fragment(struct packet *p, u32 proto, u32 offset, u32 more, u32 size, u32 head)
{
	u32 later = nonzero(offset), part = nonzero(offset | more);

	if (part * (offset + size + head) > IP_MAX)
		return MAL_FRAG_BEYOND;
	if (proto == NEXT_TCP && offset == 8)
		return MAL_FRAG_TINY;
	p->frag |= later * TAG_FRAG_LATER + (part - later) * TAG_FRAG_FIRST;
	return 0;
}

static __always_inline u32 parse_ip4(struct cursor *c, struct packet *p, u32 *proto)
{
	struct ip4 *ip = c->pos;
	u32 head = sizeof(*ip), total, vihl;

	if (unlikely((void *)(ip + 1) > c->end))
		return MAL_SHORT_IP4;
	vihl = ip->vihl;
	if (unlikely(vihl != 0x45)) {
		if (vihl >> 4 != 4)
			return MAL_IP4_VERSION;
		head = (vihl & 15) * 4;
		if (head < sizeof(*ip))
			return MAL_IP4_IHL;
		if (c->pos + head > c->end)
			return MAL_SHORT_IP4;
	}
	total = be16(ip->tot_len);
	if (unlikely(!total && c->left > IP_MAX))
		total = c->left;
	if (unlikely(total < head || total > c->left))
		return MAL_IP4_LEN;
	c->left = total - head;
	*proto = ip->protocol;
	if (unlikely(ip->frag_off & be16(IP4_MF | IP4_OFFSET))) {
		u32 off = be16(ip->frag_off);
		u32 why = fragment(p, *proto, (off & IP4_OFFSET) * 8, off & IP4_MF, c->left, head);

		if (why)
			return why;
	}
	p->w[0] = 0;
	p->w[1] = 0xffff0000ULL | (u64)ip->src << 32;
	p->w[2] = 0;
	p->w[3] = 0xffff0000ULL | (u64)ip->dst << 32;
	p->hash = hash_ip4 + ip->src * hash_seed[3] + ip->dst * hash_seed[7];
	c->pos += head;
	return 0;
}

/* One extension header. */
static __always_inline u32 parse_ip6_ext(struct cursor *c, struct packet *p, u32 *proto)
{
	struct ip6_ext *ext = c->pos;
	u32 size, kind = *proto;

	if ((void *)(ext + 1) > c->end || c->left < sizeof(*ext))
		return MAL_IP6_EXT_SHORT;
	size = ip6_ext_size(kind, ext->len);
	if (c->left < size)
		return MAL_IP6_EXT_SHORT;
	*proto = ext->next;
	c->left -= size;
	if (kind == NEXT_FRAGMENT) {
		u32 off = be16(ext->off);
		u32 why = fragment(p, *proto, off & 0xfff8, off & 1, c->left, 0);

		if (why)
			return why;
	}
	c->pos += size;
	cursor_settle(c);
	return 0;
}

/* Makes the verifier forget what it knows from the headers that it has followed: it would follow the next ones once for each
 * way of having come to them. */
static __always_inline void forget(struct cursor *c, struct packet *p, u32 *proto)
{
	u32 zero = unknown_zero(c);

	*proto += zero;
	p->frag += zero;
	c->left += zero;
}

static __always_inline u32 parse_ip6_chain(struct cursor *c, struct packet *p, u32 *proto)
{
	forget(c, p, proto);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < IP6_EXT_MAX; i++) {
		u32 why = parse_ip6_ext(c, p, proto), more = is_ip6_ext(*proto);

		if (why)
			return why;
		if (p->frag & TAG_FRAG_LATER)
			more = 0;
		forget(c, p, proto);
		if (!more)
			return 0;
	}
	return MAL_IP6_EXT_CHAIN;
}

static __always_inline u32 parse_ip6(struct cursor *c, struct packet *p, u32 *proto)
{
	struct ip6 *ip = c->pos;
	u32 payload;

	if ((void *)(ip + 1) > c->end)
		return MAL_SHORT_IP6;
	if ((*(u8 *)ip >> 4) != 6)
		return MAL_IP6_VERSION;
	c->left -= sizeof(*ip);
	payload = be16(ip->payload_len);
	if (unlikely(!payload && c->left > IP_MAX))
		payload = c->left;
	/* Length 0 before hop-by-hop options announces a jumbogram; a frame up to 65,535 bytes holds none. */
	if (unlikely(payload > c->left || (!payload && ip->next == NEXT_HBH)))
		return MAL_IP6_LEN;
	c->left = payload;
	p->w[0] = ip->src[0] | (u64)ip->src[1] << 32;
	p->w[1] = ip->src[2] | (u64)ip->src[3] << 32;
	p->w[2] = ip->dst[0] | (u64)ip->dst[1] << 32;
	p->w[3] = ip->dst[2] | (u64)ip->dst[3] << 32;
	p->hash = hash_seed[11];
	p->hash += ip->src[0] * hash_seed[0] + ip->src[1] * hash_seed[1];
	p->hash += ip->src[2] * hash_seed[2] + ip->src[3] * hash_seed[3];
	p->hash += ip->dst[0] * hash_seed[4] + ip->dst[1] * hash_seed[5];
	p->hash += ip->dst[2] * hash_seed[6] + ip->dst[3] * hash_seed[7];
	*proto = ip->next;
	c->pos = ip + 1;
	if (unlikely(is_ip6_ext(*proto)))
		return parse_ip6_chain(c, p, proto);
	return 0;
}
