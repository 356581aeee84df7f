/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the policy says about a packet in a tunnel. Global functions, as in acl_match.h: the verifier follows them once. */
#pragma once

#include "maps.h"
#include "tunnel.h"

/* Whether the ports' and protocol's word of a key may be a tunnel's. Later fragments show no port. */
static __always_inline int is_tunnel(u64 word)
{
	u32 proto = word >> 32 & 0xff, port;

	if (likely(proto == PROTO_TCP))
		return 0;
	if (proto == PROTO_UDP) {
		port = be16(word >> 16);
		return tunnel_ports.bits[bounded(port >> 6, 1023)] >> (port & 63) & 1;
	}
	return proto == PROTO_GRE || proto == PROTO_IPIP || proto == PROTO_IP6;
}

/* 1 when an address is in one of a run of prefixes. */
static __always_inline int in_prefixes(const struct acl_image *img, u32 at, u32 n, u64 hi, u64 lo)
{
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < TUNNEL_LIST && i < n; i++) {
		const struct tunnel_prefix *p = &img->tunnels.prefix[bounded(at + i, TUNNEL_PREFIXES - 1)];

		if ((hi & p->mask[0]) == p->addr[0] && (lo & p->mask[1]) == p->addr[1])
			return 1;
	}
	return 0;
}

/* 1 when the query's outer source is in one of a run of prefixes. */
__noinline int ht_tun_within(u32 slot, u32 at, u32 n)
{
	u32 zero = 0;
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);

	return img && q && in_prefixes(img, at, n, q->w[0], q->w[1]);
}

/* The kind of tunnel that a packet is in: a line's word, else what the port is known for. TUN_NONE: it is in none. */
static __always_inline u32 kind_of(const struct acl_image *img, const struct tunnel_query *q, u32 gen)
{
	u32 port;

	if (q->proto != PROTO_UDP)
		return q->proto == PROTO_GRE ? TUN_GRE : TUN_IPIP;
	port = q->port;
	if (gen && img->gen == gen) {
#pragma clang loop unroll(disable)
		for (u32 i = 0; i < TUNNEL_LINES && i < img->tunnels.n; i++) {
			const struct tunnel_line *l = &img->tunnels.line[bounded(i, TUNNEL_LINES - 1)];

			if (l->port == port)
				return l->kind;
		}
	}
	if (port == be16(PORT_VXLAN))
		return TUN_VXLAN;
	if (port == be16(PORT_GENEVE))
		return TUN_GENEVE;
	if (port == be16(PORT_GPE))
		return TUN_GPE;
	if (port == be16(PORT_GUE))
		return TUN_GUE;
	return port == be16(PORT_GTPU) ? TUN_GTPU : TUN_NONE;
}

/* How far a line goes along with a packet: 0, or what it does not agree with. */
__noinline int ht_tun_match(u32 slot, u32 number)
{
	u32 zero = 0;
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);
	const struct tunnel_line *l;

	if (!img || !q)
		return TERR_MAX;
	l = &img->tunnels.line[bounded(number, TUNNEL_LINES - 1)];
	if (l->kind != q->kind || l->port != (u16)q->port)
		return TERR_MAX;
	if (!(l->flags & TUNNEL_ANY_TO) && (l->to[0] != q->w[2] || l->to[1] != q->w[3]))
		return TERR_NOT_OURS;
	if (!(l->flags & TUNNEL_ANY_VNI) && (!q->has_vni || l->vni != q->vni))
		return TERR_VNI;
	if (l->peers_n && !ht_tun_within(slot, l->peers, l->peers_n))
		return TERR_PEER;
	return TERR_NONE;
}

/* Finds the first line that agrees with the packet, for the query. Without one, and where there are strip lines for the port, the
 * answer is what the one that went along farthest does not agree with. */
__noinline int ht_tun_line(u32 slot, u32 gen)
{
	u32 zero = 0;
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);

	if (!img || !q || img->gen != gen)
		return TERR_NONE;
	q->worst = TERR_NONE; /* in memory: what is in a register the verifier would follow */
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < TUNNEL_LINES && i < img->tunnels.n; i++) {
		const struct tunnel_line *l = &img->tunnels.line[bounded(i, TUNNEL_LINES - 1)];
		u32 why = ht_tun_match(slot, i);

		if (why == TERR_NONE) {
			q->hit = l->hit;
			q->line = i;
			q->strip = l->flags & TUNNEL_STRIP;
			return TERR_NONE;
		}
		if (why < TERR_MAX && l->flags & TUNNEL_STRIP && why > q->worst)
			q->worst = why;
	}
	return q->worst;
}

/* What is behind an option that must be understood can be looked at, not unwrapped: most senders of such options are no secret. */
static __always_inline int readable(const struct tunnel_query *q)
{
	return !q->why || (q->why == TERR_CRITICAL && q->inner);
}

/* Finds the policy's line for the packet. Returns 1 when what is inside is to be looked at. */
__noinline int ht_tun_find(u32 gen)
{
	u32 zero = 0, why;
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);

	if (!q)
		return 0;
	if (readable(q) && gen) {
		why = ht_tun_line(slot_of(gen), gen);
		if (why)
			q->why = why;
	}
	return readable(q);
}

__noinline int ht_tun_own(u64 hi, u64 lo)
{
	struct own_key key = { .w = { hi, lo } };

	return !!bpf_map_lookup_elem(&ht_own, &key);
}

static __always_inline int own(u64 hi, u64 lo)
{
	u32 bit = (hi ^ lo) * HASH_MIX >> 52; /* as ownBit in bpf/kern has it */

	return unlikely(own_bits.bits[bounded(bit >> 6, 63)] >> (bit & 63) & 1) && ht_tun_own(hi, lo);
}

/* An inner source that nobody outside of this host has: what such a packet would open is the reason why it is sent. */
static __always_inline int forged(const struct acl_query *k, u32 six)
{
	u64 hi = k->w[0], lo = k->w[1];
	u32 first = hi & 0xff, ip4 = lo >> 32;

	if (own(hi, lo))
		return 1;
	if (six) /* multicast, link-local, and ::/64: unspecified, loopback, IPv4 in disguise */
		return !hi || first == 0xff || (first == 0xfe && (hi >> 8 & 0xc0) == 0x80);
	first = ip4 & 0xff;
	return !first || first == 127 || first >= 224 || (ip4 & 0xffff) == 0xfea9; /* 169.254 */
}

/* What can be said against unwrapping a packet that a strip line agrees with. */
static __always_inline u32 check_strip(const struct acl_image *img, const struct tunnel_query *q, const struct acl_query *k)
{
	const struct tunnel_line *l;

	if (q->found || q->tagged)
		return TERR_NOT_IP;
	if (is_tunnel(k->w[4]))
		return TERR_NESTED;
	l = &img->tunnels.line[bounded(q->line, TUNNEL_LINES - 1)];
	if (!in_prefixes(img, l->inner, l->inner_n, k->w[0], k->w[1]))
		return TERR_SOURCE;
	if (forged(k, q->six))
		return TERR_FORGED;
	return q->super && !own(k->w[2], k->w[3]) ? TERR_FORWARD : TERR_NONE;
}
