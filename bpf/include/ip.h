/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IP headers as they lie in memory. */
#pragma once

#include "compat.h"

struct ip4 {
	u8 vihl;
	u8 tos;
	u16 tot_len;
	u16 id;
	u16 frag_off;
	u8 ttl;
	u8 protocol;
	u16 check;
	u32 src;
	u32 dst;
};

struct ip6 {
	u32 flow; /* version << 28 */
	u16 payload_len;
	u8 next;
	u8 hop_limit;
	u32 src[4];
	u32 dst[4];
};

struct ip6_ext {
	u8 next;
	u8 len;  /* 8-byte units after the first 8; AH: 4-byte units, minus 2 */
	u16 off; /* fragment header: offset << 3 | M */
	u32 jumbo;
};

enum {
	NEXT_HBH = 0,
	NEXT_TCP = 6,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_AH = 51,
	NEXT_DEST = 60,
	NEXT_MOBILITY = 135,
	NEXT_HIP = 139,
	NEXT_SHIM6 = 140,
};

enum {
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMP6 = 58,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
};

/* 1 or 0, without a branch: at each of eight extension headers the verifier would follow both ways, 2^8 paths in all. */
static __always_inline u32 nonzero(u32 x)
{
	u32 negative = -x;

	barrier_var(negative);
	return (x | negative) >> 31;
}

#define BIT(n) (1ULL << (n))

/* Without a branch, too. `next` is a byte. */
static __always_inline u32 is_ip6_ext(u32 next)
{
	u64 low = BIT(NEXT_HBH) | BIT(NEXT_ROUTING) | BIT(NEXT_FRAGMENT) | BIT(NEXT_AH) | BIT(NEXT_DEST);
	u64 high = BIT(NEXT_MOBILITY & 63) | BIT(NEXT_HIP & 63) | BIT(NEXT_SHIM6 & 63); /* all in the third 64 */
	u32 group = next >> 6;

	return (low >> (next & 63) & (nonzero(group) ^ 1)) | (high >> (next & 63) & (nonzero(group ^ 2) ^ 1));
}

/* Size of an extension header: 8 more per unit, of 4 bytes for AH; a fragment header has no units. */
static __always_inline u32 ip6_ext_size(u32 kind, u32 units)
{
	u32 has_units = nonzero(kind ^ NEXT_FRAGMENT), wide = nonzero(kind ^ NEXT_AH);

	return 8 + ((units * has_units) << (2 + wide));
}
