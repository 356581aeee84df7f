/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tunnel stage over an XDP frame. */
#pragma once

#include "../include/state.h"
#include "../include/tunnel_stage.h"

#define L2_WORDS 16 /* an Ethernet header with MAX_TAGS tags, and something to make a power of two */

struct l2 {
	u16 words[L2_WORDS];
};

#define WIRE_MAX 1522 /* a frame that is longer may be several in one: generic XDP gets what was joined */

static __always_inline struct cursor tunnel_at(struct xdp_md *ctx, u32 offset, u32 left)
{
	return tunnel_cursor((void *)(long)ctx->data, (void *)(long)ctx->data_end, offset, left);
}

/* Whatever frame is inside. */
__noinline int ht_tun_ether(struct xdp_md *ctx)
{
	u32 zero = 0;
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);
	struct cursor c;

	if (!q)
		return 0;
	c = tunnel_at(ctx, q->offset, q->inside);
	tunnel_ether(&c, q);
	return 0;
}

/* Takes everything between the outer Ethernet header, with its tags, and the IP packet inside off the frame. The outer header stays
 * because its destination is the device: with that of the frame inside the stack would take the packet for somebody else's. */
__noinline int ht_tun_strip(struct xdp_md *ctx)
{
	u32 zero = 0, l3;
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);
	struct l2 *at = (void *)(long)ctx->data, kept;

	if (!q || (void *)(at + 1) > (void *)(long)ctx->data_end)
		return 0;
	kept = *at;
	l3 = q->l3;
	if (bpf_xdp_adjust_head(ctx, q->ip - l3))
		return 0;
	/* The EtherType is the last of the words before the IP header, whatever the number of tags. */
	kept.words[bounded(l3 / 2 - 1, L2_WORDS - 1)] = q->six ? be16(ETHERTYPE_IP6) : be16(ETHERTYPE_IP4);
	at = (void *)(long)ctx->data;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < L2_WORDS && i < l3 / 2; i++) {
		if ((void *)at + i * 2 + 2 > (void *)(long)ctx->data_end)
			return 0;
		at->words[i] = kept.words[bounded(i, L2_WORDS - 1)];
	}
	return 1;
}

/* The same behind an Ethernet header without tags. */
static __always_inline int strip_plain(struct xdp_md *ctx, const struct tunnel_query *q)
{
	struct mac_pair {
		u64 words;
		u32 rest;
		u16 type;
	} *eth = (void *)(long)ctx->data;
	u64 words;
	u32 rest;

	if ((void *)eth + sizeof(struct eth) > (void *)(long)ctx->data_end)
		return 0;
	words = eth->words;
	rest = eth->rest;
	if (bpf_xdp_adjust_head(ctx, q->ip - sizeof(struct eth)))
		return 0;
	eth = (void *)(long)ctx->data;
	if ((void *)eth + sizeof(struct eth) > (void *)(long)ctx->data_end)
		return 0;
	eth->words = words;
	eth->rest = rest;
	eth->type = q->six ? be16(ETHERTYPE_IP6) : be16(ETHERTYPE_IP4);
	return 1;
}

/* Returns TUNNEL_*, or 0. */
__noinline int ht_tun_stage(struct xdp_md *ctx, u32 gen)
{
	u32 zero = 0, slot = slot_of(gen), denied = 0, said;
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);
	struct acl_query *k = bpf_map_lookup_elem(&ht_query, &zero);
	struct cursor c;

	if (!img || !q || !k || !tunnel_kind(img, q, gen))
		return 0;
	q->super = q->len > WIRE_MAX;
	c = tunnel_at(ctx, q->l4, q->left);
	tunnel_head(&c, q);
	if (tunnel_outer(q, gen)) {
		c = tunnel_at(ctx, q->offset, q->inside);
		if (!tunnel_plain(&c, q))
			ht_tun_ether(ctx);
		c = tunnel_at(ctx, q->ip, q->left);
		tunnel_inside(&c, q, k);
	}
	if (tunnel_judge(img, q, k) && !shadow_gen()) {
		denied = denied_inside(q, k, gen);
		if (!denied && !(q->l3 == sizeof(struct eth) ? strip_plain(ctx, q) : ht_tun_strip(ctx))) {
			q->strip = 0;
			q->why = TERR_FAILED;
		}
	}
	barrier();
	shadow_tunnel(q);
	said = tunnel_end(q, gen);
	return denied ? TUNNEL_DENIED : said;
}

/* Where p was unwrapped it is the packet inside from here on, and pointers into the frame are void. 1: it is to be dropped. */
static __always_inline int stage_tunnel(struct xdp_md *ctx, struct packet *p, u32 gen)
{
	int said = tunnel_begin(p) ? ht_tun_stage(ctx, gen) : 0;

	if (said == TUNNEL_DENIED)
		return 1;
	tunnel_go_on(p, said);
	return 0;
}
